/** y[r, o] = sum_i x[r, i] weight[o, i] + bias[o] + residual[r, o].  x: (rows, width), weight: (outs, width). Sums in f64. */
export function linear(
  x: Float32Array,
  weight: Float32Array,
  width: number,
  { bias, residual }: { bias?: Float32Array | undefined; residual?: Float32Array | undefined } = {},
): Float32Array {
  const rows = x.length / width;
  const outs = weight.length / width;
  const y = new Float32Array(rows * outs);
  for (let r = 0; r < rows; r++) {
    for (let o = 0; o < outs; o++) {
      let sum = (bias?.[o] ?? 0) + (residual?.[r * outs + o] ?? 0);
      for (let i = 0; i < width; i++) sum += x[r * width + i]! * weight[o * width + i]!;
      y[r * outs + o] = sum;
    }
  }
  return y;
}
