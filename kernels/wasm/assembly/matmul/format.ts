import {
  DTypeCode,
  Q4K_BLOCK_BYTES,
  Q4M_BLOCK_BYTES,
  Q4_BLOCK_BYTES,
  Q5K_BLOCK_BYTES,
  Q5M_BLOCK_BYTES,
  Q6M_BLOCK_BYTES,
  Q8_BLOCK_BYTES,
  SUPER_BLOCKS,
  SUPER_HEADER_BYTES,
  TILE_BYTES_PLAIN,
  TILE_BYTES_RELAXED,
  X_BYTES_PLAIN,
  X_BYTES_RELAXED,
} from '../opcodes';

/** Where things lie in a panel's block of 32 columns (layout: matvecQ.ts), and in activations. */

export const X_BYTES: usize = ASC_FEATURE_RELAXED_SIMD ? X_BYTES_RELAXED : X_BYTES_PLAIN;
export const TILE_BYTES: usize = ASC_FEATURE_RELAXED_SIMD ? TILE_BYTES_RELAXED : TILE_BYTES_PLAIN;
/** Where the values of a tile begin. */
export const TILE_HEADER: usize = 64;

// @inline
export function hasMinima(dtype: i32): bool {
  return dtype === DTypeCode.q4m || dtype === DTypeCode.q5m || dtype === DTypeCode.q6m || hasSuperBlocks(dtype);
}

/** Groups of a block that have a scale of their own. */
// @inline
export function groupsOf(dtype: i32): i32 {
  return dtype === DTypeCode.q6m ? 2 : 1;
}

export function blockBytes(dtype: i32): usize {
  if (dtype === DTypeCode.q4 || dtype === DTypeCode.q4nl) return Q4_BLOCK_BYTES;
  if (dtype === DTypeCode.q8) return Q8_BLOCK_BYTES;
  if (dtype === DTypeCode.q4m) return Q4M_BLOCK_BYTES;
  if (dtype === DTypeCode.q4k) return Q4K_BLOCK_BYTES;
  if (dtype === DTypeCode.q5k) return Q5K_BLOCK_BYTES;
  return dtype === DTypeCode.q5m ? Q5M_BLOCK_BYTES : Q6M_BLOCK_BYTES;
}

// @inline
export function hasSuperBlocks(dtype: i32): bool {
  return dtype === DTypeCode.q4k || dtype === DTypeCode.q5k;
}

/** The format whose blocks have the same codes, in formats of super-blocks one that has its scales and minima in them. */
// @inline
export function codesAs(dtype: i32): i32 {
  return dtype === DTypeCode.q4k ? DTypeCode.q4m : dtype === DTypeCode.q5k ? DTypeCode.q5m : dtype;
}

/** Bytes of a panel of so many blocks. */
export function panelBytes(blocks: i32, dtype: i32): usize {
  const bytes = <usize>blocks * blockBytes(dtype);
  return hasSuperBlocks(dtype) ? bytes + <usize>(blocks / SUPER_BLOCKS) * SUPER_HEADER_BYTES : bytes;
}

/**
 * Where block `b` of a panel begins. In formats of super-blocks it is 32 bytes before its codes, which so have the place
 * that they have in the format that codesAs() names.
 */
export function blockAt(panel: usize, b: i32, dtype: i32): usize {
  if (!hasSuperBlocks(dtype)) return panel + <usize>b * blockBytes(dtype);
  return headerAt(panel, b, dtype) + SUPER_HEADER_BYTES - 32 + <usize>(b % SUPER_BLOCKS) * blockBytes(dtype);
}

/** Where the super-block of block `b` of a panel begins. */
export function headerAt(panel: usize, b: i32, dtype: i32): usize {
  return panel + panelBytes(b - (b % SUPER_BLOCKS), dtype);
}

/** Where the upper bits of codes begin: after the scales and minima. Without upper bits, the codes begin there. */
// @inline
export function highAt(dtype: i32): usize {
  return (<usize>groupsOf(dtype)) << (hasMinima(dtype) ? 5 : 4);
}

/** Where codes, or their lower four bits, begin. */
// @inline
export function codesAt(dtype: i32): usize {
  return highAt(dtype) + (dtype === DTypeCode.q5m ? 32 : dtype === DTypeCode.q6m ? 64 : 0);
}

