import { scratch } from '../thread';
import { SUM_SCALE, addValues, scaleValues } from '../simd';
import { DTypeCode, PANEL_ROWS } from '../opcodes';
import { panels } from '../panels';
import { rows2, rows4 } from '../rows';
import { X_BYTES, blockBytes, hasSuperBlocks, panelBytes } from './format';
import { SUMS, oneRowOfSuperBlocks, severalRowsOfSuperBlocks } from './matvecSuperBlocks';

/**
 * Number of weight streams read in turn, and of groups read from each, so that the hardware prefetches several places at
 * once. Tuned on an EPYC of 2024 (Zen 5) for more than four rows, on a Xeon of 2023 for one.
 */
const STREAMS = 4;
const STREAM_BLOCKS = 4;
const STREAM_BLOCKS_Q8 = 8;

/**
 * y = x w^T + bias + residual for few rows of x: y[m, n] = sum over groups g of scale_x[m,g] (scale_w[n,g] sum_i q_x q_w +
 * minimum_w[n,g] sum_i q_x), the inner sums exact in i32. x: quantised (see quantise.ts), w: (out, in) in panels of 8
 * rows, y, residual: (rows, out).
 *
 * Panel layout, by block of 32 columns: 8 f16 scales; with minima 8 f16 minima (q6m: both for the first, then for the last
 * 16 columns); then vectors of 4 rows (a row per 32-bit lane), rows 0-3 then 4-7:
 * q4, q4m: 4 pairs of vectors; byte j of a lane of pair g holds the code of column 8g+j (low nibble) and 8g+4+j (high),
 * q4's plus 8.
 * q4nl: the same with the numbers of the levels.
 * q5m: a pair with bit 4 of the codes, bit k of byte j for column 4k+j, then the lower bits as q4m.
 * q6m: two pairs with bits 4 and 5, bits 2k and 2k+1 of byte j for column 4k+j of 16, then the lower bits as q4m.
 * q8: 8 pairs; byte j of pair g holds the code of column 4g+j plus 128.
 * q4k, q5k: codes as q4m and q5m, in super-blocks of 8 blocks (see superBlocks.ts).
 *
 * A row's result is bit-for-bit the same, however many rows there are.
 *
 * An item is a panel. Words: 3 x, 4 w, 5 y, 6 residual or 0, 7 rows, 8 out, 9 blocks per row, 10 bias or 0, 11 dtype of
 * w. Thread scratch: factors of super-blocks, then sums times 2^-48 (of super-blocks: as they are), (rows, panels of a
 * grain, 8) f32; several rows rounded up to a multiple of 4.
 */
export function matvecQ(d: usize, from: i32, to: i32): void {
  const dtype = load<i32>(d, 44);
  const rows = load<i32>(d, 28);
  const blocks = load<i32>(d, 36);
  const w = load<u32>(d, 16) + <usize>from * panelBytes(blocks, dtype);
  const x: usize = load<u32>(d, 12);
  const sumBytes = <usize>(to - from) * (PANEL_ROWS * 4);
  memory.fill(scratch + SUMS, 0, sumBytes * (rows === 1 ? 1 : (rows + 3) & ~3));
  if (hasSuperBlocks(dtype)) {
    if (rows === 1) oneRowOfSuperBlocks(w, x, blocks, to - from, dtype);
    else severalRowsOfSuperBlocks(w, x, rows, blocks, to - from, dtype);
  } else if (rows === 1) oneRow(w, x, blocks, to - from, dtype);
  else severalRows(w, x, rows, blocks, to - from, dtype);
  for (let row = 0; row < rows; row++) writePanels(d, scratch + SUMS + <usize>row * sumBytes, row, from, to, dtype);
}

/**
 * Several rows: each group of weights is read once and stays in the L1 cache for all of them. Up to four rows are
 * computed at once, panel after panel, which suits the hardware prefetcher. With more rows, computing is slow compared
 * with memory, and four alternating streams are prefetched better.
 */
