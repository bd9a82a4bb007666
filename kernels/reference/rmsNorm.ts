/** y[r, c] = x[r, c] / sqrt(mean(x[r, :]^2) + eps) * weight[c].  x: (rows, cols), weight: (cols). Sums in f64. */
export function rmsNorm(x: Float32Array, weight: Float32Array, eps: number): Float32Array {
  const cols = weight.length;
  const y = new Float32Array(x.length);
  for (let row = 0; row < x.length; row += cols) {
    let sum = 0;
    for (let c = 0; c < cols; c++) sum += x[row + c]! ** 2;
    const scale = 1 / Math.sqrt(sum / cols + eps);
    for (let c = 0; c < cols; c++) y[row + c] = x[row + c]! * scale * weight[c]!;
  }
  return y;
}
