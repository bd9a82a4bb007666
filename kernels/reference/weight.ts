import { GROUP, quantizeQ4, quantizeQ8 } from '../quantize.ts';
import { f16ToF32, f32ToF16 } from '../shared/f16.ts';
import type { WeightDType } from '../ops.ts';

/** The values a backend's arithmetic sees after storing `x` (whole groups of 32 for q4, q8) as `dtype`. */
export function roundTrip(x: Float32Array, dtype: WeightDType): Float32Array {
  if (dtype === 'f32') return x.slice();
  if (dtype === 'f16') return x.map((value) => f16ToF32(f32ToF16(value)));
  const q = new Int8Array(x.length);
  const scales = new Uint16Array(x.length / GROUP);
  (dtype === 'q4' ? quantizeQ4 : quantizeQ8)(x, q, scales);
  return x.map((_, i) => q[i]! * f16ToF32(scales[Math.floor(i / GROUP)]!));
}
