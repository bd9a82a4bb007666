import { scratch } from '../thread';
import { X_SCALE, addValues, half } from '../simd';
import { LEVELS } from '../levels';
import { tile } from '../tiles';
import {
  TILE_BYTES,
  blockAt,
  codesAs,
  codesAt,
  groupsOf,
  hasMinima,
  hasSuperBlocks,
  headerAt,
  highAt,
  highBits4,
  panelBytes,
} from './format';
import { unpackFactors } from './superBlocks';
import {
  BATCH_TOKENS,
  CHUNK_BLOCKS,
  DTypeCode,
  FACTORS_BYTES,
  PANEL_ROWS,
  SUPER_BLOCKS,
  TILE_TOKENS,
  UNPACKED_BYTES,
} from '../opcodes';

/**
 * y = x w^T + bias + residual for many rows of x, like matvecQ, with tokens in the lanes: x in tiles of 8 tokens (see
 * packTiles), weights unpacked and splatted into the thread's scratch, q4nl as q8, 4 rows at a time (2 for q8 on the
 * relaxed path, which splits bytes into nibbles), columns in chunks that fit in the L1 cache.
 *
 * An item is (batch of 256 tokens, chunk of rows of w). Words: 3 x tiles, 4 w, 5 y, 6 residual or 0, 7 rows, 8 out,
 * 9 blocks per row, 10 rows of w per item (a multiple of 8), 11 bias or 0, 12 dtype of w. Thread scratch: unpacked
 * weights, with the factors of a super-block at their end, then sums (rows of w / rows at a time, tiles, rows at a time, 8).
 */
export function matmulQ(d: usize, from: i32, to: i32): void {
  const dtype = load<i32>(d, 48);
  const rows = load<i32>(d, 28);
  const out = load<i32>(d, 32);
  const chunkRows = load<i32>(d, 40);
  const chunks = (out + chunkRows - 1) / chunkRows;
  const padded = (out + PANEL_ROWS - 1) & ~(PANEL_ROWS - 1);
  for (let item = from; item < to; item++) {
    const batch = item / chunks;
    const firstRow = (item - batch * chunks) * chunkRows;
    const count = min(chunkRows, padded - firstRow);
    const firstToken = batch * BATCH_TOKENS;
    const tokens = min(BATCH_TOKENS, rows - firstToken);
    multiply(d, firstRow, count, firstToken, (tokens + TILE_TOKENS - 1) / TILE_TOKENS, dtype);
    write(d, firstRow, min(count, out - firstRow), firstToken, tokens, dtype);
  }
}

// @inline
function hasBytes(dtype: i32): bool {
  return dtype === DTypeCode.q8 || dtype === DTypeCode.q4nl;
}

// @inline
function rowsAtOnce(dtype: i32): i32 {
  return ASC_FEATURE_RELAXED_SIMD && hasBytes(dtype) ? 2 : 4;
}

function multiply(d: usize, firstRow: i32, count: i32, firstToken: i32, tiles: i32, dtype: i32): void {
  const blocks = load<i32>(d, 36);
  const x = load<u32>(d, 12) + <usize>((firstToken / TILE_TOKENS) * blocks) * TILE_BYTES;
  const chunk = ASC_FEATURE_RELAXED_SIMD ? CHUNK_BLOCKS : CHUNK_BLOCKS / 2;
  const step = rowsAtOnce(dtype);
  const unpacked = hasBytes(dtype) ? DTypeCode.q8 : codesAs(dtype);
  const sums = scratch + UNPACKED_BYTES;
  const sumBytes = <usize>(step * TILE_TOKENS * 4);
  memory.fill(sums, 0, <usize>(tiles * count * TILE_TOKENS * 4));
  for (let b = 0; b < blocks; b += chunk) {
    const depth = min(chunk, blocks - b);
    let to = sums;
    for (let r = 0; r < count; r += step) {
      unpack(d, firstRow + r, step, b, depth, dtype);
      for (let i = 0; i < tiles; i++) {
        tile(unpacked, x + <usize>(i * blocks + b) * TILE_BYTES, scratch, to, depth);
        to += sumBytes;
      }
    }
  }
}

