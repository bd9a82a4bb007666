/** The sizes of rows in the layout of weight.wgsl. */
import type { WeightDType } from '../../ops.ts';
import { GROUP, isQuantized } from '../../quantize.ts';

/** FORMAT in weight.wgsl. */
export const FORMAT: Partial<Record<WeightDType, number>> = { f32: 0, f16: 1, q8: 2, q4: 3 };

/** Quads of a row of `width` values, rounded up to whole blocks. */
export function paddedQuads(width: number, dtype: WeightDType): number {
  const blockQuads = 1 << FORMAT[dtype]!;
  return Math.ceil(width / (4 * blockQuads)) * blockQuads;
}

/** Bytes of the blocks of a row. */
export function blockBytes(width: number, dtype: WeightDType): number {
  return (paddedQuads(width, dtype) * 16) >> FORMAT[dtype]!;
}

/** Words of the scales of a row; 0 where the format has none. */
export function scaleWords(width: number, dtype: WeightDType): number {
  return isQuantized(dtype) ? Math.ceil(width / GROUP / 2) : 0;
}

export function scaleBytes(width: number, dtype: WeightDType): number {
  return scaleWords(width, dtype) * 4;
}
