import type { WeightDType } from '../../ops.ts';
import { quantizeStored } from '../../keep.ts';
import { type QuantizedRows, emptyRows, isQuantized } from '../../quantize.ts';
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
  const quantized = isQuantized(dtype) ? emptyRows(width, dtype) : undefined;
  let largest = 0;
  for (let row = 0; row * storedRow < bytes.length; row++) {
    const stored = bytes.subarray(row * storedRow, (row + 1) * storedRow);
    const blocksOfRow = new Uint8Array(blocks, row * blockRow, blockRow);
    if (quantized && isQuantized(dtype)) {
      largest = Math.max(largest, quantizeStored(stored, type, dtype, quantized));
      packQuantized(quantized, dtype === 'q4', blocksOfRow, new Uint16Array(scales, row * scaleRow, scaleRow / 2));
    } else {
      STORED[type].decode(stored, values);
      largest = Math.max(largest, largestMagnitude(values));
      packFloats(values, dtype === 'f16', blocksOfRow);
    }
  }
  return { blocks, scales, largest };
}

/** Packs one row; where it ends within a block, zeros fill the block. */
function packFloats(values: Float32Array, f16: boolean, blocks: Uint8Array): void {
  if (!f16) {
    blocks.set(new Uint8Array(values.buffer));
    blocks.fill(0, values.byteLength);
    return;
  }
  const halves = new Uint16Array(blocks.buffer, blocks.byteOffset, values.length);
  for (let i = 0; i < values.length; i++) halves[i] = f32ToF16(values[i]!);
  blocks.fill(0, halves.byteLength);
}

function packQuantized(rows: QuantizedRows, q4: boolean, blocks: Uint8Array, scales: Uint16Array): void {
  scales.set(rows.scales);
  if (q4) packNibbles(rows.codes, blocks);
  else blocks.set(new Uint8Array(rows.codes.buffer, rows.codes.byteOffset, rows.codes.length));
}

/** Eight values to a word: value i in the low, value i + 4 in the high nibble of byte i. */
function packNibbles(q: Int8Array, bytes: Uint8Array): void {
  for (let from = 0, to = 0; from < q.length; from += 8, to += 4) {
    for (let i = 0; i < 4; i++) bytes[to + i] = (q[from + i]! + 8) | ((q[from + 4 + i]! + 8) << 4);
  }
}
