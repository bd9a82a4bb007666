import { putBytes } from './format';
import { largestKept } from './largestKept';
import { putSuperHeader } from './superBlocks';
import { unpackRow } from './unpackStored';
import { scratch } from '../thread';
import { isFiniteHalf } from '../simd';
import {
  DTypeCode,
  Q4K_BLOCK_BYTES,
  Q4M_BLOCK_BYTES,
  Q4_BLOCK_BYTES,
  Q8_BLOCK_BYTES,
  StoredCode,
  SUPER_HEADER_BYTES,
} from '../opcodes';

/**
 * Rows whose blocks hold what their panel holds, in another order: they are moved without being unpacked. Each function
 * takes the stored row, the address of its panel, its number there, and the largest magnitude so far, and returns the
 * largest one with this row's, Infinity where a factor is not finite.
 */

const LARGEST_HALF: f32 = 65504;
/** 2^-15 */
const TINY: f32 = 0.000030517578125;

/** Whether moveRow packs stored rows of this type in this format. */
export function isMoved(stored: i32, dtype: i32): bool {
  return (
    (stored === StoredCode.Q4_0 && dtype === DTypeCode.q4) ||
    (stored === StoredCode.Q4_1 && dtype === DTypeCode.q4m) ||
    (stored === StoredCode.Q8_0 && dtype === DTypeCode.q8) ||
    (stored === StoredCode.Q4_K && dtype === DTypeCode.q4k)
  );
}

/** blocks: of 32 values in the row. largest and result: the bits of a magnitude. */
export function moveRow(from: usize, stored: i32, blocks: i32, panel: usize, row: i32, largest: u32): u32 {
  const known = reinterpret<f32>(largest);
  if (stored === StoredCode.Q4_0) return reinterpret<u32>(moveQ4_0(from, blocks, panel, row, known));
  if (stored === StoredCode.Q4_1) return reinterpret<u32>(moveQ4_1(from, blocks, panel, row, known));
  if (stored === StoredCode.Q8_0) return reinterpret<u32>(moveQ8_0(from, blocks, panel, row, known));
  return reinterpret<u32>(moveQ4_K(from, blocks, panel, row, known));
}

function moveQ4_0(from: usize, blocks: i32, panel: usize, row: i32, largest: f32): f32 {
  let limit = limitOf(largest);
  for (let b = 0; b < blocks; b++) {
    store<u16>(panel + ((<usize>row) << 1), load<u16>(from));
    const v = v128.load(from, 2);
    const even = v128.shuffle<i32>(v, v, 0, 2, 0, 2);
    const odd = v128.shuffle<i32>(v, v, 1, 3, 1, 3);
    const to = panel + 16 + ((<usize>row) << 2);
    putTwice(lowNibbles(even, odd), to);
    putTwice(highNibbles(even, odd), to + 64);
    if (abs(wide(from)) * 8 > limit) {
      largest = largestWith(from, 32, StoredCode.Q4_0, -8, largest);
      limit = limitOf(largest);
    }
    from += 18;
    panel += Q4_BLOCK_BYTES;
  }
  return largest;
}

function moveQ4_1(from: usize, blocks: i32, panel: usize, row: i32, largest: f32): f32 {
  let limit = limitOf(largest);
  for (let b = 0; b < blocks; b++) {
    const factors = panel + ((<usize>row) << 1);
    store<u16>(factors, load<u16>(from));
    store<u16>(factors, load<u16>(from, 2), 16);
    const v = v128.load(from, 4);
    const even = v128.shuffle<i32>(v, v, 0, 2, 0, 2);
    const odd = v128.shuffle<i32>(v, v, 1, 3, 1, 3);
    const to = panel + 32 + ((<usize>row) << 2);
    putTwice(lowNibbles(even, odd), to);
    putTwice(highNibbles(even, odd), to + 64);
    const minimum = wide(from + 2);
    if (max(abs(minimum), abs(wide(from) * 15 + minimum)) > limit) {
      largest = largestWith(from, 32, StoredCode.Q4_1, 0, largest);
      limit = limitOf(largest);
    }
    from += 20;
    panel += Q4M_BLOCK_BYTES;
  }
  return largest;
}

function moveQ8_0(from: usize, blocks: i32, panel: usize, row: i32, largest: f32): f32 {
  let limit = limitOf(largest);
  const sign = i8x16.splat(-128);
  for (let b = 0; b < blocks; b++) {
    store<u16>(panel + ((<usize>row) << 1), load<u16>(from));
    const to = panel + 16 + ((<usize>row) << 2);
    putBytes(v128.xor(v128.load(from, 2), sign), v128.xor(v128.load(from, 18), sign), to);
    if (abs(wide(from)) * 128 > limit) {
      largest = largestWith(from, 32, StoredCode.Q8_0, -128, largest);
      limit = limitOf(largest);
    }
    from += 34;
    panel += Q8_BLOCK_BYTES;
  }
  return largest;
}

