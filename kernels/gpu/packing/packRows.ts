import type { WeightDType } from '../../ops.ts';
import { GROUP, quantizeQ4, quantizeQ8 } from '../../quantize.ts';
import { f32ToF16 } from '../../shared/f16.ts';
import { largestMagnitude } from '../../stored/decodeRows.ts';
import { STORED, type StoredType, storedBytes } from '../../stored/storedTypes.ts';
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

/** Decodes, checks and packs rows, one at a time. */
export function packRows({ bytes, type, width, dtype }: StoredRows): PackedRows {
  const storedRow = storedBytes(width, type);
  const rows = bytes.length / storedRow;
  const blockRow = blockBytes(width, dtype);
  const scaleRow = scaleBytes(width, dtype);
  const blocks = new ArrayBuffer(rows * blockRow);
  const scales = new Uint16Array((rows * scaleRow) / 2);
  const values = new Float32Array(width);
  const pack = PACK[dtype];
  let largest = 0;
  for (let row = 0; row < rows; row++) {
    STORED[type].decode(bytes.subarray(row * storedRow, (row + 1) * storedRow), values);
    largest = Math.max(largest, largestMagnitude(values));
    pack(values, new Uint8Array(blocks, row * blockRow, blockRow), scales.subarray((row * scaleRow) / 2));
  }
  return { blocks, scales: scales.buffer, largest };
}

const PACK: Record<WeightDType, (values: Float32Array, blocks: Uint8Array, scales: Uint16Array) => void> = {
  f32: (values, blocks) => blocks.set(new Uint8Array(values.buffer)),
  f16: (values, { buffer, byteOffset }) => {
    const halves = new Uint16Array(buffer, byteOffset, values.length);
    for (let i = 0; i < values.length; i++) halves[i] = f32ToF16(values[i]!);
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
