/**
 * Generates the inner loops of the quantised matrix products as straight-line AssemblyScript: V8 keeps the order of
 * wasm instructions, so the order here decides which values stay in registers. The same functions generate the relaxed
 * and the plain SIMD variants.
 */

/** A quantised weight format as it lies in a panel's block of 32 columns (layouts: wasm/assembly/matmul/matvecQ.ts). */
interface Format {
  name: string;
  bits: 4 | 5 | 6 | 8;
  /** Groups of a block: each has 8 scales and, where there are minima, 8 minima. */
  groups: 1 | 2;
  minima: boolean;
  blockBytes: number;
}

const FORMATS: readonly Format[] = [
  { name: 'q4', bits: 4, groups: 1, minima: false, blockBytes: 144 },
  { name: 'q8', bits: 8, groups: 1, minima: false, blockBytes: 272 },
  { name: 'q4m', bits: 4, groups: 1, minima: true, blockBytes: 160 },
  { name: 'q5m', bits: 5, groups: 1, minima: true, blockBytes: 192 },
  { name: 'q6m', bits: 6, groups: 2, minima: true, blockBytes: 256 },
];

/** Bytes of 32 quantised activations and where the int8 or i16 begin; of a tile of 8 tokens likewise (quantise.ts). */
const X_HEADER = 16;
const X_BYTES = (relaxed: boolean): number => X_HEADER + (relaxed ? 32 : 64);
const TILE_HEADER = 128;

/** One operand of the dot product, 4 (relaxed) or 2 columns of four rows, of the weights in `w` and the upper bits in `high`. */
interface Step {
  /** Vectors of weights, by number. */
  pair: number;
  /** The 32 bits of x that it is multiplied by, by number. */
  x: number;
  operand: (w: string, high: string) => string;
}

/** The steps of a group's sums, and the constants that their operands use. */
interface Unpacking {
  maskValues: string[];
  groups: Step[][];
}

/** The sums of one pass over a panel: which rows of x, which vectors of weights, `split` into low and high nibbles. */
interface Sums {
  format: Format;
  group: number;
  relaxed: boolean;
  split: boolean;
  rows: number[];
  vectors: number[];
}

/** panels(dtype, ..): one row of x times two panels of 8 rows (see matvecQ.ts), `count` groups; adds to y. */
export function generatePanels(relaxed: boolean): string {
  const parameters = ['wa: usize', 'wb: usize', 'x: usize', 'ya: usize', 'yb: usize', 'count: i32'];
  return (
    halfMask('panelsHalf') +
    FORMATS.map((format) => panels(format, relaxed)).join('') +
    dispatcher('panels', parameters, ({ name }) => name)
  );
}

/** rows2/rows4(dtype, ..): 2 or 4 rows of x times one panel (see matvecQ.ts), `count` groups; adds to y. */
export function generateRows(relaxed: boolean): string {
  const ofCount = (count: number): string => {
    const pointers = Array.from({ length: count }, (_, r) => `x${r}: usize`);
    const parameters = ['w: usize', ...pointers, 'y0: usize', 'yBytes: usize', 'count: i32'];
    const kernels = FORMATS.map((format) => rowsTimesPanel(format, relaxed, count));
    return kernels.join('') + dispatcher(`rows${count}`, parameters, ({ name }) => name);
  };
  return halfMask('rowsHalf') + ofCount(2) + ofCount(4);
}

/**
 * tile(dtype, ..): 8 tokens times a few rows of unpacked weights (see matmulQ.ts), `count` groups; adds to sums. Formats
 * whose unpacked codes and numbers per group look alike share a kernel.
 */
export function generateTiles(relaxed: boolean): string {
  const [q4, q8, q4m, , q6m] = FORMATS as unknown as Format[];
  const kernels = [q4!, q8!, q4m!, q6m!].map((format) => tile(format, relaxed)).join('');
  const parameters = ['x: usize', 'w_: usize', 'sums: usize', 'count: i32'];
  return kernels + dispatcher('tile', parameters, ({ name }) => (name === 'q5m' ? 'q4m' : name));
}

