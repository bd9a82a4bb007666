import { half, ROUNDER } from '../simd';
import { GROUP_VALUES, Q4_BLOCK_BYTES, Q8_BLOCK_BYTES } from '../opcodes';

/**
 * If the f32 quotient (up to 200, with an error of at most 3e-5) is closer than this to a rounding boundary, f64
 * decides.
 */
const DOUBT: f32 = 1e-4;

/**
 * Quantises a row of weights exactly as kernels/quantize.ts does (in f64, as JavaScript computes) and puts it into its
 * panel (layout: matvecQ.ts). values: (blocks * 32) f32; panel: address of the panel; row: 0..7 in the panel.
 */
export function packRow(values: usize, blocks: i32, panel: usize, row: i32, q4: bool): void {
  for (let b = 0; b < blocks; b++) {
    const largest = extreme(values);
    const bits = toHalf(q4 ? largest * -0.125 : <f32>(<f64>abs(largest) / 127.0));
    store<u16>(panel + ((<usize>row) << 1), bits);
    const scale = half(panel + ((<usize>row) << 1));
    const to = panel + 16 + ((<usize>row) << 2);
    if (q4) {
      packQ4(values, scale, to);
      panel += Q4_BLOCK_BYTES;
    } else {
      packQ8(values, scale, to);
      panel += Q8_BLOCK_BYTES;
    }
    values += GROUP_VALUES * 4;
  }
}

/** Packs a group in f32; again in f64 if a value is so close to a tie that f32 may round it differently (1 in 20). */
function packQ4(values: usize, scale: f32, to: usize): void {
  const factor = f32x4.splat(scale === 0 ? 0 : <f32>1.0 / scale);
  let doubt = i32x4.splat(0);
  for (let pair: usize = 0; pair < 128; pair += 32) {
    const low = quotient(values + pair, factor);
    const high = quotient(values + pair + 16, factor);
    const lowFloor = f32x4.floor(low);
    const highFloor = f32x4.floor(high);
    doubt = v128.or(doubt, v128.or(doubtful(low, lowFloor), doubtful(high, highFloor)));
    store<i32>(to + pair, inBytes(v128.or(whole(lowFloor, -8, 7), i32x4.shl(whole(highFloor, -8, 7), 4))));
  }
  if (!v128.any_true(doubt)) return;
  const exact = f64x2.splat(1.0 / <f64>scale);
  for (let pair: usize = 0; pair < 128; pair += 32) {
    const low = four(values + pair, exact, -8, 7);
    const high = four(values + pair + 16, exact, -8, 7);
    store<i32>(to + pair, inBytes(v128.or(low, i32x4.shl(high, 4))));
  }
}

/** Packs a group of q8 as packQ4 does. */
function packQ8(values: usize, scale: f32, to: usize): void {
  const factor = f32x4.splat(scale === 0 ? 0 : <f32>1.0 / scale);
  let doubt = i32x4.splat(0);
  for (let at: usize = 0; at < 128; at += 16) {
    const value = quotient(values + at, factor);
    const floor = f32x4.floor(value);
    doubt = v128.or(doubt, doubtful(value, floor));
    store<i32>(to + (at << 1), inBytes(whole(floor, -127, 127)));
  }
  if (!v128.any_true(doubt)) return;
  const exact = f64x2.splat(1.0 / <f64>scale);
  for (let at: usize = 0; at < 128; at += 16) store<i32>(to + (at << 1), inBytes(four(values + at, exact, -127, 127)));
}

/** x / scale + 0.5 of four values. */
// @inline
export function quotient(values: usize, factor: v128): v128 {
  return f32x4.add(f32x4.mul(v128.load(values), factor), f32x4.splat(0.5));
}

/** Lanes whose floor could change through a small error. */
// @inline
export function doubtful(value: v128, floor: v128): v128 {
  const fromMiddle = f32x4.abs(f32x4.sub(f32x4.sub(value, floor), f32x4.splat(0.5)));
  return f32x4.gt(fromMiddle, f32x4.splat(0.5 - DOUBT));
}

/** Converts integral f32, clamped, to i32 minus the lowest storable value of q4 (-8) or q8 (-128). */
// @inline
export function whole(floor: v128, lowest: i32, highest: i32): v128 {
  const clamped = f32x4.pmin(f32x4.pmax(floor, f32x4.splat(<f32>lowest)), f32x4.splat(<f32>highest));
  const shifted = f32x4.add(clamped, f32x4.splat(ROUNDER + <f32>(lowest === -8 ? 8 : 128)));
  return v128.and(shifted, i32x4.splat(255));
}

/**
 * The first of the values of largest magnitude in a group, and 0 for -0. It is found by comparing bits as integers, without
 * unpredictable branches: as signed integers, the bits of positive f32 are in order; as unsigned ones, those of negative
 * f32 follow above them, ordered by magnitude.
 */
