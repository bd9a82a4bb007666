import { largestUnpacked, quantizeStored } from '../../keep.ts';
import type { WeightDType } from '../../ops.ts';
import { emptyRows, isQuantized } from '../../quantize.ts';
import { largestMagnitude } from '../../stored/decodeRows.ts';
import { emptyBlocks } from '../../stored/quantizedFormat.ts';
import { STORED, type StoredType, storedBytes, storedValues } from '../../stored/storedTypes.ts';
import { isSuperBlock } from '../../superBlocks.ts';
import { blockBytes, scaleBytes } from './layout.ts';
import { PACK_FLOATS, PACK_QUANTIZED, packSuperBlocks } from './packRow.ts';

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
  /** Empty where the blocks hold everything. */
  readonly scales: ArrayBuffer;
  /** The largest magnitude of the stored values: not finite where one of them, or its scale in f16, is not. */
  readonly largest: number;
}

/** Bytes of the packed rows. */
export function packedBytes({ bytes, type, width, dtype }: StoredRows): { blocks: number; scales: number } {
  const rows = storedValues(bytes.length, type) / width;
  return { blocks: rows * blockBytes(width, dtype), scales: rows * scaleBytes(width, dtype) };
}

/** Decodes, checks and packs rows, one at a time, into buffers of packedBytes(). */
export function packRows(
  rows: StoredRows,
  { blocks, scales }: { readonly blocks: ArrayBuffer; readonly scales: ArrayBuffer },
): PackedRows {
  const { bytes, type, width, dtype } = rows;
  const storedRow = storedBytes(width, type);
  const blockRow = blockBytes(width, dtype);
  const scaleRow = scaleBytes(width, dtype);
  const pack = packerOf(rows);
  let largest = 0;
  for (let row = 0; row * storedRow < bytes.length; row++) {
    const magnitude = pack(
      bytes.subarray(row * storedRow, (row + 1) * storedRow),
      new Uint8Array(blocks, row * blockRow, blockRow),
      new Uint16Array(scales, row * scaleRow, scaleRow / 2),
    );
    largest = Math.max(largest, magnitude);
  }
  return { blocks, scales, largest };
}

/** Packs one stored row and returns the largest magnitude of its values. */
type Packer = (stored: Uint8Array, blocks: Uint8Array, scales: Uint16Array) => number;

function packerOf({ type, width, dtype }: StoredRows): Packer {
  if (isQuantized(dtype)) {
    const row = emptyRows(width, dtype);
    return (stored, blocks, scales) => {
      const largest = quantizeStored(stored, type, dtype, row);
      PACK_QUANTIZED[dtype](row, blocks, scales);
      return largest;
    };
  }
  if (isSuperBlock(dtype)) {
    const kept = STORED[type].quantized!;
    const row = emptyBlocks(width, kept.group);
    return (stored, blocks, scales) => {
      kept.unpack(stored, row);
      packSuperBlocks(stored, row.codes, dtype, { blocks, scales });
      return largestUnpacked(row, kept);
    };
  }
  const values = new Float32Array(width);
  return (stored, blocks) => {
    STORED[type].decode(stored, values);
    PACK_FLOATS[dtype](values, blocks);
    return largestMagnitude(values);
  };
}