/** `name(dtype, parameters)`, which calls the kernel of the format. */
function dispatcher(name: string, parameters: string[], kernel: (format: Format) => string): string {
  const names = parameters.map((parameter) => parameter.split(':')[0]).join(', ');
  const calls = FORMATS.map(
    (format) => `  if (dtype === DTypeCode.${format.name}) return ${name}_${kernel(format)}(${names});`,
  );
  return `
import { DTypeCode } from './opcodes';
export function ${name}(dtype: i32, ${parameters.join(', ')}): void {
${calls.join('\n')}
}
`;
}

const masks = (name: string, value: string): string =>
  `const ${name} = memory.data<u32>([${Array(4).fill(value).join(', ')}], 16);\n`;
const halfMask = (name: string): string => masks(name, '0x8fffe000');
const lines = <T>(list: readonly T[], template: (each: T, index: number) => string): string =>
  list.map(template).join('\n');

function panels(format: Format, relaxed: boolean): string {
  const { name, blockBytes } = format;
  const split = relaxed && format.bits === 8;
  const { maskValues } = unpacking(format, relaxed);
  const groups = Array.from({ length: format.groups }, (_, group) => [
    ...(split ? splitSums() : sums(format, relaxed, group)),
    ...scaleSums(format, relaxed, group),
  ]);
  const variables = [...channels.flatMap((i) => [`w${i}`, `c${i}`, ...(split ? [`h${i}`] : [])]), 'x0'];
  return `
${maskValues.map((value, i) => masks(`panels_${name}Mask${i}`, value)).join('')}
function panels_${name}(wa: usize, wb: usize, x: usize, ya: usize, yb: usize, count: i32): void {
  const zero = i32x4.splat(0);
  const half = v128.load(panelsHalf);
${lines(maskValues, (_, i) => `  const m${i} = v128.load(panels_${name}Mask${i});`)}
${lines(variables, (v) => `  let ${v} = zero;`)}
${lines(channels, (i) => `  let f${i} = v128.load(${i < 2 ? 'ya' : 'yb'}, ${16 * (i & 1)});`)}
  for (; count > 0; count--) {
${lines(groups.flat(), (line) => `    ${line}`)}
    wa += ${blockBytes};
    wb += ${blockBytes};
    x += ${X_BYTES(relaxed)};
  }
${lines(channels, (i) => `  v128.store(${i < 2 ? 'ya' : 'yb'}, f${i}, ${16 * (i & 1)});`)}
}
`;
}

/** Rows that a vector holds: panel a rows 0-3, 4-7, panel b rows 0-3, 4-7. */
const channels = [0, 1, 2, 3];
const panelOf = (channel: number): string => (channel < 2 ? 'wa' : 'wb');
const loadX = (x: string, index: number): string => `v128.load32_splat(${x}, ${X_HEADER + 4 * index})`;

// Parts of a block: scales and minima of each group, upper bits of codes, lower bits or whole codes.
const scalesAt = ({ minima }: Format, group: number): number => group * (minima ? 32 : 16);
const minimaAt = (format: Format, group: number): number => scalesAt(format, group) + 16;
const headerBytes = ({ groups, minima }: Format): number => groups * (minima ? 32 : 16);
const highBytes = ({ bits }: Format): number => (bits === 5 ? 32 : bits === 6 ? 64 : 0);

/** The vector of codes, or of lower bits, of a panel's rows 0-3 or 4-7. */
function loadWeights(format: Format, panel: string, half: number, pair: number): string {
  return `v128.load(${panel}, ${headerBytes(format) + highBytes(format) + 32 * pair + 16 * half})`;
}

/** The vector of upper bits. */
function loadHigh(format: Format, panel: string, half: number, group: number): string {
  return `v128.load(${panel}, ${headerBytes(format) + 32 * group + 16 * half})`;
}

