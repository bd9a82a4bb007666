import { scratch } from '../thread';
import { FACTORS_BYTES, PANEL_ROWS, SUPER_BLOCKS, SUPER_HEADER_BYTES, SUPER_STREAMS } from '../opcodes';
import { panels } from '../panels';
import { rows2, rows4 } from '../rows';
import { X_BYTES, blockBytes } from './format';
import { unpackFactors } from './superBlocks';

/**
 * matvecQ for formats of super-blocks: the factors of a super-block of each stream are unpacked to the thread's scratch
 * before its blocks are multiplied. Addresses are computed step by step: in the inner loops, calls would take longer than
 * products.
 */

/**
 * Blocks of a turn of one row. With 8 streams instead of matvecQ's 4, the hardware has prefetched more of a super-block
 * when its turn comes; tuned on a Xeon of 2023.
 */
const TURN_BLOCKS = 4;
const SUM_BYTES: usize = PANEL_ROWS * 4;
/** Where sums begin in the thread's scratch: after the factors. */
export const SUMS: usize = SUPER_STREAMS * FACTORS_BYTES;
/** Where the first block begins for the kernels, which skip the scales and minima that it lacks. */
const FIRST_BLOCK: usize = SUPER_HEADER_BYTES - 32;

/** One row: two panels at a time. */
export function oneRowOfSuperBlocks(w: usize, x: usize, blocks: i32, count: i32, dtype: i32): void {
  const bytes = superBlockBytes(dtype);
  const panel = <usize>(blocks / SUPER_BLOCKS) * bytes;
  const each = count / SUPER_STREAMS;
  for (let i = 0; i < each; i++) {
    addPanels(
      w + <usize>i * panel,
      x,
      blocks,
      scratch + SUMS + <usize>i * SUM_BYTES,
      SUPER_STREAMS,
      <usize>each * panel,
      <usize>each * SUM_BYTES,
      dtype,
    );
  }
  for (let i = each * SUPER_STREAMS; i < count; i += 2) {
    // A panel without a partner is paired with itself; both halves add the same sums to values that are still zero.
    const hasPartner = i + 1 < count;
    addPanels(
      w + <usize>i * panel,
      x,
      blocks,
      scratch + SUMS + <usize>i * SUM_BYTES,
      2,
      hasPartner ? panel : 0,
      hasPartner ? SUM_BYTES : 0,
      dtype,
    );
  }
}

/** Adds the products of one row to the sums of `streams` (even) panels, `stream` bytes apart, their sums `yStream`. */
function addPanels(
  w: usize,
  x: usize,
  blocks: i32,
  y: usize,
  streams: i32,
  stream: usize,
  yStream: usize,
  dtype: i32,
): void {
  const turn = blockBytes(dtype) * TURN_BLOCKS;
  for (let b = 0; b < blocks; b += SUPER_BLOCKS) {
    let at = w + FIRST_BLOCK;
    for (let k = 0; k < SUPER_BLOCKS; k += TURN_BLOCKS) {
      for (let s = 0; s < streams; s += 2) {
        if (k === 0) {
          const first = w + <usize>s * stream;
          unpackFactors(first, scratch + <usize>s * FACTORS_BYTES);
          unpackFactors(first + stream, scratch + <usize>(s + 1) * FACTORS_BYTES);
        }
        const one = at + <usize>s * stream;
        const yOne = y + <usize>s * yStream;
        const factors = scratch + <usize>s * FACTORS_BYTES + ((<usize>k) << 6);
        panels(dtype, one, one + stream, factors, x, yOne, yOne + yStream, TURN_BLOCKS);
      }
      at += turn;
      x += X_BYTES * TURN_BLOCKS;
    }
    w = at - FIRST_BLOCK + SUPER_HEADER_BYTES;
  }
}

/** Several rows: each super-block is read, and its factors are unpacked, once for all of them. */
export function severalRowsOfSuperBlocks(w: usize, x: usize, rows: i32, blocks: i32, count: i32, dtype: i32): void {
  const bytes = superBlockBytes(dtype);
  const panel = <usize>(blocks / SUPER_BLOCKS) * bytes;
  const each = rows <= 4 ? 0 : count / SUPER_STREAMS;
  const xBytes = <usize>blocks * X_BYTES;
  const yBytes = <usize>count * SUM_BYTES;
  for (let i = 0; i < count; i++) {
    // Of the panels that are read as streams, the first ones stand for all.
    if (i >= each && i < each * SUPER_STREAMS) continue;
    const streams = i < each ? SUPER_STREAMS : 1;
    let at = w + <usize>i * panel;
    for (let b = 0; b < blocks; b += SUPER_BLOCKS) {
      for (let s = 0; s < streams; s++) {
        const y = scratch + SUMS + <usize>(i + s * each) * SUM_BYTES;
        addRows(at + <usize>(s * each) * panel, x + <usize>b * X_BYTES, rows, xBytes, y, yBytes, dtype);
      }
      at += bytes;
    }
  }
}

/** Adds the products of a super-block with all rows of x. */
function addRows(w: usize, x: usize, rows: i32, xBytes: usize, y: usize, yBytes: usize, dtype: i32): void {
  unpackFactors(w, scratch);
  w += FIRST_BLOCK;
  for (let row = 0; row < rows; row += 4) {
    // Rows past the last are computed with the values of the row before; their sums are never read.
    const x1 = row + 1 < rows ? x + xBytes : x;
    if (row + 2 >= rows) rows2(dtype, w, scratch, x, x1, y, yBytes, SUPER_BLOCKS);
    else {
      const x2 = x1 + xBytes;
      rows4(dtype, w, scratch, x, x1, x2, row + 3 < rows ? x2 + xBytes : x2, y, yBytes, SUPER_BLOCKS);
    }
    x += xBytes << 2;
    y += yBytes << 2;
  }
}

// @inline
function superBlockBytes(dtype: i32): usize {
  return SUPER_HEADER_BYTES + SUPER_BLOCKS * blockBytes(dtype);
}
