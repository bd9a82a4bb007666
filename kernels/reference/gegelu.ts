/**
 * y[r, i] = a sigmoid(1.702 a) (l + 1), a = min(x[r, 2i], limit), l = clamp(x[r, 2i + 1], -limit, limit).
 * x: (rows, 2 width). Infinite values are clamped too, which the reference code lets pass; finite weights make none.
 */
export function gegelu(x: Float32Array, limit: number): Float32Array {
  const y = new Float32Array(x.length / 2);
  for (let i = 0; i < y.length; i++) {
    const a = Math.min(x[2 * i]!, limit);
    const l = Math.max(-limit, Math.min(x[2 * i + 1]!, limit));
    y[i] = (a / (1 + Math.exp(-1.702 * a))) * (l + 1);
  }
  return y;
}
