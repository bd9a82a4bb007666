/**
 * Generates the inner loops of the quantised matrix products as straight-line AssemblyScript: V8 keeps the order of
 * wasm instructions, so the order here decides which values stay in registers. The same functions generate the relaxed
 * and the plain SIMD variants.
 */

/** A kernel's variant: with or without relaxed SIMD, for 4-bit or 8-bit weights. */
interface Variant {
  relaxed: boolean;
  q4: boolean;
}

/** How a vector of weight bytes becomes operands of the dot product: mask constants, and one operand per part. */
interface Unpacking {
  maskValues: string[];
  parts: ((weights: string) => string)[];
}

/** The sums of one pass over a panel: for which rows of x and vectors of weights, and whether nibbles are `split`. */
interface Sums {
  relaxed: boolean;
  split: boolean;
  rows: number[];
  vectors: number[];
}

/** panelsQ4/panelsQ8: one row of x times two panels of 8 rows (see matvecQ.ts), `count` groups; adds to y. */
export function generatePanels(relaxed: boolean): string {
  return panels({ name: 'panelsQ4', relaxed, q4: true }) + panels({ name: 'panelsQ8', relaxed, q4: false });
}

/** rows2Q4/rows4Q4/rows2Q8/rows4Q8: 2 or 4 rows of x times one panel (see matvecQ.ts), `count` groups; adds to y. */
export function generateRows(relaxed: boolean): string {
  const variants = [true, false].flatMap((q4) => [2, 4].map((count) => ({ relaxed, q4, count })));
  return halfMask('rowsHalf') + variants.map(rowsTimesPanel).join('');
}

/** tileQ4/tileQ8: 8 tokens times a few rows of unpacked weights (see matmulQ.ts), `count` groups; adds to sums. */
export function generateTiles(relaxed: boolean): string {
  return tile({ name: 'tileQ4', relaxed, q4: true }) + tile({ name: 'tileQ8', relaxed, q4: false });
}

const masks = (name: string, value: string): string =>
  `const ${name} = memory.data<u32>([${Array(4).fill(value).join(', ')}], 16);\n`;
const halfMask = (name: string): string => masks(name, '0x8fffe000');
const lines = <T>(list: readonly T[], template: (each: T, index: number) => string): string =>
  list.map(template).join('\n');

function panels({ name, relaxed, q4 }: Variant & { name: string }): string {
  const { maskValues } = unpacking(relaxed, q4);
  const sums = relaxed ? (q4 ? sumsRelaxedQ4() : sumsRelaxedQ8()) : sumsPlain(q4);
  const variables = [...channels.flatMap((i) => [`w${i}`, `c${i}`, ...(relaxed && !q4 ? [`h${i}`] : [])]), 'x0'];
  return `
${maskValues.map((value, i) => masks(`${name}Mask${i}`, value)).join('')}${halfMask(`${name}Half`)}
export function ${name}(wa: usize, wb: usize, x: usize, ya: usize, yb: usize, count: i32): void {
  const zero = i32x4.splat(0);
  const half = v128.load(${name}Half);
${lines(maskValues, (_, i) => `  const m${i} = v128.load(${name}Mask${i});`)}
${lines(variables, (v) => `  let ${v} = zero;`)}
${lines(channels, (i) => `  let f${i} = v128.load(${i < 2 ? 'ya' : 'yb'}, ${16 * (i & 1)});`)}
  for (; count > 0; count--) {
${lines([...sums, ...scaleSums(relaxed)], (line) => `    ${line}`)}
    wa += ${q4 ? 144 : 272};
    wb += ${q4 ? 144 : 272};
    x += ${relaxed ? 40 : 72};
  }
${lines(channels, (i) => `  v128.store(${i < 2 ? 'ya' : 'yb'}, f${i}, ${16 * (i & 1)});`)}
}
`;
}

/** The rows in each vector: panel a rows 0-3, 4-7, panel b rows 0-3, 4-7. */
const channels = [0, 1, 2, 3];
const loadWeights = (i: number, pair: number): string =>
  `v128.load(${i < 2 ? 'wa' : 'wb'}, ${16 + 32 * pair + 16 * (i & 1)})`;
const loadX = (k: number): string => `x0 = v128.load32_splat(x, ${8 + 4 * k});`;
const startSums = (name: string): string[] => [
  `${name}0 = v128.load32_splat(x, 4);`,
  ...[1, 2, 3].map((i) => `${name}${i} = ${name}0;`),
];

function sumsRelaxedQ4(): string[] {
  const body = startSums('c');
  for (let g = 0; g < 4; g++) {
    body.push(...channels.map((i) => `w${i} = ${loadWeights(i, g)};`), loadX(2 * g));
    body.push(...channels.map((i) => `c${i} = ${dot('x0', `v128.and(w${i}, m0)`, `c${i}`)};`), loadX(2 * g + 1));
    body.push(...channels.map((i) => `c${i} = ${dot('x0', `v128.and(i16x8.shr_u(w${i}, 4), m0)`, `c${i}`)};`));
  }
  return body;
}