function moveQ4_K(from: usize, blocks: i32, panel: usize, row: i32, largest: f32): f32 {
  let limit = limitOf(largest);
  for (let b = 0; b < blocks; b += 8) {
    putSuperHeader(from, panel, row);
    let to = panel + SUPER_HEADER_BYTES + ((<usize>row) << 2);
    for (let at: usize = 16; at < 144; at += 32) {
      const first = v128.load(from + at);
      const second = v128.load(from + at, 16);
      const even = v128.shuffle<i32>(first, second, 0, 2, 4, 6);
      const odd = v128.shuffle<i32>(first, second, 1, 3, 5, 7);
      putFour(lowNibbles(even, odd), to);
      putFour(highNibbles(even, odd), to + Q4K_BLOCK_BYTES);
      to += 2 * Q4K_BLOCK_BYTES;
    }
    if (!isFiniteHalf(from) || !isFiniteHalf(from + 2) || exceedsK(from, limit)) {
      largest = largestWith(from, 256, StoredCode.Q4_K, 0, largest);
      limit = limitOf(largest);
    }
    from += 144;
    panel += SUPER_HEADER_BYTES + 8 * Q4K_BLOCK_BYTES;
  }
  return largest;
}

/**
 * An f16, whose magnitude is at least TINY, because subnormal f32 are slow. What is not finite counts as more than
 * LARGEST_HALF.
 */
// @inline
function wide(at: usize): f32 {
  const bits = <u32>load<u16>(at);
  return reinterpret<f32>(((bits & 0x8000) << 16) | (((bits & 0x7fff) << 13) + 0x38000000));
}

/**
 * Blocks whose values seem to be larger than this are looked at, and so is what is not finite: a little less than
 * `largest`, because of TINY and since sums may be rounded in another order.
 */
// @inline
function limitOf(largest: f32): f32 {
  return largest <= LARGEST_HALF ? largest * <f32>0.999 - TINY - TINY : -1;
}

/** Whether a group of a block of Q4_K may have a value beyond `limit`. */
// @inline
function exceedsK(block: usize, limit: f32): bool {
  const first = load<u32>(block, 4);
  const second = load<u32>(block, 8);
  const last = load<u32>(block, 12);
  const scales = eightBytes(first & 0x3f3f3f3f, (last & 0x0f0f0f0f) | ((first >> 2) & 0x30303030));
  const minima = eightBytes(second & 0x3f3f3f3f, ((last >> 4) & 0x0f0f0f0f) | ((second >> 2) & 0x30303030));
  const most = f32x4.splat(wide(block) * 15);
  const minimum = f32x4.splat(-wide(block + 2));
  const low = largestFour(f32x4.mul(firstFour(scales), most), f32x4.mul(firstFour(minima), minimum));
  const high = largestFour(f32x4.mul(lastFour(scales), most), f32x4.mul(lastFour(minima), minimum));
  return v128.any_true(f32x4.gt(f32x4.pmax(low, high), f32x4.splat(limit)));
}

/** Of codes from 0 to 15. most: 15 times the scale. */
// @inline
function largestFour(most: v128, minimum: v128): v128 {
  return f32x4.pmax(f32x4.abs(minimum), f32x4.abs(f32x4.add(most, minimum)));
}

// @inline
function eightBytes(low: u32, high: u32): v128 {
  return i16x8.extend_low_i8x16_u(i64x2.splat((<i64>low) | ((<i64>high) << 32)));
}

// @inline
function firstFour(v: v128): v128 {
  return f32x4.convert_i32x4_u(i32x4.extend_low_i16x8_u(v));
}

// @inline
function lastFour(v: v128): v128 {
  return f32x4.convert_i32x4_u(i32x4.extend_high_i16x8_u(v));
}

/** The larger of `largest` and the largest magnitude in a stored block. lowest: code, 0 where the type has minima. */
function largestWith(block: usize, values: i32, stored: i32, lowest: i32, largest: f32): f32 {
  const scales = scratch + <usize>values;
  const minima = scales + <usize>(values >> 2);
  if (!unpackRow(block, values, stored, scratch, scales, minima)) return Infinity;
  const highest = lowest ? -lowest : 15;
  const known = reinterpret<u32>(largest);
  return reinterpret<f32>(largestKept(scratch, scales, minima, values, 32, lowest === 0, lowest, highest, known));
}

/** Of each four bytes of `even` the low nibbles, and above them those of `odd`. */
// @inline
function lowNibbles(even: v128, odd: v128): v128 {
  const nibble = i8x16.splat(15);
  return v128.or(v128.and(even, nibble), i32x4.shl(v128.and(odd, nibble), 4));
}

/** The same with the high nibbles. */
// @inline
function highNibbles(even: v128, odd: v128): v128 {
  const nibble = i8x16.splat(-16);
  return v128.or(i32x4.shr_u(v128.and(even, nibble), 4), v128.and(odd, nibble));
}

// @inline
function putTwice(v: v128, to: usize): void {
  v128.store32_lane(to, v, 0);
  v128.store32_lane(to, v, 1, 32);
}

// @inline
function putFour(v: v128, to: usize): void {
  putTwice(v, to);
  v128.store32_lane(to, v, 2, 64);
  v128.store32_lane(to, v, 3, 96);
}