/** c = what the products have in common: the offset of unsigned codes times the sum of x. Minima bring it in by themselves. */
function startSums({ minima }: Format, names: readonly string[]): string[] {
  const first = `${names[0]} = ${minima ? 'zero' : 'v128.load32_splat(x, 4)'};`;
  return [first, ...names.slice(1).map((name) => `${name} = ${names[0]};`)];
}

function sums(format: Format, relaxed: boolean, group: number): string[] {
  const body = startSums(
    format,
    channels.map((i) => `c${i}`),
  );
  let loaded = -1;
  for (const { pair, x, operand } of unpacking(format, relaxed).groups[group]!) {
    if (pair !== loaded) {
      body.push(...channels.map((i) => `w${i} = ${loadWeights(format, panelOf(i), i & 1, pair)};`));
      loaded = pair;
    }
    body.push(`x0 = ${loadX('x', x)};`);
    for (const i of channels) {
      const value = operand(`w${i}`, loadHigh(format, panelOf(i), i & 1, group));
      body.push(`c${i} = ${product(relaxed, 'x0', value, `c${i}`)};`);
    }
  }
  return body;
}

/** 8 bits, relaxed: bytes are split into nibbles, which the dot takes as its unsigned operand: u = 16 h + l, 128 = 16 * 8. */
function splitSums(): string[] {
  const q8 = FORMATS[1]!;
  const names = channels.map((i) => `h${i}`);
  const body = [...startSums(q8, names), ...channels.map((i) => `c${i} = zero;`)];
  for (let g = 0; g < 8; g++) {
    body.push(`x0 = ${loadX('x', g)};`);
    for (const i of channels) {
      body.push(`w0 = ${loadWeights(q8, panelOf(i), i & 1, g)};`, `c${i} = ${dot('x0', 'v128.and(w0, m0)', `c${i}`)};`);
      body.push(`h${i} = ${dot('x0', 'v128.and(i16x8.shr_u(w0, 4), m0)', `h${i}`)};`);
    }
  }
  return [...body, ...channels.map((i) => `c${i} = i32x4.add(c${i}, i32x4.shl(h${i}, 4));`)];
}

/**
 * Turns bytes into operands of the dot product. Plain: each leaves i16 lanes; for 4 bits x was shifted to suit
 * (assembly/quantise.ts). Relaxed with 8 bits: the parts are the low and the high nibbles.
 */
function unpacking(format: Format, relaxed: boolean): Unpacking {
  const { bits } = format;
  const and = (value: string, mask: string): string => `v128.and(${value}, ${mask})`;
  const right = (value: string, count: number): string => (count ? `i16x8.shr_u(${value}, ${count})` : value);
  const groups = Array.from({ length: format.groups }, (): Step[] => []);
  if (bits === 8) {
    const parts = relaxed
      ? [(w: string) => and(w, 'm0'), (w: string) => and(right(w, 4), 'm0')]
      : [(w: string) => and(w, 'm0'), (w: string) => right(w, 8)];
    for (let pair = 0; pair < 8; pair++) {
      parts.forEach((operand, k) => groups[0]!.push({ pair, x: relaxed ? pair : 2 * pair + k, operand }));
    }
    return { maskValues: [relaxed ? '0x0f0f0f0f' : '0x00ff00ff'], groups };
  }
  if (bits === 4 && !relaxed) {
    const parts = [0, 1, 2].map((m) => (w: string) => and(w, `m${m}`));
    for (let pair = 0; pair < 4; pair++) {
      [...parts, (w: string) => right(w, 12)].forEach((operand, k) =>
        groups[0]!.push({ pair, x: 4 * pair + k, operand }),
      );
    }
    return { maskValues: ['0x000f000f', '0x00f000f0', '0x0f000f00'], groups };
  }
  for (let k = 0; k < 8; k++) {
    // Four columns; plain SIMD takes the even and then the odd ones.
    for (const odd of relaxed ? [0] : [0, 1]) {
      const low = (w: string): string => and(right(w, 4 * (k & 1) + 8 * odd), 'm0');
      // Upper bits lie (bits - 4) per four columns, beginning with each group; they belong at bit 4.
      const at = (bits === 5 ? k : 2 * (k & 3)) + 8 * odd - 4;
      const high = (h: string): string => and(at < 0 ? `i16x8.shl(${h}, ${-at})` : right(h, at), 'm1');
      const operand = (w: string, h: string): string => (bits === 4 ? low(w) : `v128.or(${low(w)}, ${high(h)})`);
      const group = Math.floor((k * format.groups) / 8);
      groups[group]!.push({ pair: k >> 1, x: relaxed ? k : 2 * k + odd, operand });
    }
  }
  const upper = bits === 5 ? '1' : '3';
  const maskValues = relaxed
    ? ['0x0f0f0f0f', `0x${upper}0${upper}0${upper}0${upper}0`]
    : ['0x000f000f', `0x00${upper}000${upper}0`];
  return { maskValues: bits === 4 ? maskValues.slice(0, 1) : maskValues, groups };
}

