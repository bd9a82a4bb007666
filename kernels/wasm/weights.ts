import { check } from '../check.ts';
import type { Tensor, WeightDType, WeightWriter } from '../ops.ts';
import { f32ToF16, GROUP, quantizeQ4, quantizeQ8 } from '../quantize.ts';
import type { Heap } from './heap.ts';
import { FLOAT_ROWS, PANEL_ROWS, Q4_BLOCK_BYTES, Q8_BLOCK_BYTES } from './opcodes.ts';
import { heldTensor } from './tensor.ts';

/** Packs rows as the kernels read them (layouts: assembly/matvecFloat.ts, assembly/matvecQ.ts). */
export function createWeight(heap: Heap, shape: readonly [number, number], dtype: WeightDType): WeightWriter {
  const [out, inputs] = shape;
  const quantised = dtype === 'q4' || dtype === 'q8';
  check(out > 0 && inputs > 0, () => `createWeight: shape (${out}, ${inputs})`);
  check(
    !quantised || inputs % GROUP === 0,
    () => `createWeight: ${dtype} needs columns in groups of ${GROUP}, not ${inputs}`,
  );
  const bytes = weightBytes(shape, dtype);
  const address = heap.allocate(bytes);
  clearPadding(heap, address, shape, dtype);
  const tensor = heldTensor(shape, dtype, address, bytes);
  const packRow = { f32: packF32, f16: packF16, q8: packQ8, q4: packQ4 }[dtype];
  let row = 0;
  return {
    write(rows) {
      check(rows.length % inputs === 0, () => `write: ${rows.length} values are no whole rows of ${inputs}`);
      check(row + rows.length / inputs <= out, () => `write: more than ${out} rows`);
      for (let at = 0; at < rows.length; at += inputs) packRow(heap, address, row++, rows.subarray(at, at + inputs));
    },
    async finish(): Promise<Tensor> {
      check(row === out, () => `finish: ${row} of ${out} rows were written`);
      return tensor;
    },
  };
}

export function weightBytes([out, inputs]: readonly [number, number], dtype: WeightDType): number {
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

function packF32(heap: Heap, address: number, row: number, values: Float32Array): void {
  heap.view.f32.set(values, (address + row * floatRowBytes(values.length, 'f32')) / 4);
}

function packF16(heap: Heap, address: number, row: number, values: Float32Array): void {
  const at = (address + row * floatRowBytes(values.length, 'f16')) / 2;
  const { u16 } = heap.view;
  for (let i = 0; i < values.length; i++) u16[at + i] = f32ToF16(values[i]!);
}

let q = new Int8Array(0);
let scales = new Uint16Array(0);
function reserve(values: number): void {
  if (q.length === values) return;
  q = new Int8Array(values);
  scales = new Uint16Array(values / GROUP);
}

function packQ4(heap: Heap, address: number, row: number, values: Float32Array): void {
  reserve(values.length);
  quantizeQ4(values, q, scales);
  const { u16, i32 } = heap.view;
  const inPanel = row % PANEL_ROWS;
  let at = address + Math.floor(row / PANEL_ROWS) * scales.length * Q4_BLOCK_BYTES;
  for (let group = 0, k = 0; group < scales.length; group++, at += Q4_BLOCK_BYTES) {
    u16[at / 2 + inPanel] = scales[group]!;
    for (let pair = 0; pair < 4; pair++, k += 8) {
      i32[at / 4 + 4 + 8 * pair + inPanel] = lane(q, k, 8) | (lane(q, k + 4, 8) << 4);
    }
  }
}

function packQ8(heap: Heap, address: number, row: number, values: Float32Array): void {
  reserve(values.length);
  quantizeQ8(values, q, scales);
  const { u16, i32 } = heap.view;
  const inPanel = row % PANEL_ROWS;
  let at = address + Math.floor(row / PANEL_ROWS) * scales.length * Q8_BLOCK_BYTES;
  for (let group = 0, k = 0; group < scales.length; group++, at += Q8_BLOCK_BYTES) {
    u16[at / 2 + inPanel] = scales[group]!;
    for (let pair = 0; pair < 8; pair++, k += 4) i32[at / 4 + 4 + 8 * pair + inPanel] = lane(q, k, 128);
  }
}

/** Four values from k on, made unsigned, as the bytes of a lane. */
function lane(values: Int8Array, k: number, offset: number): number {
  return (
    (values[k]! + offset) |
    ((values[k + 1]! + offset) << 8) |
    ((values[k + 2]! + offset) << 16) |
    ((values[k + 3]! + offset) << 24)
  );
}
