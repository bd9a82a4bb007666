/** Of the sums of weights of 22 bits times samples: what rounds them to a whole sample. */
const HALF: i32 = 1 << 21;
const BITS: i32 = 22;

/**
 * Scales a row of RGB across. The weights of a pixel add up to 2^22, so that no sum leaves the range. taps: for each of
 * the `pixels` that are written, the first pixel that it is made of, how many there are, and the weights of all of them, in
 * i32.
 */
export function scaleRow(from: usize, taps: usize, pixels: i32, to: usize): void {
  for (let x = 0; x < pixels; x++) {
    let at = from + 3 * <usize>load<u32>(taps);
    const count = load<i32>(taps, 4);
    taps += 8;
    let sums = i32x4.splat(HALF);
    for (let k = 0; k < count; k++) {
      sums = i32x4.add(sums, i32x4.mul(v128.load32_splat(taps), widened(at)));
      taps += 4;
      at += 3;
    }
    const rgb = inBytes(i32x4.shr_u(sums, BITS));
    store<u16>(to, <u16>rgb);
    store<u8>(to, <u8>(rgb >> 16), 2);
    to += 3;
  }
}

/** The sum of `count` rows of `bytes` bytes each, which lie behind each other, by their weights in i32 that add up to 2^22. */
export function mixRows(from: usize, bytes: i32, weights: usize, count: i32, to: usize): void {
  let i = 0;
  for (; i + 4 <= bytes; i += 4) {
    let sums = i32x4.splat(HALF);
    let at = from + <usize>i;
    for (let k = 0; k < count; k++) {
      sums = i32x4.add(sums, i32x4.mul(v128.load32_splat(weights + ((<usize>k) << 2)), widened(at)));
      at += <usize>bytes;
    }
    store<u32>(to + <usize>i, inBytes(i32x4.shr_u(sums, BITS)));
  }
  for (; i < bytes; i++) {
    let sum = HALF;
    for (let k = 0; k < count; k++) {
      sum += load<i32>(weights + ((<usize>k) << 2)) * <i32>load<u8>(from + <usize>(k * bytes + i));
    }
    store<u8>(to + <usize>i, <u8>(sum >> BITS));
  }
}

/** Four bytes as i32. */
// @inline
function widened(at: usize): v128 {
  return i32x4.extend_low_i16x8_u(i16x8.extend_low_i8x16_u(v128.load32_zero(at)));
}

/** Four i32 from 0 to 255 as bytes. */
// @inline
function inBytes(values: v128): u32 {
  const pairs = i16x8.narrow_i32x4_s(values, values);
  return i32x4.extract_lane(i8x16.narrow_i16x8_u(pairs, pairs), 0);
}
