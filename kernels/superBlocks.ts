import type { WeightDType } from './ops.ts';
import type { StoredType } from './stored/storedTypes.ts';

/**
 * The weight formats of super-blocks: 256 values in 8 groups of 32, w = (scale * own scale) * code - (minimum * own
 * minimum), with f16 scale and minimum, and 6 bits for each group's own. They hold stored blocks exactly as they are, and
 * nothing is ever quantised to them.
 */
export const SUPER_BLOCKS: Readonly<Record<SuperBlockDType, { bits: 4 | 5; keeps: readonly StoredType[] }>> = {
  q4k: { bits: 4, keeps: ['Q4_K'] },
  q5k: { bits: 5, keeps: ['Q5_K', 'Q4_K'] },
};

export type SuperBlockDType = 'q4k' | 'q5k';

export function isSuperBlock(dtype: WeightDType): dtype is SuperBlockDType {
  return Object.hasOwn(SUPER_BLOCKS, dtype);
}

/** Values of a super-block, and bytes of its scales and minima, which begin a stored block. */
export const SUPER_BLOCK_VALUES = 256;
export const SUPER_BLOCK_FACTOR_BYTES = 16;
