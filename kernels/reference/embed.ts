/** y[r, :] = table[ids[r], :] * scale.  table: (vocabulary, width). */
export function embed(table: Float32Array, ids: readonly number[], width: number, scale: number): Float32Array {
  const y = new Float32Array(ids.length * width);
  ids.forEach((id, row) => {
    for (let i = 0; i < width; i++) y[row * width + i] = table[id * width + i]! * scale;
  });
  return y;
}
