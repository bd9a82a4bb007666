import { putBytes } from './format';
import { highNibbles, largestWith, limitOf, lowNibbles, putTwice, wide } from './movedBlock';
import { moveQ4_K, moveQ5_K, moveQ6_K } from './moveSuperBlocks';
import { DTypeCode, PANEL_ROWS, Q4M_BLOCK_BYTES, Q4_BLOCK_BYTES, Q8_BLOCK_BYTES, StoredCode } from '../opcodes';

/**
 * Rows whose blocks hold what their panel holds, in another order: they are moved without being unpacked. Each function
 * takes the stored row, the address of its panel, its number there, and the largest magnitude so far, and returns the
 * largest one with this row's, Infinity where a factor is not finite.
 */

/** Whether moveRow packs stored rows of this type in this format. */
export function isMoved(stored: i32, dtype: i32): bool {
  return (
    (stored === StoredCode.Q4_0 && dtype === DTypeCode.q4) ||
    (stored === StoredCode.Q4_1 && dtype === DTypeCode.q4m) ||
    (stored === StoredCode.Q8_0 && dtype === DTypeCode.q8) ||
    (stored === StoredCode.Q4_K && (dtype === DTypeCode.q4k || dtype === DTypeCode.q5k)) ||
    (stored === StoredCode.Q5_K && dtype === DTypeCode.q5k) ||
    (stored === StoredCode.Q6_K && dtype === DTypeCode.q6m)
  );
}

/** blocks: of 32 values in the row. */
export function moveRow(from: usize, stored: i32, blocks: i32, panel: usize, row: i32, dtype: i32, largest: f32): f32 {
  if (stored === StoredCode.Q4_0) return moveQ4_0(from, blocks, panel, row, largest);
  if (stored === StoredCode.Q4_1) return moveQ4_1(from, blocks, panel, row, largest);
  if (stored === StoredCode.Q8_0) return moveQ8_0(from, blocks, panel, row, largest);
  if (stored === StoredCode.Q4_K) return moveQ4_K(from, blocks, panel, row, dtype, largest);
  if (stored === StoredCode.Q5_K) return moveQ5_K(from, blocks, panel, row, largest);
  return moveQ6_K(from, blocks, panel, row, largest);
}

/**
 * A whole panel of Q4_0, of rows that are `rowBytes` apart: its vectors are stored as wholes, in a third of the time that
 * eight rows take one by one.
 */
export function movePanelQ4_0(from: usize, rowBytes: usize, blocks: i32, panel: usize, largest: f32): f32 {
  let limit = halfBelow(largest / 8);
  for (let b = 0; b < blocks; b++) {
    let scales = i16x8.splat(0);
    let at = from;
    scales = v128.load_lane<u16>(at, scales, 0);
    scales = v128.load_lane<u16>((at += rowBytes), scales, 1);
    scales = v128.load_lane<u16>((at += rowBytes), scales, 2);
    scales = v128.load_lane<u16>((at += rowBytes), scales, 3);
    scales = v128.load_lane<u16>((at += rowBytes), scales, 4);
    scales = v128.load_lane<u16>((at += rowBytes), scales, 5);
    scales = v128.load_lane<u16>((at += rowBytes), scales, 6);
    scales = v128.load_lane<u16>((at += rowBytes), scales, 7);
    v128.store(panel, scales);
    putFourRows(from + 2, rowBytes, panel + 16);
    putFourRows(from + 2 + (rowBytes << 2), rowBytes, panel + 32);
    if (v128.any_true(i16x8.gt_u(v128.and(scales, i16x8.splat(0x7fff)), i16x8.splat(<i16>limit)))) {
      for (let row = 0; row < PANEL_ROWS; row++) {
        const block = from + <usize>row * rowBytes;
        if (magnitude(block) <= limit) continue;
        largest = largestWith(block, 32, StoredCode.Q4_0, 32, -8, 7, largest);
        limit = halfBelow(largest / 8);
      }
    }
    from += 18;
    panel += Q4_BLOCK_BYTES;
  }
  return largest;
}

/**
 * The bits of a finite f16 that is at most `value`, and the largest such where `value` is a normal f16: products of f16 scales
 * and codes are exact, so a block whose scale is not above largest / code holds nothing larger.
 */
// @inline
function halfBelow(value: f32): i32 {
  return min(max(<i32>reinterpret<u32>(value) - 0x38000000, 0) >> 13, 0x7bff);
}

/** The bits of an f16 without its sign, which compare like magnitudes. */
// @inline
function magnitude(half: usize): i32 {
  return (<i32>load<u16>(half)) & 0x7fff;
}

