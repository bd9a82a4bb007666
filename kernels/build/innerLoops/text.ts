/** Text of AssemblyScript. */
import { type Format, FORMATS, type Simd, sumsPairs } from './formats.ts';

/** `name(dtype, parameters)`, which calls the kernel of the format. */
export function dispatcher(name: string, parameters: string[]): string {
  const names = parameters.map((parameter) => parameter.split(':')[0]).join(', ');
  const calls = FORMATS.map(
    ({ name: format }) => `  if (dtype === DTypeCode.${format}) return ${name}_${format}(${names});`,
  );
  return `
import { DTypeCode } from './opcodes';
export function ${name}(dtype: i32, ${parameters.join(', ')}): void {
${calls.join('\n')}
}
`;
}

export const masks = (name: string, value: string): string =>
  `const ${name} = memory.data<u32>([${Array(4).fill(value).join(', ')}], 16);\n`;
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

/** a b + c in f32. */
export const madd = (simd: Simd, a: string, b: string, c: string): string =>
  simd === 'plain' ? `f32x4.add(f32x4.mul(${a}, ${b}), ${c})` : `f32x4.relaxed_madd(${a}, ${b}, ${c})`;

/** `sum` = `sum` + x . w: four int8 and 7-bit codes per lane, or two i16. A sum of pairs is set by its first product. */
export function addProduct(
  format: Format,
  simd: Simd,
  { sum, x, w, first }: { sum: string; x: string; w: string; first: boolean },
): string {
  if (simd === 'plain') return `${sum} = i32x4.add(${sum}, i32x4.dot_i16x8_s(${w}, ${x}));`;
  if (!sumsPairs(format, simd)) return `${sum} = i32x4.relaxed_dot_i8x16_i7x16_add_s(${x}, ${w}, ${sum});`;
  const pairs = `i16x8.relaxed_dot_i8x16_i7x16_s(${x}, ${w})`;
  return `${sum} = ${first ? pairs : `i16x8.add(${sum}, ${pairs})`};`;
}

/** The sum as i32. Sums of pairs still lack the value that others start from, where there is one. */
export function wholeSum(format: Format, simd: Simd, sum: string, start?: string): string {
  if (!sumsPairs(format, simd)) return sum;
  const widened = `i32x4.extadd_pairwise_i16x8_s(${sum})`;
  return start === undefined ? widened : `i32x4.add(${widened}, ${start})`;
}
