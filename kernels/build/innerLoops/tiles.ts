import { type Format, FORMATS, TILE_HEADER } from './formats.ts';
import { dispatcher, lines, madd, product } from './text.ts';

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
    if (minima) body.push(...vectors.map((t) => `s${t} = ${sumOfTokens(format, group, t)};`));
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

/** The sums of a group's x of four tokens. */
function sumOfTokens({ groups }: Format, group: number, vector: number): string {
  const of16 = (half: number): string => `v128.load(x, ${64 + 32 * half + 16 * vector})`;
  return groups === 2 ? of16(group) : `f32x4.add(${of16(0)}, ${of16(1)})`;
}
