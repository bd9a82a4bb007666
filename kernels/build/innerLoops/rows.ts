import {
  type Format,
  FORMATS,
  X_BYTES,
  loadHigh,
  loadWeights,
  loadX,
  minimaAt,
  scalesAt,
  sumOfX,
  unpacking,
} from './formats.ts';
import { dispatcher, halfMask, lines, madd, masks, product, widened } from './text.ts';

/** The sums of one pass over a panel: which rows of x, which vectors of weights, `split` into low and high nibbles. */
interface Sums {
  format: Format;
  group: number;
  relaxed: boolean;
  split: boolean;
  rows: number[];
  vectors: number[];
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
