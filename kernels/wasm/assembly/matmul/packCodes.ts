import { half, isFiniteHalf } from '../simd';
import { groupsOf, hasMinima, putBlock } from './format';
import { numbersOfLevels } from './packLevels';
import { toHalf } from './packRow';
import { storePair } from './storePair';
import { DTypeCode, GROUP_VALUES } from '../opcodes';

/**
 * A row's unpacked blocks as they are kept (kernels/keep.ts): int8 codes, f32 scales and minima, one per `group` values.
 * Adds `bias` to the codes, in place; where the format has minima and the type none (`highest` is 0), a minimum of -bias
 * scale undoes it.
 * block: address of the row's first block, row: 0..7 in the panel. Returns whether all f16 are finite.
 */
export function packKept(
  codes: usize,
  scales: usize,
  minima: usize,
  group: i32,
  bias: i32,
  highest: i32,
  blocks: i32,
  block: usize,
  bytes: usize,
  row: i32,
  dtype: i32,
): bool {
  const groups = groupsOf(dtype);
  const offset = i8x16.splat(<i8>bias);
  let finite: bool = true;
  for (let b = 0; b < blocks; b++) {
    for (let g = 0; g < groups; g++) {
      const from = (<usize>((b * GROUP_VALUES + (g << 4)) / group)) << 2;
      const to = block + ((<usize>g) << 5) + ((<usize>row) << 1);
      if (highest) storePair(to, load<f32>(scales + from), load<f32>(minima + from), highest);
      else {
        store<u16>(to, toHalf(load<f32>(scales + from)));
        if (hasMinima(dtype)) store<u16>(to, toHalf(<f32>-bias * half(to)), 16);
      }
      if (!isFiniteHalf(to) || (hasMinima(dtype) && !isFiniteHalf(to + 16))) finite = false;
    }
    v128.store(codes, i8x16.add(v128.load(codes), offset));
    v128.store(codes, i8x16.add(v128.load(codes, 16), offset), 16);
    if (dtype === DTypeCode.q4nl) numbersOfLevels(codes);
    putBlock(codes, block + ((<usize>row) << 2), dtype);
    codes += GROUP_VALUES;
    block += bytes;
  }
  return finite;
}

/**
 * Quantises a row with minima as quantizeWithMinimum of kernels/quantize.ts does, in f64 too. values: (blocks * 32) f32;
 * codes: 32 bytes of scratch; block, row: as above.
 */
export function packWithMinima(
  values: usize,
  codes: usize,
  blocks: i32,
  block: usize,
  bytes: usize,
  row: i32,
  dtype: i32,
): void {
  const groups = groupsOf(dtype);
  const columns = GROUP_VALUES / groups;
  const highest: i32 = dtype === DTypeCode.q4m ? 15 : dtype === DTypeCode.q5m ? 31 : 63;
  for (let b = 0; b < blocks; b++) {
    for (let g = 0; g < groups; g++) {
      const to = block + ((<usize>g) << 5) + ((<usize>row) << 1);
      quantiseGroup(values, codes + <usize>(g * columns), columns, to, highest);
      values += (<usize>columns) << 2;
    }
    putBlock(codes, block + ((<usize>row) << 2), dtype);
    block += bytes;
  }
}

/** Writes f16 scale and minimum to `to` and `to` + 16. */
function quantiseGroup(values: usize, codes: usize, count: i32, to: usize, highest: i32): void {
  let lows = v128.load(values);
  let highs = lows;
  for (let i = 4; i < count; i += 4) {
    const v = v128.load(values + ((<usize>i) << 2));
    lows = f32x4.pmin(lows, v);
    highs = f32x4.pmax(highs, v);
  }
  const least = min(
    min(f32x4.extract_lane(lows, 0), f32x4.extract_lane(lows, 1)),
    min(f32x4.extract_lane(lows, 2), f32x4.extract_lane(lows, 3)),
  );
  const most = max(
    max(f32x4.extract_lane(highs, 0), f32x4.extract_lane(highs, 1)),
    max(f32x4.extract_lane(highs, 2), f32x4.extract_lane(highs, 3)),
  );
  store<u16>(to, toHalf(<f32>((<f64>most - <f64>least) / <f64>highest)));
  store<u16>(to, toHalf(least), 16);
  const scale = <f64>half(to);
  const inverse = f64x2.splat(scale === 0 ? 0 : 1.0 / scale);
  const minimum = f64x2.splat(<f64>half(to + 16));
  for (let i = 0; i < count; i += 4) {
    const v = v128.load(values + ((<usize>i) << 2));
    const first = nearest2(v, minimum, inverse);
    const second = nearest2(v128.shuffle<i32>(v, v, 2, 3, 2, 3), minimum, inverse);
    const q = v128.shuffle<i32>(first, second, 0, 1, 4, 5);
    const clamped = i32x4.min_s(i32x4.max_s(q, i32x4.splat(0)), i32x4.splat(highest));
    const halves = i16x8.narrow_i32x4_s(clamped, clamped);
    store<i32>(codes + <usize>i, i32x4.extract_lane(i8x16.narrow_i16x8_u(halves, halves), 0));
  }
}

/** floor((x - minimum) / scale + 0.5) of two values. */
// @inline
function nearest2(v: v128, minimum: v128, inverse: v128): v128 {
  const scaled = f64x2.mul(f64x2.sub(f64x2.promote_low_f32x4(v), minimum), inverse);
  return i32x4.trunc_sat_f64x2_s_zero(f64x2.floor(f64x2.add(scaled, f64x2.splat(0.5))));
}