/** f += scale_w scale_x c (+ minimum sum_x); the widened f16 lack a factor, of which x brings a part and matvecQ.ts the rest. */
function scaleSums(format: Format, relaxed: boolean, group: number): string[] {
  const body = ['x0 = v128.load32_splat(x);'];
  for (const panel of ['wa', 'wb']) {
    body.push(`w0 = v128.load(${panel}, ${scalesAt(format, group)});`);
    for (const half of [0, 1]) {
      const i = (panel === 'wa' ? 0 : 2) + half;
      body.push(`w1 = f32x4.mul(${widened('w0', half, 'half')}, x0);`);
      body.push(`f${i} = ${madd(relaxed, 'w1', `f32x4.convert_i32x4_s(c${i})`, `f${i}`)};`);
    }
  }
  if (!format.minima) return body;
  body.push(`x0 = ${sumOfX(format, 'x', group)};`);
  for (const panel of ['wa', 'wb']) {
    body.push(`w0 = v128.load(${panel}, ${minimaAt(format, group)});`);
    for (const half of [0, 1]) {
      const i = (panel === 'wa' ? 0 : 2) + half;
      body.push(`f${i} = ${madd(relaxed, widened('w0', half, 'half'), 'x0', `f${i}`)};`);
    }
  }
  return body;
}

/** Four of eight f16 as f32, but for a factor of 2^112. */
const widened = (halves: string, upper: number, mask: string): string =>
  `v128.and(i32x4.shl(i32x4.extend_${upper ? 'high' : 'low'}_i16x8_s(${halves}), 13), ${mask})`;

/** The sum of a group's x; those of 16 columns are stored. */
function sumOfX({ groups }: Format, x: string, group: number): string {
  const of16 = (half: number): string => `v128.load32_splat(${x}, ${8 + 4 * half})`;
  return groups === 2 ? of16(group) : `f32x4.add(${of16(0)}, ${of16(1)})`;
}

/**
 * The same sums in the same order as `panels`, weights unpacked once for all rows: vectors of weights two at a time, or
 * one where bytes are split into nibbles with a sum each, so that sums stay in registers.
 */
