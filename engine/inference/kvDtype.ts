import { type KvDType, PAGE_TOKENS } from '../../kernels/ops.ts';

export interface KvSizes {
  readonly layers: number;
  readonly kvHeads: number;
  readonly headDim: number;
  readonly contextLength: number;
  /** Free where the cache is to lie, beside the weights; Infinity where nobody knows. */
  readonly freeBytes: number;
}

/** The rest is for scratch memory, snapshots of other sequences, and whatever else runs here. */
const SHARE_OF_FREE = 0.5;
/** Graphics cards do not say what they have; common ones leave as much beside the weights of 4 billion parameters. */
const UNKNOWN_FREE_BYTES = 6e9;

/** f16 where keys and values of the whole context take at most half of what is free, else q8, which takes half of that. */
export function chooseKvDtype({ layers, kvHeads, headDim, contextLength, freeBytes }: KvSizes): KvDType {
  const positions = Math.ceil(contextLength / PAGE_TOKENS) * PAGE_TOKENS;
  const f16Bytes = 2 * positions * layers * kvHeads * headDim * 2;
  const free = Number.isFinite(freeBytes) ? freeBytes : UNKNOWN_FREE_BYTES;
  return f16Bytes <= SHARE_OF_FREE * free ? 'f16' : 'q8';
}
