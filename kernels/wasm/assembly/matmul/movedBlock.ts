import { largestKept } from './largestKept';
import { unpackRow } from './unpackStored';
import { scratch } from '../thread';

/** What moving blocks (moveRow.ts, moveSuperBlocks.ts) has in common. */

const LARGEST_HALF: f32 = 65504;
/** 2^-15 */
const TINY: f32 = 0.000030517578125;

/**
 * An f16, whose magnitude is at least TINY, because subnormal f32 are slow. What is not finite counts as more than
 * LARGEST_HALF.
 */
// @inline
export function wide(at: usize): f32 {
  const bits = <u32>load<u16>(at);
  return reinterpret<f32>(((bits & 0x8000) << 16) | (((bits & 0x7fff) << 13) + 0x38000000));
}

/**
 * Blocks whose values seem to be larger than this are looked at, and so is what is not finite: a little less than
 * `largest`, because of TINY and since sums may be rounded in another order.
 */
// @inline
export function limitOf(largest: f32): f32 {
  return largest <= LARGEST_HALF ? largest * <f32>0.999 - TINY - TINY : -1;
}

/**
 * The larger of `largest` and the largest magnitude in a stored block of groups of `group` values, whose codes go from
 * `lowest`, which is 0 where the type has minima, to `highest`.
 */
export function largestWith(
  block: usize,
  values: i32,
  stored: i32,
  group: i32,
  lowest: i32,
  highest: i32,
  largest: f32,
): f32 {
  const scales = scratch + <usize>values;
  const minima = scales + <usize>(values >> 2);
  if (!unpackRow(block, values, stored, scratch, scales, minima)) return Infinity;
  const known = reinterpret<u32>(largest);
  return reinterpret<f32>(largestKept(scratch, scales, minima, values, group, lowest === 0, lowest, highest, known));
}

/** Of each four bytes of `even` the low nibbles, and above them those of `odd`. */
// @inline
export function lowNibbles(even: v128, odd: v128): v128 {
  const nibble = i8x16.splat(15);
  return v128.or(v128.and(even, nibble), i32x4.shl(v128.and(odd, nibble), 4));
}

/** The same with the high nibbles. */
// @inline
export function highNibbles(even: v128, odd: v128): v128 {
  const nibble = i8x16.splat(-16);
  return v128.or(i32x4.shr_u(v128.and(even, nibble), 4), v128.and(odd, nibble));
}

// @inline
export function putTwice(v: v128, to: usize): void {
  v128.store32_lane(to, v, 0);
  v128.store32_lane(to, v, 1, 32);
}

// @inline
export function putFour(v: v128, to: usize): void {
  putTwice(v, to);
  v128.store32_lane(to, v, 2, 64);
  v128.store32_lane(to, v, 3, 96);
}
