export interface AttentionInput {
  readonly heads: number;
  readonly kvHeads: number;
  readonly headDim: number;
  /** Position of the first query. */
  readonly start: number;
  readonly window: number;
  /** Key or value of one position and kv head: (headDim). */
  key(position: number, kvHead: number): Float32Array;
  value(position: number, kvHead: number): Float32Array;
}

/** y[t, h] = sum_s softmax_s(q[t, h] . k[s] / sqrt(headDim)) v[s], s <= p and p - s < window, p = start + t. */
export function attention(q: Float32Array, input: AttentionInput): Float32Array {
  const { heads, kvHeads, headDim, start, window } = input;
  const tokens = q.length / (heads * headDim);
  const y = new Float32Array(q.length);
  for (let t = 0; t < tokens; t++) {
    const last = start + t;
    const first = Math.max(0, last - window + 1);
    for (let h = 0; h < heads; h++) {
      const at = (t * heads + h) * headDim;
      const kvHead = Math.floor((h * kvHeads) / heads);
      const scores: number[] = [];
      for (let s = first; s <= last; s++) {
        const key = input.key(s, kvHead);
        let dot = 0;
        for (let i = 0; i < headDim; i++) dot += q[at + i]! * key[i]!;
        scores.push(dot / Math.sqrt(headDim));
      }
      const largest = scores.reduce((a, b) => Math.max(a, b), -Infinity);
      const weights = scores.map((score) => Math.exp(score - largest));
      const total = weights.reduce((a, b) => a + b, 0);
      const mixed = new Float64Array(headDim);
      weights.forEach((weight, index) => {
        const value = input.value(first + index, kvHead);
        for (let i = 0; i < headDim; i++) mixed[i]! += (weight / total) * value[i]!;
      });
      y.set(mixed, at);
    }
  }
  return y;
}
