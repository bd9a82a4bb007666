import type { Tensor, WeightDType, WeightWriter } from '../../ops.ts';
import { RowCounter } from '../../shared/rowCounter.ts';
import type { Banks } from './banks.ts';
import type { Packing } from './packing.ts';
import type { WasmTensor } from './tensor.ts';
import { rowsPerGroup, weightBytes } from './weightLayout.ts';

/** Takes stored rows, which the workers pack as the kernels read them. Throws OutOfMemory. */
export function weightWriter(
  banks: Banks,
  packing: Packing,
  { shape, dtype, layer }: { shape: readonly [number, number]; dtype: WeightDType; layer?: number | undefined },
): WeightWriter {
  const counter = new RowCounter(shape, dtype);
  const weight = holdWeight(banks, shape, dtype, layer);
  return {
    async writeStored(bytes, type, fill) {
      return packing.pack({ weight, ...counter.take(bytes, type), type, bytes }, fill);
    },
    async finish(): Promise<Tensor> {
      counter.checkComplete();
      packing.throwIfLost();
      return weight;
    },
  };
}

/** A weight whose rows are still to be written. Throws OutOfMemory. */
export function holdWeight(
  banks: Banks,
  shape: readonly [number, number],
  dtype: WeightDType,
  layer: number | undefined,
): WasmTensor {
  const [out, inputs] = shape;
  const storage = banks.hold(weightBytes(shape, dtype), layer);
  // Rows past the last are multiplied like any other; stale bytes there could be slow or no numbers.
  const lastGroup = weightBytes([Math.ceil(out / rowsPerGroup(dtype) - 1) * rowsPerGroup(dtype), inputs], dtype);
  const { u8 } = banks.at(storage.bank!).heap.view;
  u8.fill(0, storage.address + lastGroup, storage.address + storage.bytes);
  return { shape, dtype, storage, offset: 0 };
}