/** Bytes are split into nibbles, the unsigned operand of the dot product: u = 16 h + l, and 128 = 16 * 8. */
function sumsRelaxedQ8(): string[] {
  const body = [...startSums('h'), ...channels.map((i) => `c${i} = zero;`)];
  for (let g = 0; g < 8; g++) {
    body.push(loadX(g));
    for (const i of channels) {
      body.push(`w0 = ${loadWeights(i, g)};`, `c${i} = ${dot('x0', 'v128.and(w0, m0)', `c${i}`)};`);
      body.push(`h${i} = ${dot('x0', 'v128.and(i16x8.shr_u(w0, 4), m0)', `h${i}`)};`);
    }
  }
  return [...body, ...channels.map((i) => `c${i} = i32x4.add(c${i}, i32x4.shl(h${i}, 4));`)];
}

/**
 * Turns bytes into operands of the dot product. Plain: each gives i16 lanes, and x is shifted to match (quantise.ts).
 */
function unpacking(relaxed: boolean, q4: boolean): Unpacking {
  const and = (mask: string) => (w: string) => `v128.and(${w}, ${mask})`;
  const shift = (bits: number) => (w: string) => `i16x8.shr_u(${w}, ${bits})`;
  if (relaxed) return { maskValues: ['0x0f0f0f0f'], parts: [and('m0'), (w) => and('m0')(shift(4)(w))] };
  if (!q4) return { maskValues: ['0x00ff00ff'], parts: [and('m0'), shift(8)] };
  const maskValues = ['0x000f000f', '0x00f000f0', '0x0f000f00'];
  return { maskValues, parts: [and('m0'), and('m1'), and('m2'), shift(12)] };
}

function sumsPlain(q4: boolean): string[] {
  const { parts } = unpacking(false, q4);
  const body = startSums('c');
  for (let g = 0; g < (q4 ? 4 : 8); g++) {
    body.push(...channels.map((i) => `w${i} = ${loadWeights(i, g)};`));
    parts.forEach((part, k) => {
      body.push(loadX(parts.length * g + k));
      body.push(...channels.map((i) => `c${i} = i32x4.add(c${i}, i32x4.dot_i16x8_s(${part(`w${i}`)}, x0));`));
    });
  }
  return body;
}

/** f += scale_w scale_x c; the widened scales lack a factor that the scale of x contains. */
function scaleSums(relaxed: boolean): string[] {
  const body = ['x0 = v128.load32_splat(x);'];
  for (const [panel, pointer] of ['wa', 'wb'].entries()) {
    body.push(`w0 = v128.load(${pointer});`);
    for (const [j, part] of ['low', 'high'].entries()) {
      const i = 2 * panel + j;
      body.push(`w1 = f32x4.mul(v128.and(i32x4.shl(i32x4.extend_${part}_i16x8_s(w0), 13), half), x0);`);
      body.push(`f${i} = ${madd(relaxed, 'w1', `f32x4.convert_i32x4_s(c${i})`, `f${i}`)};`);
    }
  }
  return body;
}

/**
 * The same sums in the same order as `panels`, with weights unpacked once for all rows: two vectors of weights at a
 * time, or one if bytes are split into nibbles with a sum each, so that the sums stay in registers.
 */
function rowsTimesPanel({ relaxed, q4, count }: Variant & { count: number }): string {
  const name = `rows${count}Q${q4 ? 4 : 8}`;
  const split = relaxed && !q4;
  const rows = Array.from({ length: count }, (_, r) => r);
  const { maskValues, parts } = unpacking(relaxed, q4);
  const body: string[] = [];
  for (const vectors of split ? [[0], [1]] : [[0, 1]]) {
    for (const r of rows) {
      body.push(`v = v128.load32_splat(x${r}, 4);`);
      for (const i of vectors) body.push(...(split ? [`c${r}0 = zero;`, `c${r}1 = v;`] : [`c${r}${i} = v;`]));
    }
    for (let pair = 0; pair < (q4 ? 4 : 8); pair++) {
      body.push(...vectors.map((i) => `w${i} = v128.load(w, ${16 + 32 * pair + 16 * i});`));
      // Operands to be multiplied by the same columns of x: [sum, operand], with the operand in u0 or u1.
      const steps: [sum: number, operand: string][][] = split
        ? [parts.map((part, k) => [k, part(`w${vectors[0]}`)])]
        : parts.map((part) => vectors.map((i) => [i, part(`w${i}`)]));
      steps.forEach((step, k) => {
        body.push(...step.map(([i, operand]) => `u${i} = ${operand};`));
        for (const r of rows) {
          body.push(`v = v128.load32_splat(x${r}, ${8 + 4 * (steps.length * pair + k)});`);
          for (const [i] of step) {
            const c = `c${r}${i}`;
            body.push(`${c} = ${relaxed ? dot('v', `u${i}`, c) : `i32x4.add(${c}, i32x4.dot_i16x8_s(u${i}, v))`};`);
          }
        }
      });
    }
    body.push(...scaledSums({ relaxed, split, rows, vectors }));
  }
  const pointers = rows.map((r) => `x${r}: usize`).join(', ');
  return `
${maskValues.map((value, i) => masks(`${name}Mask${i}`, value)).join('')}
export function ${name}(w: usize, ${pointers}, y0: usize, yBytes: usize, count: i32): void {
  const zero = i32x4.splat(0);
${lines(maskValues, (_, i) => `  const m${i} = v128.load(${name}Mask${i});`)}
${lines([...rows.flatMap((r) => [`c${r}0`, `c${r}1`]), 'w0', 'w1', 'u0', 'u1', 'v'], (name) => `  let ${name} = zero;`)}
${lines(rows.slice(1), (r) => `  const y${r} = y${r - 1} + yBytes;`)}
  for (; count > 0; count--) {
${lines(body, (line) => `    ${line}`)}
    w += ${q4 ? 144 : 272};
${lines(rows, (r) => `    x${r} += ${relaxed ? 40 : 72};`)}
  }
}
`;
}

