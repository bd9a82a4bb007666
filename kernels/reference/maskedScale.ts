import { MAX_F32 } from '../ops.ts';

/** y[r, c] = mask[c] ? x[r, c] * factor : -MAX_F32.  x: (rows, cols), mask: (cols). */
export function maskedScale(x: Float32Array, mask: Float32Array, factor: number): Float32Array {
  return x.map((value, at) => (mask[at % mask.length] ? value * factor : -MAX_F32));
}
