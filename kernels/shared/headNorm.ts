import { check } from '../check.ts';
import type { AttentionShape, HeadNorms, Tensor } from '../ops.ts';

/** Throws where the shapes of headNorm do not fit each other; returns the number of heads of all tokens, v's too. */
export function checkHeadNorm(
  qkv: Tensor,
  { q, k }: HeadNorms<Tensor>,
  { heads, kvHeads, headDim }: AttentionShape,
): number {
  const slots = heads + 2 * kvHeads;
  const [tokens, width] = qkv.shape as readonly [number, number];
  check(width === slots * headDim, () => `headNorm: qkv is (${qkv.shape}), heads want ${slots} x ${headDim}`);
  for (const { shape } of [q, k])
    check(shape[0] === headDim, () => `headNorm: a weight is (${shape}), a head has ${headDim}`);
  return tokens * slots;
}
