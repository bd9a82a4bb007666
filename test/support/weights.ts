import type { Ops, Tensor, WeightDType, WeightWriter } from '../../kernels/ops.ts';
import { LARGEST_WEIGHT } from '../../kernels/quantize.ts';
import { type SuperBlockDType, isSuperBlock } from '../../kernels/superBlocks.ts';

/** The formats that take values of every type. */
export const WEIGHT_DTYPES = (Object.keys(LARGEST_WEIGHT) as WeightDType[]).filter(
  (dtype): dtype is Exclude<WeightDType, SuperBlockDType> => !isSuperBlock(dtype),
);

/** Writes f32 rows as a checkpoint that stores F32 does. */
export async function writeRows(writer: WeightWriter, rows: Float32Array): Promise<void> {
  const bytes = new Uint8Array(rows.slice().buffer);
  await writer.writeStored(bytes.length, 'F32', async (into) => into.set(bytes));
}

/** A weight of f32 values, written in two pieces as a loader does. */
export async function makeWeight(
  ops: Ops,
  values: Float32Array,
  shape: readonly [number, number],
  dtype: WeightDType,
  layer?: number,
): Promise<Tensor> {
  const writer = ops.createWeight(shape, dtype, layer);
  const half = Math.floor(shape[0] / 2) * shape[1];
  const pieces = [values.subarray(0, half), values.subarray(half)].filter(({ length }) => length > 0);
  await Promise.all(pieces.map((piece) => writeRows(writer, piece)));
  return writer.finish();
}