/** y += scale of w x scale of x x sum, for each row and each vector of four rows of w. */
function scaledSums({ relaxed, split, rows, vectors }: Sums): string[] {
  const body = ['w0 = v128.load(w);'];
  for (const i of vectors) {
    const scales = `i32x4.extend_${i ? 'high' : 'low'}_i16x8_s(w0)`;
    body.push(`u${i} = v128.and(i32x4.shl(${scales}, 13), v128.load(rowsHalf));`);
  }
  for (const r of rows) {
    body.push(`v = v128.load32_splat(x${r});`);
    for (const i of vectors) {
      const sum = split ? `i32x4.add(c${r}0, i32x4.shl(c${r}1, 4))` : `c${r}${i}`;
      const total = madd(
        relaxed,
        `f32x4.mul(u${i}, v)`,
        `f32x4.convert_i32x4_s(${sum})`,
        `v128.load(y${r}, ${16 * i})`,
      );
      body.push(`v128.store(y${r}, ${total}, ${16 * i});`);
    }
  }
  return body;
}

function tile({ name, relaxed, q4 }: Variant & { name: string }): string {
  const split = relaxed && !q4; // Weights are split into low and high nibbles with a sum each.
  const rows = split ? [0, 1] : [0, 1, 2, 3];
  const vectors = [0, 1]; // Two vectors of four tokens.
  const steps = relaxed ? 8 : 16;
  const header = relaxed ? 64 : 32;
  const R = rows.length;
  const body: string[] = [];
  for (const r of rows) {
    for (const t of vectors) {
      const start = relaxed ? `v128.load(x, ${32 + 16 * t})` : 'zero';
      if (split) body.push(`c${r}${t} = zero;`, `h${r}${t} = ${start};`);
      else body.push(`c${r}${t} = ${r ? `c0${t}` : start};`);
    }
  }
  for (let k = 0; k < steps; k++) {
    body.push(...vectors.map((t) => `x${t} = v128.load(x, ${header + 32 * k + 16 * t});`));
    for (const [part, sum] of (split ? ['c', 'h'] : ['c']).entries()) {
      for (const r of rows) {
        body.push(`w = v128.load(w_, ${16 * R + 16 * ((split ? 2 * k + part : k) * R + r)});`);
        for (const t of vectors) {
          const c = `${sum}${r}${t}`;
          body.push(
            relaxed ? `${c} = ${dot(`x${t}`, 'w', c)};` : `${c} = i32x4.add(${c}, i32x4.dot_i16x8_s(x${t}, w));`,
          );
        }
      }
    }
  }
  body.push(...vectors.map((t) => `x${t} = v128.load(x, ${16 * t});`));
  for (const r of rows) {
    body.push(`w = v128.load(w_, ${16 * r});`);
    for (const t of vectors) {
      const sum = split ? `i32x4.add(c${r}${t}, i32x4.shl(h${r}${t}, 4))` : `c${r}${t}`;
      const at = 16 * (2 * r + t);
      const total = madd(relaxed, `f32x4.convert_i32x4_s(${sum})`, `f32x4.mul(w, x${t})`, `v128.load(sums, ${at})`);
      body.push(`v128.store(sums, ${total}, ${at});`);
    }
  }
  const names = rows.flatMap((r) => vectors.flatMap((t) => [`c${r}${t}`, ...(split ? [`h${r}${t}`] : [])]));
  return `
export function ${name}(x: usize, w_: usize, sums: usize, count: i32): void {
  const zero = i32x4.splat(0);
${lines([...names, 'x0', 'x1', 'w'], (v) => `  let ${v} = zero;`)}
  for (; count > 0; count--) {
${lines(body, (line) => `    ${line}`)}
    x += ${header + 32 * steps};
    w_ += ${16 * R * ((split ? 2 : 1) * steps + 1)};
  }
}
`;
}

const dot = (a: string, b: string, c: string): string => `i32x4.relaxed_dot_i8x16_i7x16_add_s(${a}, ${b}, ${c})`;
const madd = (relaxed: boolean, a: string, b: string, c: string): string =>
  relaxed ? `f32x4.relaxed_madd(${a}, ${b}, ${c})` : `f32x4.add(f32x4.mul(${a}, ${b}), ${c})`;