export function extreme(values: usize): f32 {
  const highs = highestLanes(values);
  const lows = lowestLanes(values);
  const highest = i32x4.extract_lane(i32x4.max_s(highs, v128.shuffle<i32>(highs, highs, 1, 0, 3, 2)), 0);
  const lowest = i32x4.extract_lane(i32x4.max_u(lows, v128.shuffle<i32>(lows, lows, 1, 0, 3, 2)), 0);
  const high = select<i32>(highest, 0, highest > 0);
  const low = select<i32>(lowest & 0x7fffffff, 0, lowest < 0);
  const most = select<i32>(high, low, high > low);
  if (high !== low) return reinterpret<f32>(select<i32>(high, lowest, high > low));
  if (most === 0) return 0;
  let at = values;
  while ((load<i32>(at) & 0x7fffffff) !== most) at += 4;
  return load<f32>(at);
}

/** Lanes 0 and 1 hold the largest bits in a group, compared as signed integers. */
// @inline
function highestLanes(values: usize): v128 {
  const a = i32x4.max_s(v128.load(values), v128.load(values, 16));
  const b = i32x4.max_s(v128.load(values, 32), v128.load(values, 48));
  const c = i32x4.max_s(v128.load(values, 64), v128.load(values, 80));
  const d = i32x4.max_s(v128.load(values, 96), v128.load(values, 112));
  const most = i32x4.max_s(i32x4.max_s(a, b), i32x4.max_s(c, d));
  return i32x4.max_s(most, v128.shuffle<i32>(most, most, 2, 3, 0, 1));
}

/** Lanes 0 and 1 hold the largest bits in a group, compared as unsigned integers. */
// @inline
function lowestLanes(values: usize): v128 {
  const a = i32x4.max_u(v128.load(values), v128.load(values, 16));
  const b = i32x4.max_u(v128.load(values, 32), v128.load(values, 48));
  const c = i32x4.max_u(v128.load(values, 64), v128.load(values, 80));
  const d = i32x4.max_u(v128.load(values, 96), v128.load(values, 112));
  const most = i32x4.max_u(i32x4.max_u(a, b), i32x4.max_u(c, d));
  return i32x4.max_u(most, v128.shuffle<i32>(most, most, 2, 3, 0, 1));
}

/** floor(x / scale + 0.5) of four values, clamped, minus the lowest storable value of q4 (-8) or q8 (-128). */
// @inline
export function four(values: usize, inverse: v128, lowest: i32, highest: i32): v128 {
  const v = v128.load(values);
  const first = two(v, inverse);
  const second = two(v128.shuffle<i32>(v, v, 2, 3, 2, 3), inverse);
  const q = v128.shuffle<i32>(first, second, 0, 1, 4, 5);
  const clamped = i32x4.min_s(i32x4.max_s(q, i32x4.splat(lowest)), i32x4.splat(highest));
  return i32x4.add(clamped, i32x4.splat(lowest === -8 ? 8 : 128));
}

// @inline
function two(v: v128, inverse: v128): v128 {
  const scaled = f64x2.add(f64x2.mul(f64x2.promote_low_f32x4(v), inverse), f64x2.splat(0.5));
  return i32x4.trunc_sat_f64x2_s_zero(f64x2.floor(scaled));
}

/** Packs four values in 0..255 into the bytes of an i32. */
// @inline
export function inBytes(v: v128): i32 {
  const halves = i16x8.narrow_i32x4_s(v, v);
  return i32x4.extract_lane(i8x16.narrow_i16x8_u(halves, halves), 0);
}

/** f32ToF16 of kernels/shared/f16.ts, except for NaN. */
// @inline
export function toHalf(value: f32): u16 {
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

/** toHalf of four values, as i32 lanes. */
// @inline
export function toHalf4(v: v128): v128 {
  const sign = v128.and(i32x4.shr_u(v, 16), i32x4.splat(0x8000));
  const magnitude = v128.and(v, i32x4.splat(0x7fffffff));
  const small = i32x4.sub(f32x4.add(magnitude, f32x4.splat(0.5)), i32x4.splat(0x3f000000));
  const odd = v128.and(i32x4.shr_u(magnitude, 13), i32x4.splat(1));
  const rounded = i32x4.add(i32x4.add(magnitude, i32x4.splat(0xfff - 0x38000000)), odd);
  const isSmall = i32x4.lt_s(magnitude, i32x4.splat(0x38800000));
  const bits = v128.bitselect(small, i32x4.shr_u(rounded, 13), isSmall);
  return v128.or(sign, i32x4.min_s(bits, i32x4.splat(0x7c00)));
}
