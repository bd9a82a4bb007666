/** How one row is packed in each format: the layout of weight.wgsl. */
import { QUANTIZED, type QuantizedDType, type QuantizedRows } from '../../quantize.ts';
import { f32ToF16 } from '../../shared/f16.ts';
import { SUPER_BLOCK_FACTOR_BYTES, SUPER_BLOCK_VALUES, type SuperBlockDType } from '../../superBlocks.ts';

/** Where a row ends within a block, zeros fill the block. */
export const PACK_FLOATS: Record<'f32' | 'f16', (values: Float32Array, blocks: Uint8Array) => void> = {
  f32: (values, blocks) => {
    blocks.set(new Uint8Array(values.buffer));
    blocks.fill(0, values.byteLength);
  },
  f16: (values, blocks) => {
    const halves = new Uint16Array(blocks.buffer, blocks.byteOffset, values.length);
    for (let i = 0; i < values.length; i++) halves[i] = f32ToF16(values[i]!);
    blocks.fill(0, halves.byteLength);
  },
};

/** A quantised row is whole blocks. */
export const PACK_QUANTIZED: Record<
  QuantizedDType,
  (row: QuantizedRows, blocks: Uint8Array, scales: Uint16Array) => void
> = {
  q8: (row, blocks, scales) => {
    blocks.set(new Uint8Array(row.codes.buffer));
    scales.set(row.scales);
  },
  q4: (row, blocks, scales) => {
    const { codes } = row;
    for (let from = 0, to = 0; from < codes.length; from += 8, to += 4)
      for (let i = 0; i < 4; i++) blocks[to + i] = (codes[from + i]! + 8) | ((codes[from + 4 + i]! + 8) << 4);
    scales.set(row.scales);
  },
  q4nl: (row, blocks, scales) => {
    const numberOf = (at: number): number => LEVEL_NUMBERS[row.codes[at]! + 128]!;
    for (let from = 0, to = 0; from < row.codes.length; from += 8, to += 4)
      for (let i = 0; i < 4; i++) blocks[to + i] = numberOf(from + i) | (numberOf(from + 4 + i) << 4);
    scales.set(row.scales);
  },
  q4m: (row, blocks, scales) => {
    for (let from = 0, to = 0; from < row.codes.length; from += 8, to += 4) packNibbles(row.codes, from, blocks, to);
    for (let group = 0; group < row.scales.length; group++) packFactors(row, group, scales, 2 * group);
  },
  q5m: (row, blocks, scales) => {
    for (let from = 0, to = 0; from < row.codes.length; from += 8, to += 4) packNibbles(row.codes, from, blocks, to);
    for (let group = 0; group < row.scales.length; group++) {
      packFactors(row, group, scales, 4 * group);
      const fifths = upperBits(row.codes, 32 * group, 1);
      scales[4 * group + 2] = fifths;
      scales[4 * group + 3] = fifths >>> 16;
    }
  },
  q6m: (row, blocks) => {
    const halves = new Uint16Array(blocks.buffer, blocks.byteOffset, blocks.length / 2);
    for (let group = 0; group < row.scales.length; group++) {
      packNibbles(row.codes, 16 * group, blocks, 16 * group);
      packNibbles(row.codes, 16 * group + 8, blocks, 16 * group + 4);
      const upper = upperBits(row.codes, 16 * group, 2);
      halves[8 * group + 4] = upper;
      halves[8 * group + 5] = upper >>> 16;
      packFactors(row, group, halves, 8 * group + 6);
    }
  },
};

/** Packs a row of stored blocks that a format of super-blocks keeps: their scales and minima as they are, and their codes. */
export function packSuperBlocks(
  stored: Uint8Array,
  codes: Int8Array,
  dtype: SuperBlockDType,
  { blocks, scales }: { readonly blocks: Uint8Array; readonly scales: Uint16Array },
): void {
  for (let from = 0, to = 0; from < codes.length; from += 8, to += 4) packNibbles(codes, from, blocks, to);
  const factors = new Uint8Array(scales.buffer, scales.byteOffset, scales.byteLength);
  const count = codes.length / SUPER_BLOCK_VALUES;
  for (let block = 0; block < count; block++) {
    const from = (block * stored.length) / count;
    const to = (block * scales.byteLength) / count;
    factors.set(stored.subarray(from, from + SUPER_BLOCK_FACTOR_BYTES), to);
    if (dtype === 'q4k') continue;
    for (let group = 0; group < 8; group++) {
      const fifths = upperBits(codes, block * SUPER_BLOCK_VALUES + 32 * group, 1);
      const at = (to + SUPER_BLOCK_FACTOR_BYTES) / 2 + 2 * group;
      scales[at] = fifths;
      scales[at + 1] = fifths >>> 16;
    }
  }
}

/** By code + 128, the number of the level. */
const LEVEL_NUMBERS = new Int8Array(256);
QUANTIZED.q4nl.levels!.forEach((level, number) => (LEVEL_NUMBERS[level + 128] = number));

/** A word of the lower four bits of eight codes: code i in the low, code i + 4 in the high nibble of byte i. */
function packNibbles(codes: Int8Array, from: number, bytes: Uint8Array, to: number): void {
  for (let i = 0; i < 4; i++) bytes[to + i] = (codes[from + i]! & 15) | (codes[from + 4 + i]! << 4);
}

/** A word of `bits` bits of each code above its lower four; byte i has those of code i of every quad, the first lowest. */
function upperBits(codes: Int8Array, from: number, bits: 1 | 2): number {
  let word = 0;
  for (let quad = 0; quad < 8 / bits; quad++)
    for (let i = 0; i < 4; i++) word |= (codes[from + 4 * quad + i]! >> 4) << (8 * i + bits * quad);
  return word;
}

function packFactors({ scales, minima }: QuantizedRows, group: number, into: Uint16Array, at: number): void {
  into[at] = scales[group]!;
  into[at + 1] = minima[group]!;
}
