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

/** The sums of one pass over a panel: which rows of x, which vectors of weights, `split` into low and high nibbles. */
interface Sums {
  format: Format;
  group: number;
  simd: Simd;
  split: boolean;
  rows: number[];
  vectors: number[];
}

/** rows2/rows4(dtype, ..): 2 or 4 rows of x times one panel (see matvecQ.ts), `count` groups; adds to y. */
export function generateRows(simd: Simd): string {
  const ofCount = (count: number): string => {
    const pointers = Array.from({ length: count }, (_, r) => `x${r}: usize`);
    const parameters = ['w: usize', 'factors: usize', ...pointers, 'y0: usize', 'yBytes: usize', 'count: i32'];
    const kernels = FORMATS.map((format) => rowsTimesPanel(format, simd, count));
    return kernels.join('') + dispatcher(`rows${count}`, parameters);
  };
  return halfMask('rowsHalf') + sumFactors(simd, masks) + ofCount(2) + ofCount(4);
}

/**
 * The same sums in the same order as `panels`, weights unpacked once for all rows: vectors of weights two at a time, or
 * one where bytes are split into nibbles with a sum each, so that sums stay in registers.
 */
function rowsTimesPanel(format: Format, simd: Simd, count: number): string {
  const { blockBytes, superBlocks } = format;
  const name = `rows${count}_${format.name}`;
  const split = isSplit(format, simd);
  const rows = Array.from({ length: count }, (_, r) => r);
  const { maskValues, groups } = unpacking(format, simd);
  const body: string[] = [];
  for (const [group, steps] of groups.entries()) {
    for (const vectors of split ? [[0], [1]] : [[0, 1]]) {
      for (const r of sumsPairs(format, simd) ? [] : rows) {
        if (format.minima) body.push(...vectors.map((i) => `c${r}${i} = zero;`));
        else {
          body.push(`v = ${startOf(r)};`);
          for (const i of vectors) body.push(...(split ? [`c${r}0 = zero;`, `c${r}1 = v;`] : [`c${r}${i} = v;`]));
        }
      }
      let loaded = -1;
      // Operands that are multiplied by the same columns of x: those of two vectors, or the two nibbles of one.
      for (let k = 0; k < steps.length; k += split ? 2 : 1) {
        const { pair, x, shared } = steps[k]!;
        if (pair !== loaded) body.push(...vectors.map((i) => `w${i} = ${loadWeights(format, 'w', i, pair)};`));
        loaded = pair;
        const whole = shared ? 'u1' : `w${vectors[0]}`;
        if (shared) body.push(`u1 = ${shared(`w${vectors[0]}`)};`);
        const operands = split
          ? [0, 1].map((part) => steps[k + part]!.operand(whole, ''))
          : vectors.map((i) => steps[k]!.operand(`w${i}`, loadHigh(format, 'w', i, group)));
        body.push(...operands.map((operand, i) => `u${i} = ${operand};`));
        for (const r of rows) {
          body.push(`v = ${loadX(`x${r}`, x)};`);
          for (const i of [0, 1]) {
            body.push(addProduct(format, simd, { sum: `c${r}${i}`, x: 'v', w: `u${i}`, k: split ? k >> 1 : k }));
          }
        }
      }
      body.push(...scaledSums({ format, group, simd, split, rows, vectors }));
    }
  }
  const pointers = rows.map((r) => `x${r}: usize`).join(', ');
  const sumNames = rows.flatMap((r) => [`c${r}0`, `c${r}1`]);
  const variables = [...sumNames, ...wideSums(format, simd, sumNames), 'w0', 'w1', 'u0', 'u1', 'v', 's'];
  return `
${maskValues.map((value, i) => masks(`${name}Mask${i}`, value)).join('')}${masks(`${name}Start`, twice(startFactor(format, simd)))}
function ${name}(w: usize, factors: usize, ${pointers}, y0: usize, yBytes: usize, count: i32): void {
  const zero = i32x4.splat(0);
  const start = v128.load(${name}Start);
${lines(maskValues, (_, i) => `  const m${i} = v128.load(${name}Mask${i});`)}
${lines(variables, (name) => `  let ${name} = zero;`)}
${lines(rows.slice(1), (r) => `  const y${r} = y${r - 1} + yBytes;`)}
  for (; count > 0; count--) {
${lines(body, (line) => `    ${line}`)}
    w += ${blockBytes};
${superBlocks ? '    factors += 64;' : ''}
${lines(rows, (r) => `    x${r} += ${X_BYTES(simd)};`)}
  }
}
`;
}

/** What the products of a row have in common (see panels.ts). */
const startOf = (row: number): string => `i32x4.dot_i16x8_s(v128.load32_splat(x${row}, 4), start)`;

/** y += scale of w x scale of x x sum (+ minimum of w x sum of x), for each row and each vector of four rows of w. */
function scaledSums({ format, group, simd, split, rows, vectors }: Sums): string[] {
  const body: string[] = [];
  const widen = (to: string, at: number): void => {
    if (format.superBlocks) {
      body.push(...vectors.map((i) => `${to}${i} = ${loadFactors('factors', at, i)};`));
      return;
    }
    body.push(`v = v128.load(w, ${at});`);
    body.push(...vectors.map((i) => `${to}${i} = ${widened('v', i, 'v128.load(rowsHalf)')};`));
  };
  widen('u', scalesAt(format, group));
  if (format.minima) widen('w', minimaAt(format, group));
  for (const r of rows) {
    body.push(`v = v128.load32_splat(x${r});`);
    if (format.minima) body.push(`s = ${sumOfX(format, group, { sums: `v128.load32_splat(x${r}, 4)`, scale: 'v' })};`);
    for (const i of vectors) {
      const start = format.minima ? undefined : startOf(r);
      const high = `i32x4.shl(${wholeSum(format, simd, `c${r}1`, start)}, 4)`;
      const sum = split
        ? `i32x4.add(${wholeSum(format, simd, `c${r}0`)}, ${high})`
        : wholeSum(format, simd, `c${r}${i}`, start);
      const converted = `f32x4.convert_i32x4_s(${sum})`;
      const total = madd(simd, `f32x4.mul(u${i}, v)`, converted, `v128.load(y${r}, ${16 * i})`);
      const all = format.minima ? madd(simd, `w${i}`, 's', total) : total;
      body.push(`v128.store(y${r}, ${all}, ${16 * i});`);
    }
  }
  return body;
}
