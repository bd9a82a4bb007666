import { scratch } from '../thread';
import { X_SCALE, half } from '../simd';
import { LEVELS } from '../levels';
import { DTypeCode, GROUP_VALUES, PANEL_ROWS, SUPER_BLOCKS } from '../opcodes';
import { blockAt, codes4, codesAs, groupsOf, hasMinima, hasSuperBlocks, headerAt, panelBytes } from './format';
import { unpackFactors } from './superBlocks';

/**
 * y[i] = table[ids[i]] * scale. y: (ids, cols) f32; table: (vocabulary, cols) in a weight's packed layout.
 * An item is an id. Words: 3 table, 4 ids (i32), 5 y, 6 cols, 7 dtype, 8 bytes per row (f32, f16),
 * 9 scale (f32). Thread scratch, for super-blocks: FACTORS_BYTES.
 */
export function embed(d: usize, from: i32, to: i32): void {
  const table: usize = load<u32>(d, 12);
  const cols = load<i32>(d, 24);
  const dtype = load<i32>(d, 28);
  const rowBytes: usize = load<u32>(d, 32);
  const scale = load<f32>(d, 36);
  for (let item = from; item < to; item++) {
    const id = load<i32>(load<u32>(d, 16) + ((<usize>item) << 2));
    const y: usize = load<u32>(d, 20) + <usize>item * ((<usize>cols) << 2);
    if (dtype === DTypeCode.f32) memory.copy(y, table + <usize>id * rowBytes, (<usize>cols) << 2);
    else if (dtype === DTypeCode.f16) {
      const row = table + <usize>id * rowBytes;
      for (let k = 0; k < cols; k++) store<f32>(y + ((<usize>k) << 2), half(row + ((<usize>k) << 1)));
    } else unpackRow(table, id, y, cols / GROUP_VALUES, dtype);
    if (scale !== 1) for (let k = 0; k < cols; k++) store<f32>(y + (k << 2), load<f32>(y + (k << 2)) * scale);
  }
}

function unpackRow(table: usize, id: i32, y: usize, blocks: i32, dtype: i32): void {
  const row = id % PANEL_ROWS;
  const columns = GROUP_VALUES / groupsOf(dtype);
  const offset = dtype === DTypeCode.q4 ? 8 : dtype === DTypeCode.q8 ? 128 : 0;
  const panel = table + <usize>(id / PANEL_ROWS) * panelBytes(blocks, dtype);
  for (let b = 0; b < blocks; b++) {
    const block = blockAt(panel, b, dtype);
    const factors = scratch + ((<usize>(b % SUPER_BLOCKS)) << 6) + (row << 2);
    if (hasSuperBlocks(dtype) && b % SUPER_BLOCKS === 0) unpackFactors(headerAt(panel, b, dtype), scratch);
    for (let i = 0; i < GROUP_VALUES; i += 4) {
      const group = block + ((<usize>(i / columns)) << 5) + (row << 1);
      const scale = hasSuperBlocks(dtype) ? load<f32>(factors) * X_SCALE : half(group);
      const codes = codes4(block + (row << 2), i >> 2, codesAs(dtype));
      for (let k = 0; k < 4; k++) {
        const code = (codes >>> (k << 3)) & 255;
        const level = dtype === DTypeCode.q4nl ? <i32>load<i8>(LEVELS + <usize>code) : code - offset;
        let value = scale * <f32>level;
        if (hasSuperBlocks(dtype)) value += load<f32>(factors, 32) * X_SCALE;
        else if (hasMinima(dtype)) value += half(group + 16);
        store<f32>(y + ((i + k) << 2), value);
      }
    }
    y += 128;
  }
}
