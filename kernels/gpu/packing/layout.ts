/** The sizes of rows in the layout of weight.wgsl. */
import type { WeightDType } from '../../ops.ts';

interface Layout {
  /** FORMAT in weight.wgsl. */
  readonly format: number;
  /** BLOCK_QUADS in weight.wgsl. */
  readonly blockQuads: number;
  /** Words of `scales` for each block. They take less room than the blocks, which therefore decide how a weight is cut. */
  readonly scaleWords: number;
}

const LAYOUT: Record<WeightDType, Layout> = {
  f32: { format: 0, blockQuads: 1, scaleWords: 0 },
  f16: { format: 1, blockQuads: 2, scaleWords: 0 },
  q8: { format: 2, blockQuads: 4, scaleWords: 1 / 4 },
  q4: { format: 3, blockQuads: 8, scaleWords: 1 / 2 },
  q4nl: { format: 4, blockQuads: 8, scaleWords: 1 / 2 },
  q4m: { format: 5, blockQuads: 8, scaleWords: 1 },
  q5m: { format: 6, blockQuads: 8, scaleWords: 2 },
  q6m: { format: 7, blockQuads: 4, scaleWords: 0 },
  q4k: { format: 8, blockQuads: 8, scaleWords: 1 / 2 },
  q5k: { format: 9, blockQuads: 8, scaleWords: 3 / 2 },
};

/** The constants of weight.wgsl. */
export function formatConstants(dtype: WeightDType): { FORMAT: number; BLOCK_QUADS: number } {
  return { FORMAT: LAYOUT[dtype].format, BLOCK_QUADS: LAYOUT[dtype].blockQuads };
}

/** Quads of a row of `width` values, rounded up to whole blocks. */
export function paddedQuads(width: number, dtype: WeightDType): number {
  const { blockQuads } = LAYOUT[dtype];
  return Math.ceil(width / (4 * blockQuads)) * blockQuads;
}

/** Bytes of the blocks of a row. */
export function blockBytes(width: number, dtype: WeightDType): number {
  return (paddedQuads(width, dtype) / LAYOUT[dtype].blockQuads) * 16;
}

/** Words of the scales of a row; 0 where the blocks hold everything. */
export function scaleWords(width: number, dtype: WeightDType): number {
  return Math.ceil((blockBytes(width, dtype) / 16) * LAYOUT[dtype].scaleWords);
}

export function scaleBytes(width: number, dtype: WeightDType): number {
  return scaleWords(width, dtype) * 4;
}
