/**
 * Which key blocks a query block sees in block-sparse attention, by the closed formula of phi-3-small's reference code
 * (`_get_sparse_attn_mask_homo_head` and its per-head form): block kb <= qb is visible to head h iff
 * qb - kb < localBlocks or (kb + h headStep + 1) % vertStride == 0.
 */
import type { Sparsity } from './ops.ts';

/**
 * The visible blocks of a query block are `vertical` blocks first, first + vertStride, ... and then the local ones,
 * localStart .. qb. So the i-th of them is found without a list, and a head's work is cut into equal parts by i.
 */
export interface VisibleBlocks {
  readonly first: number;
  readonly vertical: number;
  readonly localStart: number;
  /** vertical + (qb - localStart + 1). */
  readonly count: number;
}

export function visibleBlocks(qb: number, head: number, sparsity: Sparsity): VisibleBlocks {
  const { localBlocks, vertStride, headStep } = sparsity;
  const first = vertStride - 1 - ((head * headStep) % vertStride);
  const localStart = Math.max(0, qb - localBlocks + 1);
  const vertical = Math.max(0, Math.ceil((localStart - first) / vertStride));
  return { first, vertical, localStart, count: vertical + qb - localStart + 1 };
}

/** Block number of the i-th visible one. */
export function visibleBlock(visible: VisibleBlocks, i: number, { vertStride }: Sparsity): number {
  return i < visible.vertical ? visible.first + i * vertStride : visible.localStart + i - visible.vertical;
}
