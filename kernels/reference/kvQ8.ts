/** Rounds a key or value of one token and head as a q8 KV cache stores it: int8 x scale, scale = f32(max|x| / 127). */
export function roundToQ8(x: Float32Array): Float32Array {
  const largest = x.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
  const scale = Math.fround(largest / 127);
  return scale === 0 ? new Float32Array(x.length) : x.map((value) => Math.round(value / scale) * scale);
}
