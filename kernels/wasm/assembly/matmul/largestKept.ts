/**
 * The bits of the largest magnitude in a row that is kept: in each group that of its lowest or of its highest code. Groups
 * that cannot exceed `known` (its bits) with codes from `lowest` to `highest` are passed over.
 */
export function largestKept(
  codes: usize,
  scales: usize,
  minima: usize,
  inputs: i32,
  group: i32,
  ownMinima: bool,
  lowest: i32,
  highest: i32,
  known: u32,
): u32 {
  const end = codes + <usize>inputs;
  let largest = reinterpret<f32>(known);
  while (codes < end) {
    const scale = load<f32>(scales);
    const minimum: f32 = ownMinima ? load<f32>(minima) : 0;
    // Products and sums are rounded monotonically. What is not a number is not passed over.
    if (!(largestOf(scale, minimum, lowest, highest) <= largest)) {
      const first = v128.load(codes);
      const second = group === 32 ? v128.load(codes, 16) : first;
      const low = lowestByte(i8x16.min_s(first, second));
      const high = highestByte(i8x16.max_s(first, second));
      largest = max(largest, largestOf(scale, minimum, low, high));
    }
    codes += <usize>group;
    scales += 4;
    minima += 4;
  }
  return reinterpret<u32>(largest);
}

/** The largest magnitude of codes from `lowest` to `highest`. */
// @inline
function largestOf(scale: f32, minimum: f32, lowest: i32, highest: i32): f32 {
  return max(abs(scale * <f32>lowest + minimum), abs(scale * <f32>highest + minimum));
}

// @inline
function highestByte(v: v128): i32 {
  v = i8x16.max_s(v, v128.shuffle<i64>(v, v, 1, 0));
  v = i8x16.max_s(v, v128.shuffle<i32>(v, v, 1, 0, 3, 2));
  v = i8x16.max_s(v, i32x4.shr_u(v, 16));
  return i8x16.extract_lane_s(i8x16.max_s(v, i16x8.shr_u(v, 8)), 0);
}

// @inline
function lowestByte(v: v128): i32 {
  v = i8x16.min_s(v, v128.shuffle<i64>(v, v, 1, 0));
  v = i8x16.min_s(v, v128.shuffle<i32>(v, v, 1, 0, 3, 2));
  v = i8x16.min_s(v, i32x4.shr_u(v, 16));
  return i8x16.extract_lane_s(i8x16.min_s(v, i16x8.shr_u(v, 8)), 0);
}