/**
 * The codes of columns 4k..4k+3 as bytes, unsigned (q4's plus 8, q8's plus 128, the numbers of q4nl's levels). row: address of the block plus 4 times the
 * row's number in the panel.
 */
export function codes4(row: usize, k: i32, dtype: i32): i32 {
  if (dtype === DTypeCode.q8) return load<i32>(row + codesAt(dtype) + ((<usize>k) << 5));
  const low = (load<i32>(row + codesAt(dtype) + ((<usize>(k >> 1)) << 5)) >>> ((k & 1) << 2)) & 0x0f0f0f0f;
  if (dtype !== DTypeCode.q5m && dtype !== DTypeCode.q6m) return low;
  return low | highBits4(row + highAt(dtype), k, dtype);
}

/** The upper bits of the same codes in their places. high: address of the row's upper bits in the block. */
// @inline
export function highBits4(high: usize, k: i32, dtype: i32): i32 {
  if (dtype === DTypeCode.q5m) return ((load<i32>(high) >>> k) & 0x01010101) << 4;
  return ((load<i32>(high + ((<usize>(k >> 2)) << 5)) >>> ((k & 3) << 1)) & 0x03030303) << 4;
}

/** Puts 32 codes, one byte each, as codes4 returns them, in their places. row: as above. */
export function putBlock(codes: usize, row: usize, dtype: i32): void {
  if (dtype === DTypeCode.q8) putBytes(v128.load(codes), v128.load(codes, 16), row + codesAt(dtype));
  else if (dtype !== DTypeCode.q5m && dtype !== DTypeCode.q6m) {
    putNibbles(v128.load(codes), v128.load(codes, 16), row + codesAt(dtype));
  } else {
    for (let g = 0; g < 4; g++) {
      const at = codes + ((<usize>g) << 3);
      putCodes8(row, g, load<i32>(at), load<i32>(at, 4), dtype);
    }
  }
}

/** 32 bytes. */
// @inline
export function putBytes(first: v128, second: v128, to: usize): void {
  v128.store32_lane(to, first, 0);
  v128.store32_lane(to, first, 1, 32);
  v128.store32_lane(to, first, 2, 64);
  v128.store32_lane(to, first, 3, 96);
  v128.store32_lane(to, second, 0, 128);
  v128.store32_lane(to, second, 1, 160);
  v128.store32_lane(to, second, 2, 192);
  v128.store32_lane(to, second, 3, 224);
}

/** Columns 8g..8g+3 in the low and 8g+4..8g+7 in the high four bits. */
// @inline
function putNibbles(first: v128, second: v128, to: usize): void {
  const low = v128.shuffle<i32>(first, second, 0, 2, 4, 6);
  const high = v128.shuffle<i32>(first, second, 1, 3, 5, 7);
  const pairs = v128.or(low, i8x16.shl(high, 4));
  v128.store32_lane(to, pairs, 0);
  v128.store32_lane(to, pairs, 1, 32);
  v128.store32_lane(to, pairs, 2, 64);
  v128.store32_lane(to, pairs, 3, 96);
}

/** Puts the codes of columns 8g..8g+7 of q5m or q6m, in two i32 as codes4 returns them; g in order from 0. */
function putCodes8(row: usize, g: i32, first: i32, second: i32, dtype: i32): void {
  const to = row + codesAt(dtype) + ((<usize>g) << 5);
  store<i32>(to, (first & 0x0f0f0f0f) | ((second & 0x0f0f0f0f) << 4));
  if (dtype === DTypeCode.q5m) {
    const high = row + highAt(dtype);
    const bits = ((first >>> 4) & 0x01010101) | (((second >>> 4) & 0x01010101) << 1);
    store<i32>(high, (g === 0 ? 0 : load<i32>(high)) | (bits << (g << 1)));
  } else {
    const high = row + highAt(dtype) + ((<usize>(g >> 1)) << 5);
    const bits = ((first >>> 4) & 0x03030303) | (((second >>> 4) & 0x03030303) << 2);
    store<i32>(high, (g & 1 ? load<i32>(high) : 0) | (bits << ((g & 1) << 2)));
  }
}
