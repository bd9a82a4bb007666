import { packRow } from './packRow';
import { DTypeCode, PANEL_ROWS, Q4_BLOCK_BYTES, Q8_BLOCK_BYTES } from './opcodes';

/**
 * Packs rows of weights into their panels. An item is a row. Words: 3 values (rows, blocks * 32) f32, 4 packed weights,
 * 5 number of the first row, 6 blocks per row, 7 dtype.
 */
export function packRows(d: usize, from: i32, to: i32): void {
  const blocks = load<i32>(d, 24);
  const q4 = load<i32>(d, 28) == DTypeCode.q4;
  const panelBytes = <usize>blocks * (q4 ? Q4_BLOCK_BYTES : Q8_BLOCK_BYTES);
  for (let item = from; item < to; item++) {
    const row = load<i32>(d, 20) + item;
    const panel: usize = load<u32>(d, 16) + <usize>(row / PANEL_ROWS) * panelBytes;
    packRow(load<u32>(d, 12) + ((<usize>item * blocks) << 7), blocks, panel, row % PANEL_ROWS, q4);
  }
}
