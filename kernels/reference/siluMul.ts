/** y[r, i] = up * gate * sigmoid(gate), gate = x[r, i], up = x[r, width + i].  x: (rows, 2 width). */
export function siluMul(x: Float32Array, width: number): Float32Array {
  const y = new Float32Array(x.length / 2);
  for (let i = 0; i < y.length; i++) {
    const at = Math.floor(i / width) * 2 * width + (i % width);
    const gate = x[at]!;
    y[i] = (x[at + width]! * gate) / (1 + Math.exp(-gate));
  }
  return y;
}
