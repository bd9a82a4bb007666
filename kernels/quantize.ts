import type { WeightDType } from './ops.ts';

/**
 * The two quantised weight formats, as every backend must understand them; each packs the result in its own layout.
 *
 * Groups of 32 consecutive values along `in`. scale = f16(max|w| over the group, with its sign, / -8) for q4 (as
 * llama.cpp's Q4_0: the value of largest magnitude is hit exactly by -8), f16(max|w| / 127) for q8.
 * w ~ scale * q, q4 in -8..7, q8 in -127..127.
 */
export const GROUP = 32;

const LARGEST_F16 = 65504;
/** The largest magnitude that a weight may have in each format: f16 values and scales must not become infinite. */
export const LARGEST_WEIGHT: Readonly<Record<WeightDType, number>> = {
  f32: Infinity,
  f16: LARGEST_F16,
  q8: 127 * LARGEST_F16,
  q4: 8 * LARGEST_F16,
};

/** Quantises rows (a multiple of GROUP values). Writes signed q (-8..7) one per byte, and f16 scale bits per group. */
export function quantizeQ4(x: Float32Array, q: Int8Array, scales: Uint16Array): void {
  for (let group = 0, at = 0; at < x.length; group++, at += GROUP) {
    let extreme = 0;
    for (let i = at; i < at + GROUP; i++) if (Math.abs(x[i]!) > Math.abs(extreme)) extreme = x[i]!;
    const bits = f32ToF16(extreme / -8);
    scales[group] = bits;
    const scale = f16ToF32(bits);
    const inverse = scale === 0 ? 0 : 1 / scale;
    for (let i = at; i < at + GROUP; i++) {
      const value = Math.floor(x[i]! * inverse + 0.5);
      q[i] = value < -8 ? -8 : value > 7 ? 7 : value;
    }
  }
}

/** As quantizeQ4, q in -127..127. */
export function quantizeQ8(x: Float32Array, q: Int8Array, scales: Uint16Array): void {
  for (let group = 0, at = 0; at < x.length; group++, at += GROUP) {
    let largest = 0;
    for (let i = at; i < at + GROUP; i++) largest = Math.max(largest, Math.abs(x[i]!));
    const bits = f32ToF16(largest / 127);
    scales[group] = bits;
    const scale = f16ToF32(bits);
    const inverse = scale === 0 ? 0 : 1 / scale;
    for (let i = at; i < at + GROUP; i++) {
      const value = Math.floor(x[i]! * inverse + 0.5);
      q[i] = value < -127 ? -127 : value > 127 ? 127 : value;
    }
  }
}

const floats = new Float32Array(1);
const words = new Uint32Array(floats.buffer);

/** Bits of the nearest f16 (ties to even); beyond the range infinity, below it denormals. */
export function f32ToF16(value: number): number {
  floats[0] = value;
  const bits = words[0]!;
  const sign = (bits >>> 16) & 0x8000;
  const magnitude = bits & 0x7fffffff;
  if (magnitude > 0x7f800000) return sign | 0x7e00; // NaN
  if (magnitude >= 0x47800000) return sign | 0x7c00; // 65536 and above
  if (magnitude < 0x38800000) {
    // Below 2^-14: a denormal, in units of 2^-24. Adding 0.5 in f32 lets the hardware round to even.
    words[0] = magnitude;
    floats[0] = floats[0]! + 0.5;
    return sign | (words[0] - 0x3f000000);
  }
  const rounded = magnitude + 0xfff + ((magnitude >>> 13) & 1);
  return sign | ((rounded - 0x38000000) >>> 13); // A carry out of the largest exponent gives infinity.
}

/** Value of f16 bits. */
export function f16ToF32(bits: number): number {
  const sign = bits & 0x8000 ? -1 : 1;
  const exponent = (bits >>> 10) & 31;
  const fraction = bits & 0x3ff;
  if (exponent === 0) return sign * fraction * 2 ** -24;
  if (exponent === 31) return fraction ? NaN : sign * Infinity;
  return sign * (1 + fraction / 1024) * 2 ** (exponent - 15);
}