/**
 * Unpacks the weights of `step` rows from `row` on, blocks b..b + depth: by block, for each of its groups the splatted f32
 * scales (and minima), then columns.
 */
function unpack(d: usize, row: i32, step: i32, b: i32, depth: i32, dtype: i32): void {
  const blocks = load<i32>(d, 36);
  const numbers = groupsOf(dtype) << (hasMinima(dtype) ? 1 : 0);
  const split = ASC_FEATURE_RELAXED_SIMD && hasBytes(dtype);
  const vectors: usize = ASC_FEATURE_RELAXED_SIMD && !split ? 8 : 16;
  const stride = (<usize>step) << 4;
  const codesDType = codesAs(dtype);
  const codes = codesAt(codesDType);
  const high = highAt(codesDType);
  const hasHigh = codesDType === DTypeCode.q5m || codesDType === DTypeCode.q6m;
  const offset: i16 = dtype === DTypeCode.q4 ? 8 : 0;
  const unpackedBytes = stride * (vectors + <usize>numbers);
  const panel = load<u32>(d, 16) + <usize>(row / PANEL_ROWS) * panelBytes(blocks, dtype);
  const ofSuperBlock = scratch + UNPACKED_BYTES - FACTORS_BYTES;
  let to = scratch;
  for (let i = b; i < b + depth; i++) {
    const block = blockAt(panel, i, dtype);
    const k = i % SUPER_BLOCKS;
    if (hasSuperBlocks(dtype) && k === 0) unpackFactors(headerAt(panel, i, dtype), ofSuperBlock);
    const factors = ofSuperBlock + ((<usize>k) << 6);
    for (let r = row; r < row + step; r++) {
      const lane = r % PANEL_ROWS;
      let at = to + ((r - row) << 4);
      for (let k = 0; k < numbers; k++) {
        const factor = hasSuperBlocks(dtype)
          ? load<f32>(factors + (k << 5) + (lane << 2)) * X_SCALE
          : half(block + (k << 4) + (lane << 1));
        v128.store(at, f32x4.splat(factor));
        at += stride;
      }
      const from = block + (lane << 2);
      if (dtype === DTypeCode.q8) unpackQ8(from + codes, at, stride);
      else if (dtype === DTypeCode.q4nl) unpackLevels(from + codes, at, stride);
      else unpackNibbles(from + codes, at, stride, offset);
      if (hasHigh) addHighBits(from + high, at, stride, codesDType);
    }
    to += unpackedBytes;
  }
}

/** offset: what plain SIMD subtracts. */
// @inline
function unpackNibbles(from: usize, to: usize, stride: usize, offset: i16): void {
  if (ASC_FEATURE_RELAXED_SIMD) {
    const nibble = i8x16.splat(15);
    for (let g = 0; g < 4; g++) {
      const v = v128.load32_splat(from + (g << 5));
      v128.store(to, v128.and(v, nibble));
      v128.store(to + stride, v128.and(i16x8.shr_u(v, 4), nibble));
      to += stride * 2;
    }
  } else {
    const nibble = i16x8.splat(15);
    const offsets = i16x8.splat(offset);
    for (let g = 0; g < 4; g++) {
      const v = v128.load32_splat(from + (g << 5));
      v128.store(to, i16x8.sub(v128.and(v, nibble), offsets));
      v128.store(to + stride, i16x8.sub(v128.and(i16x8.shr_u(v, 4), nibble), offsets));
      v128.store(to + stride * 2, i16x8.sub(v128.and(i16x8.shr_u(v, 8), nibble), offsets));
      v128.store(to + stride * 3, i16x8.sub(i16x8.shr_u(v, 12), offsets));
      to += stride * 4;
    }
  }
}

/** Adds the upper bits of a row's codes to their unpacked lower ones. */
function addHighBits(from: usize, to: usize, stride: usize, dtype: i32): void {
  if (ASC_FEATURE_RELAXED_SIMD) {
    for (let k = 0; k < 8; k++) {
      v128.store(to, v128.or(v128.load(to), i32x4.splat(highBits4(from, k, dtype))));
      to += stride;
    }
  } else {
    for (let g = 0; g < 4; g++) {
      const first = highBits4(from, g << 1, dtype);
      const second = highBits4(from, (g << 1) + 1, dtype);
      v128.store(to, v128.or(v128.load(to), i32x4.splat(first & 0x00ff00ff)));
      v128.store(to + stride, v128.or(v128.load(to + stride), i32x4.splat(second & 0x00ff00ff)));
      to += stride * 2;
      v128.store(to, v128.or(v128.load(to), i32x4.splat((first >>> 8) & 0x00ff00ff)));
      v128.store(to + stride, v128.or(v128.load(to + stride), i32x4.splat((second >>> 8) & 0x00ff00ff)));
      to += stride * 2;
    }
  }
}

