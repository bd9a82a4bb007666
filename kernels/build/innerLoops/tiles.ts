import {
  type Format,
  FORMATS,
  type Simd,
  TILE_HEADER,
  isSplit,
  sumFactors,
  sumOfX,
  sumsPairs,
  wideSums,
} from './formats.ts';
import { addProduct, dispatcher, lines, madd, masks, twice, wholeSum } from './text.ts';

/** tile(dtype, ..): 8 tokens times a few rows of unpacked weights (see matmulQ.ts), `count` groups; adds to sums. */
export function generateTiles(simd: Simd): string {
  const parameters = ['x: usize', 'w_: usize', 'sums: usize', 'count: i32'];
  // Tiles are never shifted: the sums are those of relaxed SIMD.
  const constants = sumFactors('dot', masks) + masks('tileStart', twice(-8));
  // Levels are unpacked to what they are in q8, super-blocks to what they are in q4m and q5m.
  const formats = FORMATS.filter(({ levels, superBlocks }) => !levels && !superBlocks);
  return constants + formats.map((format) => tile(format, simd)).join('') + dispatcher('tile', parameters, formats);
}

/** Split weights have two sums each, which leaves room for fewer rows. */
const rowsOf = (format: Format, simd: Simd): number[] => (isSplit(format, simd) ? [0, 1] : [0, 1, 2, 3]);
/** Two vectors of four tokens. */
const VECTORS = [0, 1];
/** Vectors of columns in a block. */
const stepsOf = (simd: Simd): number => (simd === 'plain' ? 16 : 8);
/** Scales and minima before the codes of a row. */
const numbersOf = ({ groups, minima }: Format): number => groups * (minima ? 2 : 1);

/** What the products of unsigned codes have in common (see panels.ts); plain SIMD unpacks codes with their signs. */
function startOf({ minima }: Format, simd: Simd, t: number): string | undefined {
  if (simd === 'plain' || minima) return undefined;
  return `i32x4.dot_i16x8_s(v128.load(x, ${32 + 16 * t}), start)`;
}

function tile(format: Format, simd: Simd): string {
  const split = isSplit(format, simd);
  const rows = rowsOf(format, simd);
  const steps = stepsOf(simd);
  const groups = Array.from({ length: format.groups }, (_, group) => [
    ...sums(format, simd, group),
    ...scaleSums(format, simd, group),
  ]);
  const names = rows.flatMap((r) => VECTORS.flatMap((t) => [`c${r}${t}`, ...(split ? [`h${r}${t}`] : [])]));
  return `
function tile_${format.name}(x: usize, w_: usize, sums: usize, count: i32): void {
  const zero = i32x4.splat(0);
  const start = v128.load(tileStart);
${lines([...names, ...wideSums(format, simd, names), 'x0', 'x1', 'w', 's0', 's1', 'm'], (v) => `  let ${v} = zero;`)}
  for (; count > 0; count--) {
${lines(groups.flat(), (line) => `    ${line}`)}
    x += ${TILE_HEADER + 32 * steps};
    w_ += ${16 * rows.length * ((split ? 2 : 1) * steps + numbersOf(format))};
  }
}
`;
}

/** c (and h) = the sums of a group's products. */
function sums(format: Format, simd: Simd, group: number): string[] {
  const split = isSplit(format, simd);
  const rows = rowsOf(format, simd);
  const body: string[] = [];
  for (const r of sumsPairs(format, simd) ? [] : rows) {
    for (const t of VECTORS) {
      const start = startOf(format, simd, t) ?? 'zero';
      if (split) body.push(`c${r}${t} = zero;`, `h${r}${t} = ${start};`);
      else body.push(`c${r}${t} = ${r ? `c0${t}` : start};`);
    }
  }
  const count = stepsOf(simd) / format.groups;
  for (let k = group * count; k < (group + 1) * count; k++) {
    body.push(...VECTORS.map((t) => `x${t} = v128.load(x, ${TILE_HEADER + 32 * k + 16 * t});`));
    for (const [part, sum] of (split ? ['c', 'h'] : ['c']).entries()) {
      for (const r of rows) {
        const vector = numbersOf(format) + (split ? 2 * k + part : k);
        body.push(`w = v128.load(w_, ${16 * (vector * rows.length + r)});`);
        for (const t of VECTORS) {
          body.push(addProduct(format, simd, { sum: `${sum}${r}${t}`, x: `x${t}`, w: 'w', k: k - group * count }));
        }
      }
    }
  }
  return body;
}

/** sums += scale of w x scale of x x c (+ minimum of w x sum of x). */
function scaleSums(format: Format, simd: Simd, group: number): string[] {
  const { minima } = format;
  const rows = rowsOf(format, simd);
  const scales = group * (minima ? 2 : 1);
  const body = VECTORS.map((t) => `x${t} = v128.load(x, ${16 * t});`);
  if (minima) {
    const sum = (t: number): string => sumOfX(format, group, { sums: `v128.load(x, ${32 + 16 * t})`, scale: `x${t}` });
    body.push(...VECTORS.map((t) => `s${t} = ${sum(t)};`));
  }
  for (const r of rows) {
    body.push(`w = v128.load(w_, ${16 * (rows.length * scales + r)});`);
    if (minima) body.push(`m = v128.load(w_, ${16 * (rows.length * (scales + 1) + r)});`);
    for (const t of VECTORS) {
      const start = startOf(format, simd, t);
      const high = `i32x4.shl(${wholeSum(format, simd, `h${r}${t}`, start)}, 4)`;
      const sum = isSplit(format, simd)
        ? `i32x4.add(${wholeSum(format, simd, `c${r}${t}`)}, ${high})`
        : wholeSum(format, simd, `c${r}${t}`, start);
      const at = 16 * (2 * r + t);
      const total = madd(simd, `f32x4.convert_i32x4_s(${sum})`, `f32x4.mul(w, x${t})`, `v128.load(sums, ${at})`);
      body.push(`v128.store(sums, ${minima ? madd(simd, 'm', `s${t}`, total) : total}, ${at});`);
    }
  }
  return body;
}
