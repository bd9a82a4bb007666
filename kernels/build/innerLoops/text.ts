/** Text of AssemblyScript. */
import { type Format, FORMATS } from './formats.ts';

/** `name(dtype, parameters)`, which calls the kernel of the format. */
export function dispatcher(name: string, parameters: string[], kernel: (format: Format) => string): string {
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

export const masks = (name: string, value: string): string =>
  `const ${name} = memory.data<u32>([${Array(4).fill(value).join(', ')}], 16);\n`;
export const halfMask = (name: string): string => masks(name, '0x8fffe000');
export const lines = <T>(list: readonly T[], template: (each: T, index: number) => string): string =>
  list.map(template).join('\n');

/** Four of eight f16 as f32, but for a factor of 2^112. */
export const widened = (halves: string, upper: number, mask: string): string =>
  `v128.and(i32x4.shl(i32x4.extend_${upper ? 'high' : 'low'}_i16x8_s(${halves}), 13), ${mask})`;

export const dot = (a: string, b: string, c: string): string => `i32x4.relaxed_dot_i8x16_i7x16_add_s(${a}, ${b}, ${c})`;
/** c + x . w: 4 int8 and 7-bit codes per lane, or 2 i16. */
export const product = (relaxed: boolean, x: string, w: string, c: string): string =>
  relaxed ? dot(x, w, c) : `i32x4.add(${c}, i32x4.dot_i16x8_s(${w}, ${x}))`;
export const madd = (relaxed: boolean, a: string, b: string, c: string): string =>
  relaxed ? `f32x4.relaxed_madd(${a}, ${b}, ${c})` : `f32x4.add(f32x4.mul(${a}, ${b}), ${c})`;
