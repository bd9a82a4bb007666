import { half, maxLane } from './simd';
import { GROUP_VALUES, Q4_BLOCK_BYTES, Q8_BLOCK_BYTES } from './opcodes';

/**
 * Quantises a row of weights exactly as kernels/quantize.ts does (in f64, as JavaScript computes) and puts it into its
 * panel (layout: matvecQ.ts). values: (blocks * 32) f32; panel: address of the panel; row: 0..7 in the panel.
 */
export function packRow(values: usize, blocks: i32, panel: usize, row: i32, q4: bool): void {
  for (let b = 0; b < blocks; b++) {
    const bits = scaleBits(values, q4);
    store<u16>(panel + (<usize>row << 1), bits);
    const scale = <f64>half(panel + (<usize>row << 1));
    const inverse = f64x2.splat(scale == 0 ? 0 : 1.0 / scale);
    const to = panel + 16 + (<usize>row << 2);
    if (q4) {
      for (let pair: usize = 0; pair < 4; pair++) {
        const low = four(values + (pair << 5), inverse, -8, 7);
        const high = four(values + (pair << 5) + 16, inverse, -8, 7);
        store<i32>(to + (pair << 5), bytes(low) | (bytes(high) << 4));
      }
      panel += Q4_BLOCK_BYTES;
    } else {
      for (let pair: usize = 0; pair < 8; pair++) {
        store<i32>(to + (pair << 5), bytes(four(values + (pair << 4), inverse, -127, 127)));
      }
      panel += Q8_BLOCK_BYTES;
    }
    values += GROUP_VALUES * 4;
  }
}

/** f16 bits of the group's scale: the value of largest magnitude (the first of equals) / -8 for q4, its magnitude / 127. */
function scaleBits(values: usize, q4: bool): u16 {
  let highs = v128.load(values);
  let lows = highs;
  for (let i: usize = 16; i < 128; i += 16) {
    const v = v128.load(values + i);
    highs = f32x4.pmax(highs, v);
    lows = f32x4.pmin(lows, v);
  }
  const high = maxLane(highs);
  const low = -maxLane(f32x4.neg(lows));
  const most = max<f32>(high, -low);
  if (!q4) return toHalf(<f32>(<f64>most / 127.0));
  if (most == 0) return 0x8000; // 0 / -8
  let largest = high > -low ? high : low;
  if (high == -low) {
    let at = values;
    while (abs<f32>(load<f32>(at)) != most) at += 4;
    largest = load<f32>(at);
  }
  return toHalf(<f32>(<f64>largest / -8.0));
}

/** floor(x / scale + 0.5) of four values, clamped, minus the offset that q4 (-8) and q8 (-128) store from. */
// @ts-ignore: decorator
@inline
function four(values: usize, inverse: v128, lowest: i32, highest: i32): v128 {
  const v = v128.load(values);
  const first = two(v, inverse);
  const second = two(v128.shuffle<i32>(v, v, 2, 3, 2, 3), inverse);
  const q = v128.shuffle<i32>(first, second, 0, 1, 4, 5);
  const clamped = i32x4.min_s(i32x4.max_s(q, i32x4.splat(lowest)), i32x4.splat(highest));
  return i32x4.add(clamped, i32x4.splat(lowest == -8 ? 8 : 128));
}

// @ts-ignore: decorator
@inline
function two(v: v128, inverse: v128): v128 {
  const scaled = f64x2.add(f64x2.mul(f64x2.promote_low_f32x4(v), inverse), f64x2.splat(0.5));
  return i32x4.trunc_sat_f64x2_s_zero(f64x2.floor(scaled));
}

/** Four values of 0..255 as the bytes of an i32. */
// @ts-ignore: decorator
@inline
function bytes(v: v128): i32 {
  const halves = i16x8.narrow_i32x4_s(v, v);
  return i32x4.extract_lane(i8x16.narrow_i16x8_u(halves, halves), 0);
}

/** f32ToF16 of kernels/quantize.ts, for numbers. */
function toHalf(value: f32): u16 {
  const all = reinterpret<u32>(value);
  const sign = (all >> 16) & 0x8000;
  const magnitude = all & 0x7fffffff;
  if (magnitude >= 0x47800000) return <u16>(sign | 0x7c00);
  if (magnitude < 0x38800000) {
    return <u16>(sign | (reinterpret<u32>(reinterpret<f32>(magnitude) + <f32>0.5) - 0x3f000000));
  }
  const rounded = magnitude + 0xfff + ((magnitude >> 13) & 1);
  return <u16>(sign | ((rounded - 0x38000000) >> 13));
}