function rowsTimesPanel(format: Format, relaxed: boolean, count: number): string {
  const { blockBytes } = format;
  const name = `rows${count}_${format.name}`;
  const split = relaxed && format.bits === 8;
  const rows = Array.from({ length: count }, (_, r) => r);
  const { maskValues, groups } = unpacking(format, relaxed);
  const body: string[] = [];
  for (const [group, steps] of groups.entries()) {
    for (const vectors of split ? [[0], [1]] : [[0, 1]]) {
      for (const r of rows) {
        if (format.minima) body.push(...vectors.map((i) => `c${r}${i} = zero;`));
        else {
          body.push(`v = v128.load32_splat(x${r}, 4);`);
          for (const i of vectors) body.push(...(split ? [`c${r}0 = zero;`, `c${r}1 = v;`] : [`c${r}${i} = v;`]));
        }
      }
      let loaded = -1;
      // Operands that are multiplied by the same columns of x: those of two vectors, or the two nibbles of one.
      for (let k = 0; k < steps.length; k += split ? 2 : 1) {
        const { pair, x } = steps[k]!;
        if (pair !== loaded) body.push(...vectors.map((i) => `w${i} = ${loadWeights(format, 'w', i, pair)};`));
        loaded = pair;
        const operands = split
          ? [0, 1].map((part) => steps[k + part]!.operand(`w${vectors[0]}`, ''))
          : vectors.map((i) => steps[k]!.operand(`w${i}`, loadHigh(format, 'w', i, group)));
        body.push(...operands.map((operand, i) => `u${i} = ${operand};`));
        for (const r of rows) {
          body.push(`v = ${loadX(`x${r}`, x)};`);
          for (const i of [0, 1]) body.push(`c${r}${i} = ${product(relaxed, 'v', `u${i}`, `c${r}${i}`)};`);
        }
      }
      body.push(...scaledSums({ format, group, relaxed, split, rows, vectors }));
    }
  }
  const pointers = rows.map((r) => `x${r}: usize`).join(', ');
  const variables = [...rows.flatMap((r) => [`c${r}0`, `c${r}1`]), 'w0', 'w1', 'u0', 'u1', 'v', 's'];
  return `
${maskValues.map((value, i) => masks(`${name}Mask${i}`, value)).join('')}
function ${name}(w: usize, ${pointers}, y0: usize, yBytes: usize, count: i32): void {
  const zero = i32x4.splat(0);
${lines(maskValues, (_, i) => `  const m${i} = v128.load(${name}Mask${i});`)}
${lines(variables, (name) => `  let ${name} = zero;`)}
${lines(rows.slice(1), (r) => `  const y${r} = y${r - 1} + yBytes;`)}
  for (; count > 0; count--) {
${lines(body, (line) => `    ${line}`)}
    w += ${blockBytes};
${lines(rows, (r) => `    x${r} += ${X_BYTES(relaxed)};`)}
  }
}
`;
}

/** y += scale of w x scale of x x sum (+ minimum of w x sum of x), for each row and each vector of four rows of w. */
function scaledSums({ format, group, relaxed, split, rows, vectors }: Sums): string[] {
  const body: string[] = [];
  const widen = (to: string, at: number): void => {
    body.push(`v = v128.load(w, ${at});`);
    body.push(...vectors.map((i) => `${to}${i} = ${widened('v', i, 'v128.load(rowsHalf)')};`));
  };
  widen('u', scalesAt(format, group));
  if (format.minima) widen('w', minimaAt(format, group));
  for (const r of rows) {
    body.push(`v = v128.load32_splat(x${r});`);
    if (format.minima) body.push(`s = ${sumOfX(format, `x${r}`, group)};`);
    for (const i of vectors) {
      const sum = split ? `i32x4.add(c${r}0, i32x4.shl(c${r}1, 4))` : `c${r}${i}`;
      const converted = `f32x4.convert_i32x4_s(${sum})`;
      const total = madd(relaxed, `f32x4.mul(u${i}, v)`, converted, `v128.load(y${r}, ${16 * i})`);
      const all = format.minima ? madd(relaxed, `w${i}`, 's', total) : total;
      body.push(`v128.store(y${r}, ${all}, ${16 * i});`);
    }
  }
  return body;
}

