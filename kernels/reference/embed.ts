/** y[r, :] = table[ids[r], :].  table: (vocabulary, width). */
export function embed(table: Float32Array, ids: readonly number[], width: number): Float32Array {
  const y = new Float32Array(ids.length * width);
  ids.forEach((id, row) => y.set(table.subarray(id * width, (id + 1) * width), row * width));
  return y;
}
