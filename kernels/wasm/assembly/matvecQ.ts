import { scratch } from './thread';
import { addValues } from './simd';
import { PANEL_ROWS, Q4_BLOCK_BYTES, Q8_BLOCK_BYTES } from './opcodes';
import { panelsQ4, panelsQ8 } from './panels';

/** Streams of weights read side by side, and groups taken from each in turn: keeps the memory system busy. */
const STREAMS = 8;
const STREAM_BLOCKS = 4;

/**
 * y = x w^T + bias + residual for few rows of x: y[m, n] = sum over groups g of scale_x[m,g] scale_w[n,g] sum_i q_x q_w, the
 * inner sum exact in i32. x: quantised (see quantise.ts), w: (out, in) in panels of 8 rows, y, residual: (rows, out).
 *
 * Panel layout, by group of 32 columns: 8 f16 scales, then vectors of 4 rows (a row per 32-bit lane), rows 0-3 then 4-7.
 * q4: 4 pairs of vectors; byte j of a lane of pair g holds q + 8 of column 8g+j (low nibble) and 8g+4+j (high).
 * q8: 8 pairs; byte j of pair g holds q + 128 of column 4g+j.
 *
 * An item is a panel. Words: 3 x, 4 w, 5 y, 6 residual or 0, 7 rows, 8 out, 9 groups per row, 10 bias or 0. Thread
 * scratch: 8 f32 per panel of a grain.
 */
export function matvecQ(d: usize, from: i32, to: i32, q4: bool): void {
  const rows = load<i32>(d, 28);
  const blocks = load<i32>(d, 36);
  const xBytes = <usize>blocks * (ASC_FEATURE_RELAXED_SIMD ? 40 : 72);
  const panelBytes = <usize>blocks * (q4 ? Q4_BLOCK_BYTES : Q8_BLOCK_BYTES);
  const w = load<u32>(d, 16) + <usize>from * panelBytes;
  for (let row = 0; row < rows; row++) {
    const x = load<u32>(d, 12) + <usize>row * xBytes;
    memory.fill(scratch, 0, <usize>(to - from) * (PANEL_ROWS * 4));
    streams(w, x, blocks, to - from, panelBytes, q4);
    writePanels(d, row, from, to);
  }
}

function streams(w: usize, x: usize, blocks: i32, panels: i32, panelBytes: usize, q4: bool): void {
  const xBlock: usize = ASC_FEATURE_RELAXED_SIMD ? 40 : 72;
  const wBlock: usize = q4 ? Q4_BLOCK_BYTES : Q8_BLOCK_BYTES;
  const each = panels / STREAMS;
  for (let i = 0; i < each; i++) {
    for (let b = 0; b < blocks; b += STREAM_BLOCKS) {
      const count = min(STREAM_BLOCKS, blocks - b);
      const xAt = x + <usize>b * xBlock;
      for (let s = 0; s < STREAMS; s += 2) {
        const panel = s * each + i;
        const wAt = w + <usize>panel * panelBytes + <usize>b * wBlock;
        const y = scratch + <usize>panel * (PANEL_ROWS * 4);
        const other = <usize>each;
        if (q4) panelsQ4(wAt, wAt + other * panelBytes, xAt, y, y + other * (PANEL_ROWS * 4), count);
        else panelsQ8(wAt, wAt + other * panelBytes, xAt, y, y + other * (PANEL_ROWS * 4), count);
      }
    }
  }
  for (let panel = each * STREAMS; panel < panels; panel += 2) {
    const wAt = w + <usize>panel * panelBytes;
    const y = scratch + <usize>panel * (PANEL_ROWS * 4);
    // A last odd panel is its own partner; both halves add the same sums to what is still zero.
    const alone = panel + 1 == panels;
    const wOther = alone ? wAt : wAt + panelBytes;
    const yOther = alone ? y : y + PANEL_ROWS * 4;
    if (q4) panelsQ4(wAt, wOther, x, y, yOther, blocks);
    else panelsQ8(wAt, wOther, x, y, yOther, blocks);
  }
}

function writePanels(d: usize, row: i32, from: i32, to: i32): void {
  const out = load<i32>(d, 32);
  const residual: usize = load<u32>(d, 24);
  const bias: usize = load<u32>(d, 40);
  const column = from * PANEL_ROWS;
  const count = min(out, to * PANEL_ROWS) - column;
  const at = (<usize>row * <usize>out + <usize>column) << 2;
  const y: usize = load<u32>(d, 20) + at;
  memory.copy(y, scratch, (<usize>count) << 2);
  if (bias) addValues(y, bias + ((<usize>column) << 2), count);
  if (residual) addValues(y, residual + at, count);
}
