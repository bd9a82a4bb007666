import { unpackIQ4XS, unpackQ2K, unpackQ3K, unpackQ4K, unpackQ5K, unpackQ6K } from './unpackStoredK';
import { half, isFiniteHalf } from '../simd';
import { LEVELS } from '../levels';
import { StoredCode } from '../opcodes';

/**
 * Unpacks a row of quantised blocks (kernels/stored) into int8 codes, and f32 scales and minima of its groups, where the
 * type has minima. Returns whether all f16 of the blocks are finite.
 */
export function unpackRow(from: usize, values: i32, stored: i32, codes: usize, scales: usize, minima: usize): bool {
  finite = true;
  const end = codes + <usize>values;
  while (codes < end) {
    if (stored === StoredCode.Q2_K) {
      from = unpackQ2K(from, codes, scales, minima);
    } else if (stored === StoredCode.Q3_K) {
      from = unpackQ3K(from, codes, scales);
    } else if (stored === StoredCode.Q4_K) {
      from = unpackQ4K(from, codes, scales, minima);
    } else if (stored === StoredCode.Q5_K) {
      from = unpackQ5K(from, codes, scales, minima);
    } else if (stored === StoredCode.Q6_K) {
      from = unpackQ6K(from, codes, scales);
    } else if (stored === StoredCode.IQ4_XS) {
      from = unpackIQ4XS(from, codes, scales);
    } else {
      from = unpackBlock32(from, stored, codes, scales, minima);
      codes += 32;
      scales += 4;
      minima += 4;
      continue;
    }
    const groups: usize =
      stored === StoredCode.Q4_K || stored === StoredCode.Q5_K || stored === StoredCode.IQ4_XS ? 8 : 16;
    codes += 256;
    scales += groups << 2;
    minima += groups << 2;
  }
  return finite;
}

let finite: bool = true;

/** The f16 at `at`, whose infinities and NaN unpackRow reports. */
export function factor(at: usize): f32 {
  if (!isFiniteHalf(at)) finite = false;
  return half(at);
}

const BIT_BYTES = memory.data<u8>([0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 1, 1, 1, 1], 16);
const BITS = memory.data<u8>([1, 2, 4, 8, 16, 32, 64, 128, 1, 2, 4, 8, 16, 32, 64, 128], 16);

/** A block of 32 values; returns where the next begins. */
function unpackBlock32(from: usize, stored: i32, codes: usize, scales: usize, minima: usize): usize {
  store<f32>(scales, factor(from));
  from += 2;
  if (stored === StoredCode.Q4_1 || stored === StoredCode.Q5_1) {
    store<f32>(minima, factor(from));
    from += 2;
  }
  if (stored === StoredCode.Q8_0) {
    // memory.copy calls out of the compiled code for so few bytes.
    v128.store(codes, v128.load(from));
    v128.store(codes, v128.load(from, 16), 16);
    return from + 32;
  }
  const fiveBits = stored === StoredCode.Q5_0 || stored === StoredCode.Q5_1;
  const upper = from;
  if (fiveBits) from += 4;
  if (stored === StoredCode.IQ4_NL) unpackLevels(from, codes);
  else {
    const v = v128.load(from);
    let low = lowNibbles(v);
    let high = i8x16.shr_u(v, 4);
    if (fiveBits) {
      low = v128.or(low, fifthBits(upper));
      high = v128.or(high, fifthBits(upper + 2));
    }
    const offset = i8x16.splat(stored === StoredCode.Q4_0 ? 8 : stored === StoredCode.Q5_0 ? 16 : 0);
    v128.store(codes, i8x16.sub(low, offset));
    v128.store(codes, i8x16.sub(high, offset), 16);
  }
  return from + 16;
}

/** 16 for each of 16 bits that is set. */
function fifthBits(at: usize): v128 {
  const bytes = i8x16.swizzle(i16x8.splat(load<i16>(at)), v128.load(BIT_BYTES));
  const bits = v128.load(BITS);
  return v128.and(i8x16.eq(v128.and(bytes, bits), bits), i8x16.splat(16));
}

/** 32 codes of IQ4_NL and IQ4_XS. */
export function unpackLevels(from: usize, codes: usize): void {
  const v = v128.load(from);
  v128.store(codes, i8x16.swizzle(v128.load(LEVELS), lowNibbles(v)));
  v128.store(codes, i8x16.swizzle(v128.load(LEVELS), i8x16.shr_u(v, 4)), 16);
}

// @inline
export function lowNibbles(v: v128): v128 {
  return v128.and(v, i8x16.splat(15));
}
