/** x as the WASM backend's quantised products see it: int8 in groups of 32 with an f32 scale of max|x| / 127. */
export function quantizedActivations(x: Float32Array): Float32Array {
  const y = new Float32Array(x.length);
  for (let at = 0; at < x.length; at += 32) {
    const group = x.subarray(at, at + 32);
    const scale = Math.fround(group.reduce((a, b) => Math.max(a, Math.abs(b)), 0) / 127);
    group.forEach((value, i) => (y[at + i] = scale === 0 ? 0 : nearest(Math.fround(value / scale)) * scale));
  }
  return y;
}

/** The nearest whole number, of two the even one. */
function nearest(value: number): number {
  const lower = Math.floor(value);
  return value - lower === 0.5 ? lower + (lower & 1) : Math.round(value);
}
