import {
  type Format,
  FORMATS,
  type Simd,
  X_BYTES,
  isSplit,
  loadHigh,
  loadWeights,
  loadX,
  minimaAt,
  scalesAt,
  startFactor,
  sumFactors,
  sumOfX,
  sumsPairs,
  unpacking,
  wideSums,
} from './formats.ts';
import { addProduct, dispatcher, halfMask, lines, loadFactors, madd, masks, twice, wholeSum, widened } from './text.ts';

/** panels(dtype, ..): one row of x times two panels of 8 rows (see matvecQ.ts), `count` groups; adds to y. */
export function generatePanels(simd: Simd): string {
  const parameters = ['wa: usize', 'wb: usize', 'factors: usize', 'x: usize', 'ya: usize', 'yb: usize', 'count: i32'];
  const constants = "import { FACTORS_BYTES } from './opcodes';\n" + halfMask('panelsHalf') + sumFactors(simd, masks);
  return constants + FORMATS.map((format) => panels(format, simd)).join('') + dispatcher('panels', parameters);
}

function panels(format: Format, simd: Simd): string {
  const { name, blockBytes, superBlocks } = format;
  const split = isSplit(format, simd);
  const { maskValues } = unpacking(format, simd);
  const groups = Array.from({ length: format.groups }, (_, group) => [
    ...(split ? splitSums(format, simd) : sums(format, simd, group)),
    ...scaleSums(format, simd, group),
  ]);
  const sumNames = channels.map((i) => `c${i}`);
  const variables = [...channels.flatMap((i) => [`w${i}`, ...(split ? [`h${i}`] : [])]), ...sumNames, 'x0'];
  variables.push(...wideSums(format, simd, sumNames));
  return `
${maskValues.map((value, i) => masks(`panels_${name}Mask${i}`, value)).join('')}${masks(`panels_${name}Start`, twice(startFactor(format, simd)))}
function panels_${name}(wa: usize, wb: usize, factors: usize, x: usize, ya: usize, yb: usize, count: i32): void {
${superBlocks ? '  let fa = factors;\n  let fb = factors + FACTORS_BYTES;' : ''}
  const zero = i32x4.splat(0);
  const half = v128.load(panelsHalf);
  const start = v128.load(panels_${name}Start);
${lines(maskValues, (_, i) => `  const m${i} = v128.load(panels_${name}Mask${i});`)}
${lines(variables, (v) => `  let ${v} = zero;`)}
${lines(channels, (i) => `  let f${i} = v128.load(${i < 2 ? 'ya' : 'yb'}, ${16 * (i & 1)});`)}
  for (; count > 0; count--) {
${lines(groups.flat(), (line) => `    ${line}`)}
    wa += ${blockBytes};
    wb += ${blockBytes};
${superBlocks ? '    fa += 64;\n    fb += 64;' : ''}
    x += ${X_BYTES(simd)};
  }
${lines(channels, (i) => `  v128.store(${i < 2 ? 'ya' : 'yb'}, f${i}, ${16 * (i & 1)});`)}
}
`;
}

/** Rows that a vector holds: panel a rows 0-3, 4-7, panel b rows 0-3, 4-7. */
const channels = [0, 1, 2, 3];
const panelOf = (channel: number): string => (channel < 2 ? 'wa' : 'wb');

/** What products have in common: the offset of unsigned codes times the sum of x. Minima bring it in by themselves. */
const START = 'i32x4.dot_i16x8_s(v128.load32_splat(x, 4), start)';

/** All sums = where they start from. */
function startSums(format: Format, simd: Simd, sums: readonly string[]): string[] {
  if (sumsPairs(format, simd)) return [];
  const [first, ...others] = sums;
  return [`${first} = ${format.minima ? 'zero' : START};`, ...others.map((sum) => `${sum} = ${first};`)];
}

function sums(format: Format, simd: Simd, group: number): string[] {
  const names = channels.map((i) => `c${i}`);
  const body = startSums(format, simd, names);
  let loaded = -1;
  unpacking(format, simd).groups[group]!.forEach(({ pair, x, operand }, k) => {
    if (pair !== loaded) {
      body.push(...channels.map((i) => `w${i} = ${loadWeights(format, panelOf(i), i & 1, pair)};`));
      loaded = pair;
    }
    body.push(`x0 = ${loadX('x', x)};`);
    for (const i of channels) {
      const w = operand(`w${i}`, loadHigh(format, panelOf(i), i & 1, group));
      body.push(addProduct(format, simd, { sum: `c${i}`, x: 'x0', w, k }));
    }
  });
  if (!sumsPairs(format, simd)) return body;
  if (!format.minima) body.push(`x0 = ${START};`);
  const start = format.minima ? undefined : 'x0';
  return [...body, ...names.map((sum) => `${sum} = ${wholeSum(format, simd, sum, start)};`)];
}

/** The same for weights that are split: c of the low nibbles, h of the high ones, then c += 16 h. */
function splitSums(format: Format, simd: Simd): string[] {
  const starts = startSums(
    format,
    simd,
    channels.map((i) => `h${i}`),
  );
  const body = starts.length > 0 ? [...starts, ...channels.map((i) => `c${i} = zero;`)] : [];
  const steps = unpacking(format, simd).groups[0]!;
  for (let k = 0; k < steps.length; k += 2) {
    const [low, high] = [steps[k]!, steps[k + 1]!];
    body.push(`x0 = ${loadX('x', low.x)};`);
    for (const i of channels) {
      body.push(`w0 = ${loadWeights(format, panelOf(i), i & 1, low.pair)};`);
      if (low.shared) body.push(`w0 = ${low.shared('w0')};`);
      body.push(addProduct(format, simd, { sum: `c${i}`, x: 'x0', w: low.operand('w0', ''), k: k >> 1 }));
      body.push(addProduct(format, simd, { sum: `h${i}`, x: 'x0', w: high.operand('w0', ''), k: k >> 1 }));
    }
  }
  body.push(`x0 = ${START};`);
  for (const i of channels) {
    const high = wholeSum(format, simd, `h${i}`, 'x0');
    body.push(`c${i} = i32x4.add(${wholeSum(format, simd, `c${i}`)}, i32x4.shl(${high}, 4));`);
  }
  return body;
}

/** f += scale_w scale_x c (+ minimum sum_x); the widened f16 lack a factor, of which x brings a part and matvecQ.ts the rest. */
function scaleSums(format: Format, simd: Simd, group: number): string[] {
  const body = ['x0 = v128.load32_splat(x);'];
  const add = (at: number, sum: (factors: string, i: number) => string[]): void => {
    for (const [panel, ofSuperBlock] of [
      ['wa', 'fa'],
      ['wb', 'fb'],
    ] as const) {
      if (!format.superBlocks) body.push(`w0 = v128.load(${panel}, ${at});`);
      for (const half of [0, 1]) {
        const factors = format.superBlocks ? loadFactors(ofSuperBlock, at, half) : widened('w0', half, 'half');
        body.push(...sum(factors, (panel === 'wa' ? 0 : 2) + half));
      }
    }
  };
  add(scalesAt(format, group), (scales, i) => [
    `w1 = f32x4.mul(${scales}, x0);`,
    `f${i} = ${madd(simd, 'w1', `f32x4.convert_i32x4_s(c${i})`, `f${i}`)};`,
  ]);
  if (!format.minima) return body;
  body.push(`x0 = ${sumOfX(format, group, { sums: 'v128.load32_splat(x, 4)', scale: 'x0' })};`);
  add(minimaAt(format, group), (minima, i) => [`f${i} = ${madd(simd, minima, 'x0', `f${i}`)};`]);
  return body;
}
