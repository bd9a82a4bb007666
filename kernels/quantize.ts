import type { WeightDType } from './ops.ts';
import { f16ToF32, f32ToF16 } from './shared/f16.ts';

/**
 * Defines the two quantised weight formats. Each backend packs the result in a layout of its own.
 *
 * Groups of 32 consecutive values along `in`. scale = f16(max|w| over the group, with its sign, / -8) for q4 (as
 * llama.cpp's Q4_0: the value of largest magnitude is hit exactly by -8), f16(max|w| / 127) for q8.
 * w ~ scale * q, q4 in -8..7, q8 in -127..127.
 */
export const GROUP = 32;

/** Whether a format has groups, each with a scale of its own. */
export function isQuantized(dtype: WeightDType): boolean {
  return dtype === 'q8' || dtype === 'q4';
}

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

/** Quantises rows as quantizeQ4 does, with q in -127..127. */
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
