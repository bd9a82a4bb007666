/** Of the sums of weights of 22 bits times samples: what rounds them to a whole sample. */
const HALF: i32 = 1 << 21;
const BITS: i32 = 22;
/** The lower bits of a weight, and the upper ones, so that two weights at once are multiplied as i16. */
const LOW_BITS: i32 = 11;

/** Red, green and blue of two pixels, colour by colour, as i16. */
// prettier-ignore
const TWO_PIXELS = memory.data<u8>([0, 255, 3, 255, 1, 255, 4, 255, 2, 255, 5, 255, 255, 255, 255, 255], 16);

/**
 * Scales a row of RGB across. The weights of a pixel add up to 2^22, so that no sum leaves the range. taps: for each of
 * the `pixels` that are written, the first pixel that it is made of, how many there are, and their weights in pairs, of
 * which a last one is 0: two i16 with their lower, then two with their upper bits.
 */
export function scaleRow(from: usize, taps: usize, pixels: i32, to: usize): void {
  const mask = v128.load(TWO_PIXELS);
  for (let x = 0; x < pixels; x++) {
    let at = from + 3 * <usize>load<u32>(taps);
    const count = load<i32>(taps, 4);
    taps += 8;
    let low = i32x4.splat(HALF);
    let high = i32x4.splat(0);
    for (let k = 0; k < count; k += 2) {
      const two = i8x16.swizzle(v128.load64_zero(at), mask);
      low = i32x4.add(low, i32x4.dot_i16x8_s(two, v128.load32_splat(taps)));
      high = i32x4.add(high, i32x4.dot_i16x8_s(two, v128.load32_splat(taps, 4)));
      taps += 8;
      at += 6;
    }
    const rgb = inBytes(rounded(low, high));
    store<u16>(to, <u16>rgb);
    store<u8>(to, <u8>(rgb >> 16), 2);
    to += 3;
  }
}

/** The sum of `count` rows of `bytes` bytes each, which lie behind each other, by their weights, as scaleRow takes them. */
export function mixRows(from: usize, bytes: i32, weights: usize, count: i32, to: usize): void {
  let i = 0;
  for (; i + 16 <= bytes; i += 16) {
    let low0 = i32x4.splat(HALF);
    let low1 = low0;
    let low2 = low0;
    let low3 = low0;
    let high0 = i32x4.splat(0);
    let high1 = high0;
    let high2 = high0;
    let high3 = high0;
    let at = from + <usize>i;
    for (let k = 0; k < count; k += 2) {
      const row = v128.load(at);
      const below = k + 1 < count ? v128.load(at + <usize>bytes) : row;
      const left = v128.shuffle<u8>(row, below, 0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23);
      const right = v128.shuffle<u8>(row, below, 8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31);
      const pair0 = i16x8.extend_low_i8x16_u(left);
      const pair1 = i16x8.extend_high_i8x16_u(left);
      const pair2 = i16x8.extend_low_i8x16_u(right);
      const pair3 = i16x8.extend_high_i8x16_u(right);
      const low = v128.load32_splat(weights + ((<usize>k) << 2));
      const high = v128.load32_splat(weights + ((<usize>k) << 2), 4);
      low0 = i32x4.add(low0, i32x4.dot_i16x8_s(pair0, low));
      low1 = i32x4.add(low1, i32x4.dot_i16x8_s(pair1, low));
      low2 = i32x4.add(low2, i32x4.dot_i16x8_s(pair2, low));
      low3 = i32x4.add(low3, i32x4.dot_i16x8_s(pair3, low));
      high0 = i32x4.add(high0, i32x4.dot_i16x8_s(pair0, high));
      high1 = i32x4.add(high1, i32x4.dot_i16x8_s(pair1, high));
      high2 = i32x4.add(high2, i32x4.dot_i16x8_s(pair2, high));
      high3 = i32x4.add(high3, i32x4.dot_i16x8_s(pair3, high));
      at += (<usize>bytes) << 1;
    }
    const left = i16x8.narrow_i32x4_s(rounded(low0, high0), rounded(low1, high1));
    const right = i16x8.narrow_i32x4_s(rounded(low2, high2), rounded(low3, high3));
    v128.store(to + <usize>i, i8x16.narrow_i16x8_u(left, right));
  }
  for (; i < bytes; i++) {
    let sum = HALF;
    for (let k = 0; k < count; k++) {
      const at = weights + ((<usize>(k & ~1)) << 2) + ((<usize>(k & 1)) << 1);
      const weight = load<u16>(at) + ((<i32>load<u16>(at, 4)) << LOW_BITS);
      sum += weight * <i32>load<u8>(from + <usize>(k * bytes + i));
    }
    store<u8>(to + <usize>i, <u8>(sum >> BITS));
  }
}

// @inline
function rounded(low: v128, high: v128): v128 {
  return i32x4.shr_u(i32x4.add(low, i32x4.shl(high, LOW_BITS)), BITS);
}

/** Four i32 from 0 to 255 as bytes. */
// @inline
function inBytes(values: v128): u32 {
  const pairs = i16x8.narrow_i32x4_s(values, values);
  return i32x4.extract_lane(i8x16.narrow_i16x8_u(pairs, pairs), 0);
}
