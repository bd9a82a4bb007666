import { check } from '../../check.ts';
import type { StoredDType, Tensor, WeightDType, WeightWriter } from '../../ops.ts';
import { f32ToF16, GROUP } from '../../quantize.ts';
import type { Bank, Banks } from './banks.ts';
import type { Heap } from './heap.ts';
import { FLOAT_ROWS, PANEL_ROWS, Q4_BLOCK_BYTES, Q8_BLOCK_BYTES } from '../opcodes.ts';
import type { Packing } from './packing.ts';
import type { WasmTensor } from './tensor.ts';

/**
 * Packs rows as the kernels read them (layouts: assembly/matvecFloat.ts, assembly/matvecQ.ts): stored ones on the workers,
 * where `packing` is given, others on this thread.
 */
export function createWeight(
  banks: Banks,
  shape: readonly [number, number],
  dtype: WeightDType,
  { layer, packing }: { layer?: number | undefined; packing?: Packing } = {},
): WeightWriter {
  const [out, inputs] = shape;
  const quantised = dtype === 'q4' || dtype === 'q8';
  check(out > 0 && inputs > 0, () => `createWeight: shape (${out}, ${inputs})`);
  check(
    !quantised || inputs % GROUP === 0,
    () => `createWeight: ${dtype} needs columns in groups of ${GROUP}, not ${inputs}`,
  );
  const storage = banks.hold(weightBytes(shape, dtype), layer);
  const { address } = storage;
  const bank = banks.at(storage.bank!);
  clearPadding(bank.heap, address, shape, dtype);
  const tensor: WasmTensor = { shape, dtype, storage, offset: 0 };
  const pack = quantised ? packQuantised : packFloat;
  let row = 0;
  /** Number of the first of the rows that come now. */
  const take = (count: number): number => {
    check(Number.isInteger(count), () => `write: ${count} rows of ${inputs} values are no whole number`);
    check(row + count <= out, () => `write: more than ${out} rows`);
    row += count;
    return row - count;
  };
  return {
    write(rows) {
      pack({ bank, address, dtype, inputs }, take(rows.length / inputs), rows);
    },
    ...(packing && {
      async writeStored(bytes: number, stored: StoredDType, fill: (into: Uint8Array) => Promise<void>) {
        const rows = bytes / (inputs * (stored === 'F32' ? 4 : 2));
        const rowBytes = quantised ? 0 : floatRowBytes(inputs, dtype);
        return packing.pack({ weight: storage, dtype, inputs, rowBytes, row: take(rows), rows, stored, bytes }, fill);
      },
    }),
    async finish(): Promise<Tensor> {
      check(row === out, () => `finish: ${row} of ${out} rows were written`);
      packing?.throwIfLost();
      return tensor;
    },
  };
}

function weightBytes([out, inputs]: readonly [number, number], dtype: WeightDType): number {
  if (dtype === 'f32' || dtype === 'f16')
    return Math.ceil(out / FLOAT_ROWS) * FLOAT_ROWS * floatRowBytes(inputs, dtype);
  return Math.ceil(out / PANEL_ROWS) * (inputs / GROUP) * (dtype === 'q4' ? Q4_BLOCK_BYTES : Q8_BLOCK_BYTES);
}

/** Rows of f32 and f16 are padded to a multiple of 8 values. */
export function floatRowBytes(inputs: number, dtype: WeightDType): number {
  return Math.ceil(inputs / 8) * 8 * (dtype === 'f16' ? 2 : 4);
}

/** Rows past the last are multiplied like any other; stale bytes there could be slow or no numbers. */
function clearPadding(heap: Heap, address: number, [out, inputs]: readonly [number, number], dtype: WeightDType): void {
  const end = address + weightBytes([out, inputs], dtype);
  const group = dtype === 'f32' || dtype === 'f16' ? FLOAT_ROWS : PANEL_ROWS;
  heap.view.u8.fill(0, address + weightBytes([out - (out % group || group), inputs], dtype), end);
}

interface Target {
  readonly bank: Bank;
  readonly address: number;
  readonly dtype: WeightDType;
  readonly inputs: number;
}

function packFloat({ bank, address, dtype, inputs }: Target, row: number, rows: Float32Array): void {
  const { f32, u16 } = bank.heap.view;
  for (let from = 0; from < rows.length; from += inputs, row++) {
    const at = address + row * floatRowBytes(inputs, dtype);
    if (dtype === 'f32') f32.set(rows.subarray(from, from + inputs), at / 4);
    else for (let i = 0; i < inputs; i++) u16[at / 2 + i] = f32ToF16(rows[from + i]!);
  }
}

/** Values as quantize.ts computes them; a kernel does it because a model has thousands of millions. */
function packQuantised({ bank, address, dtype, inputs }: Target, row: number, rows: Float32Array): void {
  const { heap, kernels } = bank;
  const staging = heap.allocate(4 * inputs);
  const { f32 } = heap.view;
  const blocks = inputs / GROUP;
  const panelBytes = blocks * (dtype === 'q4' ? Q4_BLOCK_BYTES : Q8_BLOCK_BYTES);
  for (let from = 0; from < rows.length; from += inputs, row++) {
    f32.set(rows.subarray(from, from + inputs), staging / 4);
    const panel = address + Math.floor(row / PANEL_ROWS) * panelBytes;
    kernels.packRow(staging, blocks, panel, row % PANEL_ROWS, dtype === 'q4' ? 1 : 0);
  }
  heap.release(staging);
}
