import { X_SCALE, maxLane } from '../simd';
import { scratch } from '../thread';
import { DTypeCode, GROUP_VALUES, TILE_TOKENS } from '../opcodes';
import { TILE_BYTES, TILE_HEADER, X_BYTES } from './format';

/**
 * Activations to int8 in groups of 32: scale = max|x| / 127, q = nearest(x / scale), ties to even.
 *
 * For the matrix-vector kernels, group after group: f32 scale * 2^64, the sums of q of the first and the last 16 values as
 * two i16, then, relaxed, 32 i8 in order (40 bytes in all), or, plain, 32 i16 in the order in which the kernel's masks
 * meet them (72 bytes). Plain for q4, q4m and q4k, values are shifted left by 8, 4, 0, 8 bits against what the masks leave in
 * place, so that no weight needs a shift, and the scale is divided by 256.
 *
 * An item is a group. Words: 3 x, 4 quantised, 5 weight dtype.
 */
export function quantise(d: usize, from: i32, to: i32): void {
  const x = load<u32>(d, 12) + ((<usize>from) << 7);
  const out = load<u32>(d, 16) + <usize>from * X_BYTES;
  const shifted = isShifted(load<i32>(d, 20));
  for (let i = 0; i < to - from; i++) quantiseBlock(x + ((<usize>i) << 7), out + <usize>i * X_BYTES, shifted);
}

/** Plain SIMD only: whether the weights' masks want activations that were shifted. */
export function isShifted(dtype: i32): bool {
  return dtype === DTypeCode.q4 || dtype === DTypeCode.q4m || dtype === DTypeCode.q4k;
}

/** One group for the matrix-vector kernels. */
export function quantiseBlock(x: usize, out: usize, shifted: bool): void {
  const scale = quantiseGroup(x);
  store<f32>(out, scale * (!ASC_FEATURE_RELAXED_SIMD && shifted ? X_SCALE / 256.0 : X_SCALE));
  store<i32>(out, halfSums(), 4);
  if (ASC_FEATURE_RELAXED_SIMD) {
    v128.store(out, v128.load(scratch), 8);
    v128.store(out, v128.load(scratch, 16), 24);
  } else if (shifted) {
    for (let i = 0; i < GROUP_VALUES; i++) {
      const mask = maskOf(i);
      const shift = mask === 1 ? 4 : mask === 2 ? 0 : 8;
      const at = 8 + ((((i >> 3) << 2) + mask) << 2) + (((i >> 1) & 1) << 1);
      store<i16>(out + at, <i16>((<i32>load<i8>(scratch + i)) << shift));
    }
  } else {
    for (let i = 0; i < GROUP_VALUES; i++) {
      const at = 8 + ((((i >> 2) << 1) + (i & 1)) << 2) + (((i >> 1) & 1) << 1);
      store<i16>(out + at, <i16>load<i8>(scratch + i));
    }
  }
}

/**
 * The same for the matrix-matrix kernels: tiles of 8 tokens, one token per lane of two vectors. By tile and group: 8
 * f32 scales, 8 x 2 i16 sums; relaxed: for each 4 columns 8 x 4 i8; plain: for each pair of columns 8 x 2 i16, pairs in
 * the order (0,2) (4,6) (1,3) (5,7) of each 8 columns. Tokens past the last are zero.
 *
 * An item is a group of a tile. Words: 3 x, 4 tiles, 5 groups per row, 6 rows.
 */
export function packTiles(d: usize, from: i32, to: i32): void {
  const blocks = load<i32>(d, 20);
  const rows = load<i32>(d, 24);
  for (let item = from; item < to; item++) {
    const tile = item / blocks;
    const block = item - tile * blocks;
    const out = load<u32>(d, 16) + <usize>item * TILE_BYTES;
    for (let lane = 0; lane < TILE_TOKENS; lane++) {
      const row = tile * TILE_TOKENS + lane;
      if (row >= rows) packLane(out, lane, 0, true);
      else {
        const scale = quantiseGroup(load<u32>(d, 12) + <usize>(row * blocks + block) * 128);
        packLane(out, lane, scale, false);
      }
    }
  }
}

function packLane(out: usize, lane: i32, scale: f32, empty: bool): void {
  if (empty) memory.fill(scratch, 0, GROUP_VALUES);
  const at = out + (lane << 2);
  store<f32>(at, scale);
  store<i32>(at, halfSums(), 32);
  if (ASC_FEATURE_RELAXED_SIMD) {
    for (let k = 0; k < 8; k++) store<i32>(at + TILE_HEADER + (k << 5), load<i32>(scratch + (k << 2)));
  } else {
    for (let i = 0; i < GROUP_VALUES; i++) {
      const pair = ((i >> 3) << 2) + maskOf(i);
      store<i16>(at + TILE_HEADER + (pair << 5) + (((i >> 1) & 1) << 1), <i16>load<i8>(scratch + i));
    }
  }
}

/** The plain mask that selects column i of 8: low nibbles of even bytes, high of even, low of odd, high of odd. */
// @inline
function maskOf(i: i32): i32 {
  return ((i & 1) << 1) | ((i >> 2) & 1);
}

/** Quantises 32 values into the first 32 bytes of the thread's scratch; returns the scale. */
function quantiseGroup(x: usize): f32 {
  let largest = f32x4.splat(0);
  for (let i: usize = 0; i < 128; i += 16) largest = f32x4.max(largest, f32x4.abs(v128.load(x + i)));
  const scale: f32 = maxLane(largest) / 127.0;
  const divisor = f32x4.splat(scale); // 0 / 0 is NaN, which converts to 0.
  for (let i: usize = 0; i < 32; i += 16) {
    const at = x + (i << 2);
    const a = i16x8.narrow_i32x4_s(nearest4(at, divisor), nearest4(at + 16, divisor));
    const b = i16x8.narrow_i32x4_s(nearest4(at + 32, divisor), nearest4(at + 48, divisor));
    v128.store(scratch + i, i8x16.narrow_i16x8_s(a, b));
  }
  return scale;
}

// @inline
function nearest4(x: usize, divisor: v128): v128 {
  return i32x4.trunc_sat_f32x4_s(f32x4.nearest(f32x4.div(v128.load(x), divisor)));
}

/** The sums of the first and the last 16 values in the thread's scratch, as two i16. */
function halfSums(): i32 {
  return (sum16(scratch) & 0xffff) | (sum16(scratch + 16) << 16);
}

/** The sum of 16 int8. */
function sum16(at: usize): i32 {
  const quads = i32x4.extadd_pairwise_i16x8_s(i16x8.extadd_pairwise_i8x16_s(v128.load(at)));
  const halves = i32x4.add(quads, v128.shuffle<i32>(quads, quads, 2, 3, 0, 1));
  return i32x4.extract_lane(halves, 0) + i32x4.extract_lane(halves, 1);
}