/** The 32 codes of a block of 4 bits in each of four rows. */
// @inline
function putFourRows(codes: usize, rowBytes: usize, to: usize): void {
  const a = v128.load(codes);
  const b = v128.load(codes + rowBytes);
  const c = v128.load(codes + rowBytes * 2);
  const d = v128.load(codes + rowBytes * 3);
  let ab = v128.shuffle<i32>(a, b, 0, 4, 1, 5);
  let cd = v128.shuffle<i32>(c, d, 0, 4, 1, 5);
  let even = v128.shuffle<i32>(ab, cd, 0, 1, 4, 5);
  let odd = v128.shuffle<i32>(ab, cd, 2, 3, 6, 7);
  v128.store(to, lowNibbles(even, odd));
  v128.store(to, highNibbles(even, odd), 64);
  ab = v128.shuffle<i32>(a, b, 2, 6, 3, 7);
  cd = v128.shuffle<i32>(c, d, 2, 6, 3, 7);
  even = v128.shuffle<i32>(ab, cd, 0, 1, 4, 5);
  odd = v128.shuffle<i32>(ab, cd, 2, 3, 6, 7);
  v128.store(to, lowNibbles(even, odd), 32);
  v128.store(to, highNibbles(even, odd), 96);
}

function moveQ4_0(from: usize, blocks: i32, panel: usize, row: i32, largest: f32): f32 {
  let limit = halfBelow(largest / 8);
  for (let b = 0; b < blocks; b++) {
    store<u16>(panel + ((<usize>row) << 1), load<u16>(from));
    putNibbles(from + 2, panel + 16 + ((<usize>row) << 2));
    if (magnitude(from) > limit) {
      largest = largestWith(from, 32, StoredCode.Q4_0, 32, -8, 7, largest);
      limit = halfBelow(largest / 8);
    }
    from += 18;
    panel += Q4_BLOCK_BYTES;
  }
  return largest;
}

function moveQ4_1(from: usize, blocks: i32, panel: usize, row: i32, largest: f32): f32 {
  let limit = limitOf(largest);
  for (let b = 0; b < blocks; b++) {
    const factors = panel + ((<usize>row) << 1);
    store<u16>(factors, load<u16>(from));
    store<u16>(factors, load<u16>(from, 2), 16);
    putNibbles(from + 4, panel + 32 + ((<usize>row) << 2));
    const minimum = wide(from + 2);
    if (max(abs(minimum), abs(wide(from) * 15 + minimum)) > limit) {
      largest = largestWith(from, 32, StoredCode.Q4_1, 32, 0, 15, largest);
      limit = limitOf(largest);
    }
    from += 20;
    panel += Q4M_BLOCK_BYTES;
  }
  return largest;
}

function moveQ8_0(from: usize, blocks: i32, panel: usize, row: i32, largest: f32): f32 {
  let limit = halfBelow(largest / 127);
  let limitOfLowest = halfBelow(largest / 128);
  const lowest = i8x16.splat(-128);
  for (let b = 0; b < blocks; b++) {
    store<u16>(panel + ((<usize>row) << 1), load<u16>(from));
    const to = panel + 16 + ((<usize>row) << 2);
    const first = v128.load(from, 2);
    const second = v128.load(from, 18);
    putBytes(v128.xor(first, lowest), v128.xor(second, lowest), to);
    const scale = magnitude(from);
    // Most writers use no code of -128.
    if (scale > limitOfLowest && (scale > limit || hasAny(first, second, lowest))) {
      largest = largestWith(from, 32, StoredCode.Q8_0, 32, -128, 127, largest);
      limit = halfBelow(largest / 127);
      limitOfLowest = halfBelow(largest / 128);
    }
    from += 34;
    panel += Q8_BLOCK_BYTES;
  }
  return largest;
}

/** Whether a byte of one of two vectors is that of `value`. */
// @inline
function hasAny(first: v128, second: v128, value: v128): bool {
  return v128.any_true(v128.or(i8x16.eq(first, value), i8x16.eq(second, value)));
}

/** Puts the 32 codes of a block of 4 bits, of which `codes` is the address. */
// @inline
function putNibbles(codes: usize, to: usize): void {
  const v = v128.load(codes);
  const even = v128.shuffle<i32>(v, v, 0, 2, 0, 2);
  const odd = v128.shuffle<i32>(v, v, 1, 3, 1, 3);
  putTwice(lowNibbles(even, odd), to);
  putTwice(highNibbles(even, odd), to + 64);
}
