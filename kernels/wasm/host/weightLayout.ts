/** Sizes of packed weights; layouts: assembly/matmul/matvecFloat.ts and assembly/matmul/matvecQ.ts. */
import type { WeightDType } from '../../ops.ts';
import { GROUP } from '../../quantize.ts';
import {
  FLOAT_ROWS,
  PANEL_ROWS,
  Q4K_BLOCK_BYTES,
  Q4M_BLOCK_BYTES,
  Q4_BLOCK_BYTES,
  Q5K_BLOCK_BYTES,
  Q5M_BLOCK_BYTES,
  Q6M_BLOCK_BYTES,
  Q8_BLOCK_BYTES,
  SUPER_BLOCKS,
  SUPER_HEADER_BYTES,
} from '../opcodes.ts';

type PanelDType = Exclude<WeightDType, 'f32' | 'f16'>;

/** Of a block of 32 columns of a panel, with its share of a super-block's scales and minima. */
const BLOCK_BYTES: Readonly<Record<PanelDType, number>> = {
  q8: Q8_BLOCK_BYTES,
  q4: Q4_BLOCK_BYTES,
  q4nl: Q4_BLOCK_BYTES,
  q4m: Q4M_BLOCK_BYTES,
  q4k: Q4K_BLOCK_BYTES + SUPER_HEADER_BYTES / SUPER_BLOCKS,
  q5m: Q5M_BLOCK_BYTES,
  q5k: Q5K_BLOCK_BYTES + SUPER_HEADER_BYTES / SUPER_BLOCKS,
  q6m: Q6M_BLOCK_BYTES,
};

/** Bytes of `out` rows, with those that pad the last group of rows. */
export function weightBytes([out, inputs]: readonly [number, number], dtype: WeightDType): number {
  const groups = Math.ceil(out / rowsPerGroup(dtype));
  if (!isPanel(dtype)) return groups * FLOAT_ROWS * floatRowBytes(inputs, dtype);
  return groups * (inputs / GROUP) * BLOCK_BYTES[dtype];
}

/** Rows that a kernel takes together: the rows of a weight are padded to a multiple of them. */
export function rowsPerGroup(dtype: WeightDType): number {
  return isPanel(dtype) ? PANEL_ROWS : FLOAT_ROWS;
}

function isPanel(dtype: WeightDType): dtype is PanelDType {
  return Object.hasOwn(BLOCK_BYTES, dtype);
}

/** Bytes of a row of f32 or f16, which is padded to a multiple of 8 values. */
export function floatRowBytes(inputs: number, dtype: WeightDType): number {
  return Math.ceil(inputs / 8) * 8 * (dtype === 'f16' ? 2 : 4);
}
