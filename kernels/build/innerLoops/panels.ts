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
import { dispatcher, dot, halfMask, lines, madd, masks, product, widened } from './text.ts';

/** panels(dtype, ..): one row of x times two panels of 8 rows (see matvecQ.ts), `count` groups; adds to y. */
export function generatePanels(relaxed: boolean): string {
  const parameters = ['wa: usize', 'wb: usize', 'x: usize', 'ya: usize', 'yb: usize', 'count: i32'];
  return (
    halfMask('panelsHalf') +
    FORMATS.map((format) => panels(format, relaxed)).join('') +
    dispatcher('panels', parameters, ({ name }) => name)
  );
}

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
