import type { AttentionShape, HeadNorms } from '../ops.ts';
import { rmsNorm } from './rmsNorm.ts';

/** Normalises each head of q and k on its own; v is copied. qkv: (tokens, (heads + 2 kvHeads) headDim). */
export function headNorm(
  qkv: Float32Array,
  norms: HeadNorms<Float32Array>,
  { heads, kvHeads, headDim }: AttentionShape,
  eps: number,
): Float32Array {
  const y = qkv.slice();
  const [q, k] = [heads * headDim, kvHeads * headDim];
  for (let row = 0; row < qkv.length; row += q + 2 * k) {
    y.set(rmsNorm(qkv.subarray(row, row + q), norms.q, eps), row);
    y.set(rmsNorm(qkv.subarray(row + q, row + q + k), norms.k, eps), row + q);
  }
  return y;
}
