import { type KvDType, PAGE_TOKENS } from '../../kernels/ops.ts';

export interface KvSizes {
  readonly layers: number;
  readonly kvHeads: number;
  readonly headDim: number;
  readonly contextLength: number;
  /** Free memory on the backend beside the weights; Infinity where it is unknown. */
  readonly freeBytes: number;
}

/** The rest is for scratch memory, caches of other sequences, and other programs. */
const SHARE_OF_FREE = 0.5;
/** Graphics cards do not tell their memory. Common ones have this much beside the weights of 4 billion parameters. */
const UNKNOWN_FREE_BYTES = 6e9;

/** Chooses f16 where keys and values of the whole context take at most half of the free memory, else q8. */
export function chooseKvDtype({ layers, kvHeads, headDim, contextLength, freeBytes }: KvSizes): KvDType {
  const positions = Math.ceil(contextLength / PAGE_TOKENS) * PAGE_TOKENS;
  const f16Bytes = 2 * positions * layers * kvHeads * headDim * 2;
  const free = Number.isFinite(freeBytes) ? freeBytes : UNKNOWN_FREE_BYTES;
  return f16Bytes <= SHARE_OF_FREE * free ? 'f16' : 'q8';
}
