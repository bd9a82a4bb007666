/** y[r, c] = (x[r, c] - mean) / sqrt(variance + eps) * weight[c] + bias[c].  x: (rows, cols), weight, bias: (cols). Sums in f64. */
export function layerNorm(x: Float32Array, weight: Float32Array, bias: Float32Array, eps: number): Float32Array {
  const cols = weight.length;
  const y = new Float32Array(x.length);
  for (let row = 0; row < x.length; row += cols) {
    let sum = 0;
    for (let c = 0; c < cols; c++) sum += x[row + c]!;
    const mean = sum / cols;
    let squares = 0;
    for (let c = 0; c < cols; c++) squares += (x[row + c]! - mean) ** 2;
    const scale = 1 / Math.sqrt(squares / cols + eps);
    for (let c = 0; c < cols; c++) y[row + c] = (x[row + c]! - mean) * scale * weight[c]! + bias[c]!;
  }
  return y;
}
