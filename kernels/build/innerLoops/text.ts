/** Text of AssemblyScript. */
import { type Format, FORMATS, type Simd, groupSteps, pairSteps, sumsPairs, wideSums } from './formats.ts';

/** `name(dtype, parameters)`, which calls the kernel of the format. */
export function dispatcher(name: string, parameters: string[], formats = FORMATS): string {
  const names = parameters.map((parameter) => parameter.split(':')[0]).join(', ');
  const calls = formats.map(
    ({ name: format }) => `  if (dtype === DTypeCode.${format}) return ${name}_${format}(${names});`,
  );
  return `
import { DTypeCode } from './opcodes';
export function ${name}(dtype: i32, ${parameters.join(', ')}): void {
${calls.join('\n')}
}
`;
}

/** A vector: four words, or one that is repeated. */
export const masks = (name: string, value: string): string => {
  const words = value.includes(',') ? value : Array(4).fill(value).join(', ');
  return `const ${name} = memory.data<u32>([${words}], 16);\n`;
};
/** The same i16 in both halves of a word. */
export const twice = (value: number): string => {
  const half = (value & 0xffff).toString(16).padStart(4, '0');
  return `0x${half}${half}`;
};
export const halfMask = (name: string): string => masks(name, '0x8fffe000');
export const lines = <T>(list: readonly T[], template: (each: T, index: number) => string): string =>
  list.map(template).join('\n');

/** Four of eight f16 as f32, but for a factor of 2^112. */
export const widened = (halves: string, upper: number, mask: string): string =>
  `v128.and(i32x4.shl(i32x4.extend_${upper ? 'high' : 'low'}_i16x8_s(${halves}), 13), ${mask})`;

/** Four of a block's unpacked scales or minima, which would be the f16 at `at`. */
export const loadFactors = (block: string, at: number, half: number): string =>
  `v128.load(${block}, ${2 * at + 16 * half})`;

/** a b + c in f32. */
export const madd = (simd: Simd, a: string, b: string, c: string): string =>
  simd === 'plain' ? `f32x4.add(f32x4.mul(${a}, ${b}), ${c})` : `f32x4.relaxed_madd(${a}, ${b}, ${c})`;

/**
 * `sum` = `sum` + x . w, step k of a group: four int8 and 7-bit codes per lane, or two i16. Sums of pairs begin with their
 * first step, and are added to those as i32 (wideSums) before they could overflow.
 */
export function addProduct(
  format: Format,
  simd: Simd,
  { sum, x, w, k }: { sum: string; x: string; w: string; k: number },
): string {
  if (simd === 'plain') return `${sum} = i32x4.add(${sum}, i32x4.dot_i16x8_s(${w}, ${x}));`;
  if (!sumsPairs(format, simd)) return `${sum} = i32x4.relaxed_dot_i8x16_i7x16_add_s(${x}, ${w}, ${sum});`;
  const steps = pairSteps(format);
  const pairs = `i16x8.relaxed_dot_i8x16_i7x16_s(${x}, ${w})`;
  const line = `${sum} = ${k % steps === 0 ? pairs : `i16x8.add(${sum}, ${pairs})`};`;
  if ((k + 1) % steps !== 0 || k + 1 === groupSteps(format)) return line;
  return `${line} ${sum}w = ${widenedSum(sum, k >= steps)};`;
}

/** The sum of a group as i32. Sums of pairs still lack the value that others start from, where there is one. */
export function wholeSum(format: Format, simd: Simd, sum: string, start?: string): string {
  if (!sumsPairs(format, simd)) return sum;
  const whole = widenedSum(sum, wideSums(format, simd, [sum]).length > 0);
  return start === undefined ? whole : `i32x4.add(${whole}, ${start})`;
}

const widenedSum = (sum: string, more: boolean): string => {
  const widened = `i32x4.extadd_pairwise_i16x8_s(${sum})`;
  return more ? `i32x4.add(${sum}w, ${widened})` : widened;
};
