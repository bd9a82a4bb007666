import { dequantizeRows, emptyRows, isQuantized, quantize } from '../quantize.ts';
import { f16ToF32, f32ToF16 } from '../shared/f16.ts';
import { quantizeStored } from '../keep.ts';
import { decodeRows } from '../stored/decodeRows.ts';
import { type StoredType, storedValues } from '../stored/storedTypes.ts';
import type { WeightDType } from '../ops.ts';
import { type SuperBlockDType, isSuperBlock } from '../superBlocks.ts';

/** The values a backend's arithmetic sees after storing `x` (whole groups of 32 where quantised) as `dtype`. */
export function roundTrip(x: Float32Array, dtype: Exclude<WeightDType, SuperBlockDType>): Float32Array {
  if (dtype === 'f32') return x.slice();
  if (dtype === 'f16') return x.map((value) => f16ToF32(f32ToF16(value)));
  const rows = emptyRows(x.length, dtype);
  quantize(x, dtype, rows);
  return dequantizeRows(rows, dtype);
}

/** The same for rows as they are stored, and the largest magnitude among their values (see decodeRows). */
export function roundTripStored(
  bytes: Uint8Array,
  type: StoredType,
  dtype: WeightDType,
): { values: Float32Array; largest: number } {
  if (isSuperBlock(dtype)) return decodeRows(bytes, type);
  if (!isQuantized(dtype)) {
    const { values, largest } = decodeRows(bytes, type);
    return { values: roundTrip(values, dtype), largest };
  }
  const rows = emptyRows(storedValues(bytes.length, type), dtype);
  const largest = quantizeStored(bytes, type, dtype, rows);
  return { values: dequantizeRows(rows, dtype), largest };
}