function tile(format: Format, relaxed: boolean): string {
  const { name, minima } = format;
  const split = relaxed && format.bits === 8; // Weights come as low and high nibbles with a sum each.
  const rows = split ? [0, 1] : [0, 1, 2, 3];
  const vectors = [0, 1]; // Two vectors of four tokens.
  const steps = relaxed ? 8 : 16;
  const R = rows.length;
  const numbers = format.groups * (minima ? 2 : 1); // Scales and minima before the codes.
  const body: string[] = [];
  for (let group = 0; group < format.groups; group++) {
    for (const r of rows) {
      for (const t of vectors) {
        const start = relaxed && !minima ? `v128.load(x, ${32 + 16 * t})` : 'zero';
        if (split) body.push(`c${r}${t} = zero;`, `h${r}${t} = ${start};`);
        else body.push(`c${r}${t} = ${r ? `c0${t}` : start};`);
      }
    }
    for (let k = (group * steps) / format.groups; k < ((group + 1) * steps) / format.groups; k++) {
      body.push(...vectors.map((t) => `x${t} = v128.load(x, ${TILE_HEADER + 32 * k + 16 * t});`));
      for (const [part, sum] of (split ? ['c', 'h'] : ['c']).entries()) {
        for (const r of rows) {
          body.push(`w = v128.load(w_, ${16 * R * numbers + 16 * ((split ? 2 * k + part : k) * R + r)});`);
          for (const t of vectors) {
            const c = `${sum}${r}${t}`;
            body.push(`${c} = ${product(relaxed, `x${t}`, 'w', c)};`);
          }
        }
      }
    }
    const scales = group * (minima ? 2 : 1);
    body.push(...vectors.map((t) => `x${t} = v128.load(x, ${16 * t});`));
    if (minima) {
      const of16 = (half: number, t: number): string => `v128.load(x, ${64 + 32 * half + 16 * t})`;
      const sum = (t: number): string =>
        format.groups === 2 ? of16(group, t) : `f32x4.add(${of16(0, t)}, ${of16(1, t)})`;
      body.push(...vectors.map((t) => `s${t} = ${sum(t)};`));
    }
    for (const r of rows) {
      body.push(`w = v128.load(w_, ${16 * (R * scales + r)});`);
      if (minima) body.push(`m = v128.load(w_, ${16 * (R * (scales + 1) + r)});`);
      for (const t of vectors) {
        const sum = split ? `i32x4.add(c${r}${t}, i32x4.shl(h${r}${t}, 4))` : `c${r}${t}`;
        const at = 16 * (2 * r + t);
        const total = madd(relaxed, `f32x4.convert_i32x4_s(${sum})`, `f32x4.mul(w, x${t})`, `v128.load(sums, ${at})`);
        body.push(`v128.store(sums, ${minima ? madd(relaxed, 'm', `s${t}`, total) : total}, ${at});`);
      }
    }
  }
  const names = rows.flatMap((r) => vectors.flatMap((t) => [`c${r}${t}`, ...(split ? [`h${r}${t}`] : [])]));
  return `
function tile_${name}(x: usize, w_: usize, sums: usize, count: i32): void {
  const zero = i32x4.splat(0);
${lines([...names, 'x0', 'x1', 'w', 's0', 's1', 'm'], (v) => `  let ${v} = zero;`)}
  for (; count > 0; count--) {
${lines(body, (line) => `    ${line}`)}
    x += ${TILE_HEADER + 32 * steps};
    w_ += ${16 * R * ((split ? 2 : 1) * steps + numbers)};
  }
}
`;
}

const dot = (a: string, b: string, c: string): string => `i32x4.relaxed_dot_i8x16_i7x16_add_s(${a}, ${b}, ${c})`;
/** c + x . w: 4 int8 and 7-bit codes per lane, or 2 i16. */
const product = (relaxed: boolean, x: string, w: string, c: string): string =>
  relaxed ? dot(x, w, c) : `i32x4.add(${c}, i32x4.dot_i16x8_s(${w}, ${x}))`;
const madd = (relaxed: boolean, a: string, b: string, c: string): string =>
  relaxed ? `f32x4.relaxed_madd(${a}, ${b}, ${c})` : `f32x4.add(f32x4.mul(${a}, ${b}), ${c})`;
