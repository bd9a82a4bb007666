import { highNibbles, largestWith, limitOf, lowNibbles, putFour, wide } from './movedBlock';
import { toHalf4 } from './packRow';
import { putSuperHeader } from './superBlocks';
import { half, HALF_MASK, HALF_SCALE, isFiniteHalf, maxLane } from '../simd';
import {
  DTypeCode,
  Q4K_BLOCK_BYTES,
  Q5K_BLOCK_BYTES,
  Q6M_BLOCK_BYTES,
  StoredCode,
  SUPER_HEADER_BYTES,
} from '../opcodes';

/** moveRow.ts for blocks of 256 values. The files of kernels/stored say how a block is laid out. */

/** To q4k, or to q5k, whose fifth bits are 0. */
export function moveQ4_K(from: usize, blocks: i32, panel: usize, row: i32, dtype: i32, largest: f32): f32 {
  const upper: usize = dtype === DTypeCode.q5k ? Q5K_BLOCK_BYTES - Q4K_BLOCK_BYTES : 0;
  const each = Q4K_BLOCK_BYTES + upper;
  let limit = limitOf(largest);
  for (let b = 0; b < blocks; b += 8) {
    putSuperHeader(from, panel, row);
    let to = panel + SUPER_HEADER_BYTES + ((<usize>row) << 2);
    for (let at: usize = 16; at < 144; at += 32) {
      const first = v128.load(from + at);
      const second = v128.load(from + at, 16);
      const even = v128.shuffle<i32>(first, second, 0, 2, 4, 6);
      const odd = v128.shuffle<i32>(first, second, 1, 3, 5, 7);
      if (upper) {
        store<u32>(to, 0);
        store<u32>(to + each, 0);
      }
      putFour(lowNibbles(even, odd), to + upper);
      putFour(highNibbles(even, odd), to + each + upper);
      to += 2 * each;
    }
    if (!isFiniteHalf(from) || !isFiniteHalf(from + 2) || exceedsK(from, 15, limit)) {
      largest = largestWith(from, 256, StoredCode.Q4_K, 32, 0, 15, largest);
      limit = limitOf(largest);
    }
    from += 144;
    panel += SUPER_HEADER_BYTES + 8 * each;
  }
  return largest;
}

export function moveQ5_K(from: usize, blocks: i32, panel: usize, row: i32, largest: f32): f32 {
  let limit = limitOf(largest);
  for (let b = 0; b < blocks; b += 8) {
    putSuperHeader(from, panel, row);
    let to = panel + SUPER_HEADER_BYTES + ((<usize>row) << 2);
    let low = v128.load(from, 16);
    let high = v128.load(from, 32);
    for (let at: usize = 48; at < 176; at += 32) {
      const first = v128.load(from + at);
      const second = v128.load(from + at, 16);
      const even = v128.shuffle<i32>(first, second, 0, 2, 4, 6);
      const odd = v128.shuffle<i32>(first, second, 1, 3, 5, 7);
      putBits(low, high, to);
      putFour(lowNibbles(even, odd), to + 32);
      putBits(i16x8.shr_u(low, 1), i16x8.shr_u(high, 1), to + Q5K_BLOCK_BYTES);
      putFour(highNibbles(even, odd), to + Q5K_BLOCK_BYTES + 32);
      low = i16x8.shr_u(low, 2);
      high = i16x8.shr_u(high, 2);
      to += 2 * Q5K_BLOCK_BYTES;
    }
    if (!isFiniteHalf(from) || !isFiniteHalf(from + 2) || exceedsK(from, 31, limit)) {
      largest = largestWith(from, 256, StoredCode.Q5_K, 32, 0, 31, largest);
      limit = limitOf(largest);
    }
    from += 176;
    panel += SUPER_HEADER_BYTES + 8 * Q5K_BLOCK_BYTES;
  }
  return largest;
}

/** The groups of 16 get an f16 scale, and a minimum of -32 times it that undoes the offset of codes from 0 to 63. */
export function moveQ6_K(from: usize, blocks: i32, panel: usize, row: i32, largest: f32): f32 {
  let limit = limitOf(largest);
  for (let b = 0; b < blocks; b += 8) {
    let upper = from + 128;
    for (let at: usize = 0; at < 128; at += 64) {
      let low = v128.load(upper);
      let high = v128.load(upper, 16);
      // Blocks 0 and 2 of four, then 1 and 3, have their lower bits in the same bytes.
      for (let pair: usize = 0; pair < 2; pair++) {
        const first = v128.load(from + at + (pair << 5));
        const second = v128.load(from + at + (pair << 5), 16);
        const even = v128.shuffle<i32>(first, second, 0, 2, 4, 6);
        const odd = v128.shuffle<i32>(first, second, 1, 3, 5, 7);
        const to = panel + pair * Q6M_BLOCK_BYTES + ((<usize>row) << 2);
        putPairs(low, high, to + 64);
        putFour(lowNibbles(even, odd), to + 128);
        putPairs(i16x8.shr_u(low, 4), i16x8.shr_u(high, 4), to + 2 * Q6M_BLOCK_BYTES + 64);
        putFour(highNibbles(even, odd), to + 2 * Q6M_BLOCK_BYTES + 128);
        low = i16x8.shr_u(low, 2);
        high = i16x8.shr_u(high, 2);
      }
      upper += 32;
      panel += 4 * Q6M_BLOCK_BYTES;
    }
    const most = putScales(from, panel - 8 * Q6M_BLOCK_BYTES + ((<usize>row) << 1));
    if (most === Infinity) largest = Infinity;
    if (most > limit) {
      largest = largestWith(from, 256, StoredCode.Q6_K, 16, -32, 31, largest);
      limit = limitOf(largest);
    }
    from += 210;
  }
  return largest;
}

