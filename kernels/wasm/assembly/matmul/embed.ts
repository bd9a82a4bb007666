import { half, HALF_SCALE } from '../simd';
import { DTypeCode, GROUP_VALUES, PANEL_ROWS, Q4_BLOCK_BYTES, Q8_BLOCK_BYTES } from '../opcodes';

/**
 * y[i] = table[ids[i]] * scale. y: (ids, cols) f32; table: (vocabulary, cols) in a weight's packed layout.
 * An item is an id. Words: 3 table, 4 ids (i32), 5 y, 6 cols, 7 dtype, 8 bytes per row (f32, f16),
 * 9 scale (f32).
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
    } else unpackRow(table, id, y, cols / GROUP_VALUES, dtype === DTypeCode.q4);
    if (scale !== 1) for (let k = 0; k < cols; k++) store<f32>(y + (k << 2), load<f32>(y + (k << 2)) * scale);
  }
}

function unpackRow(table: usize, id: i32, y: usize, blocks: i32, q4: bool): void {
  const blockBytes: usize = q4 ? Q4_BLOCK_BYTES : Q8_BLOCK_BYTES;
  const row = id % PANEL_ROWS;
  let block = table + <usize>(id / PANEL_ROWS) * <usize>blocks * blockBytes;
  for (let b = 0; b < blocks; b++) {
    const scale: f32 = reinterpret<f32>(((<i32>load<i16>(block + (row << 1))) << 13) & (<i32>0x8fffe000)) * HALF_SCALE;
    const values = block + 16 + (row << 2);
    for (let i = 0; i < GROUP_VALUES; i++) {
      let q: i32;
      if (q4) {
        const byte = <i32>load<u8>(values + ((i >> 3) << 5) + (i & 3));
        q = ((byte >> (i & 4)) & 15) - 8;
      } else q = <i32>load<u8>(values + ((i >> 2) << 5) + (i & 3)) - 128;
      store<f32>(y + (i << 2), scale * <f32>q);
    }
    y += 128;
    block += blockBytes;
  }
}
