/**
 * Rotates one head in half-split pairs (i, i + half): y_i = x_i cos_i - x_{i+half} sin_i,
 * y_{i+half} = x_{i+half} cos_i + x_i sin_i.  table: the half cosines, then the half sines, of this position.
 */
export function rope(head: Float32Array, table: Float32Array): Float32Array {
  const half = head.length / 2;
  const y = new Float32Array(head.length);
  for (let i = 0; i < half; i++) {
    const cos = table[i]!;
    const sin = table[half + i]!;
    y[i] = head[i]! * cos - head[i + half]! * sin;
    y[i + half] = head[i + half]! * cos + head[i]! * sin;
  }
  return y;
}
