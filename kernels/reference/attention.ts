import type { AttentionOptions, Sparsity } from '../ops.ts';

export interface AttentionInput extends AttentionOptions {
  /** Position of the first query. */
  readonly start: number;
  /** Key or value of one position and kv head: (headDim). */
  key(position: number, kvHead: number): Float32Array;
  value(position: number, kvHead: number): Float32Array;
}

/** y[t, h] = sum_s softmax_s(scale q[t, h] . k[s]) v[s] over the s that position p = start + t sees with head h. */
export function attention(q: Float32Array, input: AttentionInput): Float32Array {
  const { heads, kvHeads, headDim, start, scale } = input;
  const tokens = q.length / (heads * headDim);
  const y = new Float32Array(q.length);
  for (let t = 0; t < tokens; t++) {
    for (let h = 0; h < heads; h++) {
      const at = (t * heads + h) * headDim;
      const kvHead = Math.floor((h * kvHeads) / heads);
      const seen = visiblePositions(start + t, start + tokens, h, input);
      const scores = seen.map((s) => {
        const key = input.key(s, kvHead);
        let dot = 0;
        for (let i = 0; i < headDim; i++) dot += q[at + i]! * key[i]!;
        return dot * scale;
      });
      const largest = scores.reduce((a, b) => Math.max(a, b), -Infinity);
      const weights = scores.map((score) => Math.exp(score - largest));
      const total = weights.reduce((a, b) => a + b, 0);
      const mixed = new Float64Array(headDim);
      weights.forEach((weight, index) => {
        const value = input.value(seen[index]!, kvHead);
        for (let i = 0; i < headDim; i++) mixed[i]! += (weight / total) * value[i]!;
      });
      y.set(mixed, at);
    }
  }
  return y;
}

/** The s <= p, or s < end where attention is bidirectional, with p - s < window whose block head h sees. */
function visiblePositions(p: number, end: number, h: number, input: AttentionInput): number[] {
  const { window, sparsity, bidirectional } = input;
  const seen: number[] = [];
  const last = bidirectional ? end - 1 : p;
  for (let s = Math.max(0, p - window + 1); s <= last; s++) if (!sparsity || isVisible(p, s, h, sparsity)) seen.push(s);
  return seen;
}

/** The closed formula of phi-3-small's reference code, per query head; s <= p. */
export function isVisible(p: number, s: number, h: number, sparsity: Sparsity): boolean {
  const { blockTokens, localBlocks, vertStride, headStep } = sparsity;
  const kb = Math.floor(s / blockTokens);
  return Math.floor(p / blockTokens) - kb < localBlocks || (kb + h * headStep + 1) % vertStride === 0;
}