// @inline
function unpackQ8(from: usize, to: usize, stride: usize): void {
  if (ASC_FEATURE_RELAXED_SIMD) {
    const nibble = i8x16.splat(15);
    for (let g = 0; g < 8; g++) {
      const v = v128.load32_splat(from + (g << 5));
      v128.store(to, v128.and(v, nibble));
      v128.store(to + stride, v128.and(i16x8.shr_u(v, 4), nibble));
      to += stride * 2;
    }
  } else {
    const byte = i16x8.splat(255);
    const offset = i16x8.splat(128);
    for (let g = 0; g < 4; g++) {
      const v = v128.load32_splat(from + (g << 6));
      const u = v128.load32_splat(from + (g << 6), 32);
      v128.store(to, i16x8.sub(v128.and(v, byte), offset));
      v128.store(to + stride, i16x8.sub(v128.and(u, byte), offset));
      v128.store(to + stride * 2, i16x8.sub(i16x8.shr_u(v, 8), offset));
      v128.store(to + stride * 3, i16x8.sub(i16x8.shr_u(u, 8), offset));
      to += stride * 4;
    }
  }
}

/** The same as unpackQ8 for numbers of levels. */
// @inline
function unpackLevels(from: usize, to: usize, stride: usize): void {
  const levels = v128.load(LEVELS);
  const nibble = i8x16.splat(15);
  for (let g = 0; g < 4; g++) {
    const v = v128.load32_splat(from + (g << 5));
    const low = i8x16.swizzle(levels, v128.and(v, nibble));
    const high = i8x16.swizzle(levels, i8x16.shr_u(v, 4));
    if (ASC_FEATURE_RELAXED_SIMD) {
      const offset = i8x16.splat(-128);
      const first = v128.xor(low, offset);
      const second = v128.xor(high, offset);
      v128.store(to, v128.and(first, nibble));
      v128.store(to + stride, i8x16.shr_u(first, 4));
      v128.store(to + stride * 2, v128.and(second, nibble));
      v128.store(to + stride * 3, i8x16.shr_u(second, 4));
    } else {
      v128.store(to, i16x8.shr_s(i16x8.shl(low, 8), 8));
      v128.store(to + stride, i16x8.shr_s(i16x8.shl(high, 8), 8));
      v128.store(to + stride * 2, i16x8.shr_s(low, 8));
      v128.store(to + stride * 3, i16x8.shr_s(high, 8));
    }
    to += stride * 4;
  }
}

/** y[firstToken.., firstRow..] = sums (+ bias) (+ residual). */
function write(d: usize, firstRow: i32, count: i32, firstToken: i32, tokens: i32, dtype: i32): void {
  const out = load<i32>(d, 32);
  const residual: usize = load<u32>(d, 24);
  const bias: usize = load<u32>(d, 44);
  const step = rowsAtOnce(dtype);
  const tiles = (tokens + TILE_TOKENS - 1) / TILE_TOKENS;
  for (let t = 0; t < tokens; t++) {
    const at = (<usize>(firstToken + t) * <usize>out + <usize>firstRow) << 2;
    const y: usize = load<u32>(d, 20) + at;
    const lane = scratch + UNPACKED_BYTES + (((t / TILE_TOKENS) * step * TILE_TOKENS + (t % TILE_TOKENS)) << 2);
    for (let r = 0; r < count; r++) {
      const block = r / step;
      const value = load<f32>(lane + (((block * tiles * step + (r - block * step)) * TILE_TOKENS) << 2));
      store<f32>(y + (r << 2), value);
    }
    if (bias) addValues(y, bias + ((<usize>firstRow) << 2), count);
    if (residual) addValues(y, residual + at, count);
  }
}