function severalRows(w: usize, x: usize, rows: i32, blocks: i32, panels: i32, dtype: i32): void {
  const each = rows <= 4 ? 0 : panels / STREAMS;
  const step = dtype === DTypeCode.q8 ? STREAM_BLOCKS_Q8 : STREAM_BLOCKS;
  for (let i = 0; i < each; i++) {
    for (let b = 0; b < blocks; b += step) {
      const count = min(step, blocks - b);
      for (let s = 0; s < STREAMS; s++) addPanel(w, x, rows, blocks, panels, s * each + i, b, count, dtype);
    }
  }
  for (let panel = each * STREAMS; panel < panels; panel++) {
    addPanel(w, x, rows, blocks, panels, panel, 0, blocks, dtype);
  }
}

/** Adds the products of `count` groups, from group `b` on, to a panel's sums. */
function addPanel(
  w: usize,
  x: usize,
  rows: i32,
  blocks: i32,
  panels: i32,
  panel: i32,
  b: i32,
  count: i32,
  dtype: i32,
): void {
  const wBlock = blockBytes(dtype);
  const xBytes = <usize>blocks * X_BYTES;
  const yBytes = <usize>panels * (PANEL_ROWS * 4);
  const wAt = w + <usize>(panel * blocks + b) * wBlock;
  for (let row = 0; row < rows; row += 4) {
    const y = scratch + SUMS + <usize>row * yBytes + <usize>panel * (PANEL_ROWS * 4);
    // Rows past the last are computed with the values of the row before; their sums are never read.
    const x0 = x + <usize>row * xBytes + <usize>b * X_BYTES;
    const x1 = row + 1 < rows ? x0 + xBytes : x0;
    if (row + 2 >= rows) {
      rows2(dtype, wAt, 0, x0, x1, y, yBytes, count);
    } else {
      const x2 = x1 + xBytes;
      const x3 = row + 3 < rows ? x2 + xBytes : x2;
      rows4(dtype, wAt, 0, x0, x1, x2, x3, y, yBytes, count);
    }
  }
}

/** One row: two panels at a time, of streams that are read in turn. */
function oneRow(w: usize, x: usize, blocks: i32, count: i32, dtype: i32): void {
  const each = count / STREAMS;
  for (let i = 0; i < each; i++) {
    for (let b = 0; b < blocks; b += STREAM_BLOCKS) {
      const groups = min(STREAM_BLOCKS, blocks - b);
      for (let s = 0; s < STREAMS; s += 2) {
        addTwoPanels(w, x, blocks, s * each + i, (s + 1) * each + i, b, groups, dtype);
      }
    }
  }
  // A panel without a partner is paired with itself; both halves add the same sums to values that are still zero.
  for (let panel = each * STREAMS; panel < count; panel += 2) {
    addTwoPanels(w, x, blocks, panel, min(panel + 1, count - 1), 0, blocks, dtype);
  }
}

/** Adds the products of one row with `count` groups, from group `b` on, to the sums of two panels. */
function addTwoPanels(w: usize, x: usize, blocks: i32, one: i32, other: i32, b: i32, count: i32, dtype: i32): void {
  const bytes = blockBytes(dtype);
  panels(
    dtype,
    w + <usize>(one * blocks + b) * bytes,
    w + <usize>(other * blocks + b) * bytes,
    0,
    x + <usize>b * X_BYTES,
    scratch + SUMS + <usize>one * (PANEL_ROWS * 4),
    scratch + SUMS + <usize>other * (PANEL_ROWS * 4),
    count,
  );
}

function writePanels(d: usize, sums: usize, row: i32, from: i32, to: i32, dtype: i32): void {
  const out = load<i32>(d, 32);
  const residual: usize = load<u32>(d, 24);
  const bias: usize = load<u32>(d, 40);
  const column = from * PANEL_ROWS;
  const count = min(out, to * PANEL_ROWS) - column;
  const at = (<usize>row * <usize>out + <usize>column) << 2;
  const y: usize = load<u32>(d, 20) + at;
  scaleValues(sums, y, count, hasSuperBlocks(dtype) ? 1 : SUM_SCALE);
  if (bias) addValues(y, bias + ((<usize>column) << 2), count);
  if (residual) addValues(y, residual + at, count);
}
