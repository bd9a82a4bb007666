/** Sizes of packed weights; layouts: assembly/matmul/matvecFloat.ts and assembly/matmul/matvecQ.ts. */
import type { WeightDType } from '../../ops.ts';
import { GROUP, type QuantizedDType, isQuantized } from '../../quantize.ts';
import {
  FLOAT_ROWS,
  PANEL_ROWS,
  Q4M_BLOCK_BYTES,
  Q4_BLOCK_BYTES,
  Q5M_BLOCK_BYTES,
  Q6M_BLOCK_BYTES,
  Q8_BLOCK_BYTES,
} from '../opcodes.ts';

const BLOCK_BYTES: Readonly<Record<QuantizedDType, number>> = {
  q8: Q8_BLOCK_BYTES,
  q4: Q4_BLOCK_BYTES,
  q4nl: Q4_BLOCK_BYTES,
  q4m: Q4M_BLOCK_BYTES,
  q5m: Q5M_BLOCK_BYTES,
  q6m: Q6M_BLOCK_BYTES,
};

/** Bytes of `out` rows, with those that pad the last group of rows. */
export function weightBytes([out, inputs]: readonly [number, number], dtype: WeightDType): number {
  const groups = Math.ceil(out / rowsPerGroup(dtype));
  if (!isQuantized(dtype)) return groups * FLOAT_ROWS * floatRowBytes(inputs, dtype);
  return groups * (inputs / GROUP) * BLOCK_BYTES[dtype];
}

/** Rows that a kernel takes together: the rows of a weight are padded to a multiple of them. */
export function rowsPerGroup(dtype: WeightDType): number {
  return isQuantized(dtype) ? PANEL_ROWS : FLOAT_ROWS;
}

/** Bytes of a row of f32 or f16, which is padded to a multiple of 8 values. */
export function floatRowBytes(inputs: number, dtype: WeightDType): number {
  return Math.ceil(inputs / 8) * 8 * (dtype === 'f16' ? 2 : 4);
}
