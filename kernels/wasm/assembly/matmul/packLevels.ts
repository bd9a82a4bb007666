import { half } from '../simd';
import { LEVELS } from '../levels';
import { putBlock } from './format';
import { extreme, toHalf } from './packRow';
import { DTypeCode, GROUP_VALUES, Q4_BLOCK_BYTES } from '../opcodes';

/**
 * Quantises a row to levels as quantizeLevels of kernels/quantize.ts does, in f64 too. values: (blocks * 32) f32; codes: 32
 * bytes of scratch; block: address of the row's first block, row: 0..7 in the panel.
 */
export function packLevels(values: usize, codes: usize, blocks: i32, block: usize, row: i32): void {
  for (let b = 0; b < blocks; b++) {
    const to = block + ((<usize>row) << 1);
    store<u16>(to, toHalf(<f32>(<f64>extreme(values) / <f64>load<i8>(LEVELS))));
    const scale = <f64>half(to);
    const inverse = f64x2.splat(scale === 0 ? 0 : 1.0 / scale);
    for (let i: usize = 0; i < 32; i += 4) {
      const v = v128.load(values + (i << 2));
      const first = nearest2(v, inverse);
      const second = nearest2(v128.shuffle<i32>(v, v, 2, 3, 2, 3), inverse);
      const numbers = v128.shuffle<i32>(first, second, 0, 2, 4, 6);
      const halves = i16x8.narrow_i32x4_s(numbers, numbers);
      store<i32>(codes + i, i32x4.extract_lane(i8x16.narrow_i16x8_u(halves, halves), 0));
    }
    putBlock(codes, block + ((<usize>row) << 2), DTypeCode.q4nl);
    values += GROUP_VALUES * 4;
    block += Q4_BLOCK_BYTES;
  }
}

/** The numbers of the levels that are nearest to the first two of four values, as i64: how many middles they reach. */
function nearest2(v: v128, inverse: v128): v128 {
  const scaled = f64x2.mul(f64x2.promote_low_f32x4(v), inverse);
  let count = i64x2.splat(0);
  for (let level = LEVELS; level < LEVELS + 15; level++) {
    const middle = (<f64>load<i8>(level) + <f64>load<i8>(level, 1)) / 2.0;
    count = i64x2.sub(count, f64x2.ge(scaled, f64x2.splat(middle)));
  }
  return count;
}

/** 32 codes become the numbers of their levels: how many levels they exceed. */
export function numbersOfLevels(codes: usize): void {
  for (let at = codes; at <= codes + 16; at += 16) {
    const v = v128.load(at);
    let count = i8x16.splat(0);
    for (let level = LEVELS; level < LEVELS + 15; level++) {
      count = i8x16.sub(count, i8x16.gt_s(v, i8x16.splat(load<i8>(level))));
    }
    v128.store(at, count);
  }
}
