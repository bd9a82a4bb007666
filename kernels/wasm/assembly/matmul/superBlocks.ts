/**
 * The formats of super-blocks (kernels/superBlocks.ts): before each 8 blocks of a panel lie 8 f16 scales, 8 f16 minima,
 * and vectors of the 6-bit numbers of 4 rows (a row per lane, rows 0-3 then 4-7), as a stored block has them: in byte j the
 * own scale of block j, with two bits of that of block 4 + j above it; the same for minima; and in the low and the high
 * nibbles of byte j the other bits of scale and minimum of block 4 + j.
 */

// Constants in code would be rebuilt at every use, whereas a load is free.
const SIGNED = memory.data<u32>([0x8fffe000, 0x8fffe000, 0x8fffe000, 0x8fffe000], 16);
const EXPONENT = memory.data<u32>([0x0f800000, 0x0f800000, 0x0f800000, 0x0f800000], 16);
/** The exponent's difference between an f16 and an f32 times 2^-64. */
const BIAS = memory.data<u32>([0x18000000, 0x18000000, 0x18000000, 0x18000000], 16);
/** 2^-78, the smallest normal f16 times 2^-64. */
const LEAST = memory.data<u32>([0x18800000, 0x18800000, 0x18800000, 0x18800000], 16);
const SIGN = memory.data<u32>([0x80000000, 0x80000000, 0x80000000, 0x80000000], 16);
const SIX_BITS = memory.data<u32>([0x3f3f3f3f, 0x3f3f3f3f, 0x3f3f3f3f, 0x3f3f3f3f], 16);
const FOUR_BITS = memory.data<u32>([0x0f0f0f0f, 0x0f0f0f0f, 0x0f0f0f0f, 0x0f0f0f0f], 16);
const TWO_BITS = memory.data<u32>([0x30303030, 0x30303030, 0x30303030, 0x30303030], 16);
/** Bytes 0 of the lanes, then bytes 1, 2, 3, each extended by zeros. */
const LANE_BYTES = memory.data<u32>(
  [
    0x80808000, 0x80808004, 0x80808008, 0x8080800c, 0x80808001, 0x80808005, 0x80808009, 0x8080800d, 0x80808002,
    0x80808006, 0x8080800a, 0x8080800e, 0x80808003, 0x80808007, 0x8080800b, 0x8080800f,
  ],
  16,
);

/**
 * Unpacks the scales and minima of a super-block times 2^-64 (X_SCALE brings the rest), as f32: block after block 8
 * scales, then 8 minima. Products of an f16 and 6 bits are exact.
 */
export function unpackFactors(header: usize, to: usize): void {
  const scales = v128.load(header);
  const minima = v128.load(header, 16);
  const sign = v128.load(SIGN);
  unpackRows(
    header + 32,
    factors(i32x4.extend_low_i16x8_s(scales)),
    v128.xor(factors(i32x4.extend_low_i16x8_s(minima)), sign),
    to,
  );
  unpackRows(
    header + 48,
    factors(i32x4.extend_high_i16x8_s(scales)),
    v128.xor(factors(i32x4.extend_high_i16x8_s(minima)), sign),
    to + 16,
  );
}

/**
 * Four f16 as f32 times 2^-64. Factors of super-blocks are often subnormal f16; no operation here meets subnormal f32,
 * which are slow.
 */
// @inline
function factors(halves: v128): v128 {
  const shifted = v128.and(i32x4.shl(halves, 13), v128.load(SIGNED));
  const subnormal = i32x4.eq(v128.and(shifted, v128.load(EXPONENT)), i32x4.splat(0));
  // Of a subnormal as if it were normal, 2^-78 too large.
  const excess = v128.and(v128.or(v128.and(shifted, v128.load(SIGN)), v128.load(LEAST)), subnormal);
  const value = i32x4.sub(i32x4.add(shifted, v128.load(BIAS)), i32x4.shl(subnormal, 23));
  return f32x4.sub(value, excess);
}

/** Of four rows. */
// @inline
function unpackRows(from: usize, scale: v128, minimum: v128, to: usize): void {
  const scales = v128.load(from);
  const minima = v128.load(from, 32);
  const last = v128.load(from, 64);
  const four = v128.load(FOUR_BITS);
  const two = v128.load(TWO_BITS);
  unpackFour(v128.and(scales, v128.load(SIX_BITS)), scale, to);
  unpackFour(v128.and(minima, v128.load(SIX_BITS)), minimum, to + 32);
  unpackFour(v128.or(v128.and(last, four), v128.and(i32x4.shr_u(scales, 2), two)), scale, to + 256);
  unpackFour(v128.or(v128.and(i32x4.shr_u(last, 4), four), v128.and(i32x4.shr_u(minima, 2), two)), minimum, to + 288);
}

/** The bytes of each lane times `factor`, byte j to `to` + 64 j. */
// @inline
function unpackFour(bytes: v128, factor: v128, to: usize): void {
  v128.store(to, f32x4.mul(f32x4.convert_i32x4_s(ofEachLane(bytes, 0)), factor));
  v128.store(to, f32x4.mul(f32x4.convert_i32x4_s(ofEachLane(bytes, 16)), factor), 64);
  v128.store(to, f32x4.mul(f32x4.convert_i32x4_s(ofEachLane(bytes, 32)), factor), 128);
  v128.store(to, f32x4.mul(f32x4.convert_i32x4_s(ofEachLane(bytes, 48)), factor), 192);
}

/** One byte of each lane; at: its number times 16. */
// @inline
function ofEachLane(bytes: v128, at: usize): v128 {
  const lanes = v128.load(LANE_BYTES + at);
  return ASC_FEATURE_RELAXED_SIMD ? i8x16.relaxed_swizzle(bytes, lanes) : i8x16.swizzle(bytes, lanes);
}

/** Puts the scales and minima of a stored block in the header of its super-block; row: 0..7 in the panel. */
// @inline
export function putSuperHeader(stored: usize, header: usize, row: i32): void {
  const half = header + ((<usize>row) << 1);
  const lane = header + 32 + ((<usize>row) << 2);
  store<u16>(half, load<u16>(stored));
  store<u16>(half, load<u16>(stored, 2), 16);
  store<i32>(lane, load<i32>(stored, 4));
  store<i32>(lane, load<i32>(stored, 8), 32);
  store<i32>(lane, load<i32>(stored, 12), 64);
}
