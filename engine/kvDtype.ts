import { type KvDType, PAGE_TOKENS } from '../kernels/ops.ts';

export interface KvSizes {
  readonly layers: number;
  readonly kvHeads: number;
  readonly headDim: number;
  readonly contextLength: number;
  /** Free where the cache is to lie, beside the weights. */
  readonly freeBytes: number;
}

/** The rest is for scratch memory, snapshots of other sequences, and whatever else runs here. */
const SHARE_OF_FREE = 0.5;

/** f16 where keys and values of the whole context take at most half of what is free, else q8, which takes half of that. */
export function chooseKvDtype({ layers, kvHeads, headDim, contextLength, freeBytes }: KvSizes): KvDType {
  const positions = Math.ceil(contextLength / PAGE_TOKENS) * PAGE_TOKENS;
  const f16Bytes = 2 * positions * layers * kvHeads * headDim * 2;
  return f16Bytes <= SHARE_OF_FREE * freeBytes ? 'f16' : 'q8';
}
