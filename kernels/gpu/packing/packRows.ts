import type { WeightDType } from '../../ops.ts';
import { GROUP, quantizeQ4, quantizeQ8 } from '../../quantize.ts';
import { f32ToF16 } from '../../shared/f16.ts';
import { largestMagnitude } from '../../stored/decodeRows.ts';
import { STORED, type StoredType, storedBytes, storedValues } from '../../stored/storedTypes.ts';
import { blockBytes, scaleBytes } from './layout.ts';

/** Whole rows of a weight, as a checkpoint stores them, and the format that they are to have. */
export interface StoredRows {
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly type: StoredType;
  readonly width: number;
  readonly dtype: WeightDType;
}

/** The same rows in the layout of weight.wgsl. */
export interface PackedRows {
  readonly blocks: ArrayBuffer;
  /** Empty where the format has no scales. */
  readonly scales: ArrayBuffer;
  /** The largest magnitude of the stored values: not finite where one of them is not. */
  readonly largest: number;
}

/** Bytes of the packed rows. */
export function packedBytes({ bytes, type, width, dtype }: StoredRows): { blocks: number; scales: number } {
  const rows = storedValues(bytes.length, type) / width;
  return { blocks: rows * blockBytes(width, dtype), scales: rows * scaleBytes(width, dtype) };
}

/** Decodes, checks and packs rows, one at a time, into buffers of packedBytes(). */
export function packRows(
  { bytes, type, width, dtype }: StoredRows,
  { blocks, scales }: { readonly blocks: ArrayBuffer; readonly scales: ArrayBuffer },
): PackedRows {
  const storedRow = storedBytes(width, type);
  const blockRow = blockBytes(width, dtype);
  const scaleRow = scaleBytes(width, dtype);
  const values = new Float32Array(width);
  const pack = PACK[dtype];
  let largest = 0;
  for (let row = 0; row * storedRow < bytes.length; row++) {
    STORED[type].decode(bytes.subarray(row * storedRow, (row + 1) * storedRow), values);
    largest = Math.max(largest, largestMagnitude(values));
    pack(
      values,
      new Uint8Array(blocks, row * blockRow, blockRow),
      new Uint16Array(scales, row * scaleRow, scaleRow / 2),
    );
  }
  return { blocks, scales, largest };
}

/** Each packs one row; where a row ends within a block, zeros fill the block. */
const PACK: Record<WeightDType, (values: Float32Array, blocks: Uint8Array, scales: Uint16Array) => void> = {
  f32: (values, blocks) => {
    blocks.set(new Uint8Array(values.buffer));
    blocks.fill(0, values.byteLength);
  },
  f16: (values, blocks) => {
    const halves = new Uint16Array(blocks.buffer, blocks.byteOffset, values.length);
    for (let i = 0; i < values.length; i++) halves[i] = f32ToF16(values[i]!);
    blocks.fill(0, halves.byteLength);
  },
  q8: (values, { buffer, byteOffset }, scales) =>
    quantizeQ8(values, new Int8Array(buffer, byteOffset, values.length), scales),
  q4: (values, blocks, scales) => {
    if (nibbles.length !== values.length) nibbles = new Int8Array(values.length);
    quantizeQ4(values, nibbles, scales);
    packNibbles(nibbles, blocks);
  },
};

let nibbles = new Int8Array(GROUP);

/** Eight values to a word: value i in the low, value i + 4 in the high nibble of byte i. */
function packNibbles(q: Int8Array, bytes: Uint8Array): void {
  for (let from = 0, to = 0; from < q.length; from += 8, to += 4) {
    for (let i = 0; i < 4; i++) bytes[to + i] = (q[from + i]! + 8) | ((q[from + 4 + i]! + 8) << 4);
  }
}