const ONE_BITS = memory.data<u32>([0x01010101, 0x01010101, 0x01010101, 0x01010101], 16);
const TWO_BITS = memory.data<u32>([0x03030303, 0x03030303, 0x03030303, 0x03030303], 16);
/** Factors that move the bits of the lanes beside each other. */
const ONE_APART = memory.data<u32>([1, 2, 4, 8, 16, 32, 64, 128], 16);
const TWO_APART = memory.data<u32>([1, 4, 16, 64], 16);

/** The lowest bits of 32 bytes, those of bytes 4 k to 4 k + 3 at bit k of the four bytes at `to`. */
// @inline
function putBits(low: v128, high: v128, to: usize): void {
  const bits = v128.load(ONE_BITS);
  const first = i32x4.mul(v128.and(low, bits), v128.load(ONE_APART));
  const v = v128.or(first, i32x4.mul(v128.and(high, bits), v128.load(ONE_APART, 16)));
  const half = v128.or(v, v128.shuffle<i32>(v, v, 2, 3, 0, 1));
  v128.store32_lane(to, v128.or(half, v128.shuffle<i32>(half, half, 1, 0, 3, 2)), 0);
}

/** The lowest two bits of 16 bytes likewise at bits 2 k of the four bytes at `to`, and of 16 more 32 bytes after them. */
// @inline
function putPairs(low: v128, high: v128, to: usize): void {
  const bits = v128.load(TWO_BITS);
  const first = i32x4.mul(v128.and(low, bits), v128.load(TWO_APART));
  const second = i32x4.mul(v128.and(high, bits), v128.load(TWO_APART));
  const half = v128.or(v128.shuffle<i32>(first, second, 0, 1, 4, 5), v128.shuffle<i32>(first, second, 2, 3, 6, 7));
  const v = v128.or(half, v128.shuffle<i32>(half, half, 1, 0, 3, 2));
  v128.store32_lane(to, v, 0);
  v128.store32_lane(to, v, 2, 32);
}

/**
 * Puts the scales and minima of a block of Q6_K into its eight blocks. Returns what its values do not exceed, Infinity
 * where a scale or a minimum is not finite.
 */
// @inline
function putScales(block: usize, to: usize): f32 {
  const factor = half(block + 208);
  const own = f32x4.splat(factor);
  let most = f32x4.splat(0);
  let infinite = i32x4.splat(0);
  const exponent = i32x4.splat(0x7c00);
  for (let g: usize = 0; g < 16; g += 4) {
    const codes = i32x4.extend_low_i16x8_s(i16x8.extend_low_i8x16_s(v128.load32_zero(block + 192 + g)));
    const wanted = f32x4.mul(f32x4.convert_i32x4_s(codes), own);
    const scales = toHalf4(wanted);
    const minima = toHalf4(f32x4.mul(ofHalf4(scales), f32x4.splat(-32)));
    most = f32x4.pmax(most, f32x4.abs(wanted));
    infinite = v128.or(infinite, i32x4.eq(v128.and(scales, exponent), exponent));
    infinite = v128.or(infinite, i32x4.eq(v128.and(minima, exponent), exponent));
    v128.store16_lane(to, scales, 0);
    v128.store16_lane(to, minima, 0, 16);
    v128.store16_lane(to, scales, 2, 32);
    v128.store16_lane(to, minima, 2, 48);
    to += Q6M_BLOCK_BYTES;
    v128.store16_lane(to, scales, 4);
    v128.store16_lane(to, minima, 4, 16);
    v128.store16_lane(to, scales, 6, 32);
    v128.store16_lane(to, minima, 6, 48);
    to += Q6M_BLOCK_BYTES;
  }
  return !isFiniteHalf(block + 208) || v128.any_true(infinite) ? Infinity : maxLane(most) * 32;
}

/** The f16 in four i32 lanes as f32. */
// @inline
function ofHalf4(v: v128): v128 {
  const bits = v128.and(i32x4.shl(i32x4.shr_s(i32x4.shl(v, 16), 16), 13), v128.load(HALF_MASK));
  return f32x4.mul(bits, f32x4.splat(HALF_SCALE));
}

/** Whether a group of a block of Q4_K or Q5_K, whose codes go up to `highest`, may have a value beyond `limit`. */
// @inline
function exceedsK(block: usize, highest: f32, limit: f32): bool {
  const first = load<u32>(block, 4);
  const second = load<u32>(block, 8);
  const last = load<u32>(block, 12);
  const scales = eightBytes(first & 0x3f3f3f3f, (last & 0x0f0f0f0f) | ((first >> 2) & 0x30303030));
  const minima = eightBytes(second & 0x3f3f3f3f, ((last >> 4) & 0x0f0f0f0f) | ((second >> 2) & 0x30303030));
  const most = f32x4.splat(wide(block) * highest);
  const minimum = f32x4.splat(-wide(block + 2));
  const low = largestFour(f32x4.mul(firstFour(scales), most), f32x4.mul(firstFour(minima), minimum));
  const high = largestFour(f32x4.mul(lastFour(scales), most), f32x4.mul(lastFour(minima), minimum));
  return v128.any_true(f32x4.gt(f32x4.pmax(low, high), f32x4.splat(limit)));
}

/** Of codes from 0 on. most: scales times the highest code. */
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
