import { performance } from 'node:perf_hooks';
import { GROUP, QUANTIZED, type QuantizedDType } from '../../quantize.ts';
import { Banks } from './banks.ts';
import { recordPacking } from './packing.ts';
import { Program } from './program.ts';
import { MATVEC_ROWS, recordLinear } from './record/recordLinear.ts';
import type { WasmTensor } from './tensor.ts';
import { holdWeight } from './weights.ts';

const OUT = 19;
const IN = 96;

/**
 * True if the quantised products (but for super-blocks, whose sums are the same) come out as in plain JavaScript, with the
 * largest values that occur. V8 11's first compiler, for one, loses the sum of the relaxed dot.
 */
export function selfTest(module: WebAssembly.Module): boolean {
  const banks = new Banks(module, { maxBytes: 16 * 65536 });
  const { heap } = banks.at(0);
  for (const dtype of Object.keys(QUANTIZED) as QuantizedDType[]) {
    const weight = holdWeight(banks, [OUT, IN], dtype, undefined);
    const stored = banks.hold(4 * OUT * IN, undefined);
    const weights = Float32Array.from({ length: OUT * IN }, (_, i) => weightAt(dtype, Math.floor(i / IN), i % IN));
    heap.view.f32.set(weights, stored.address / 4);
    const rows = { weight, first: 0, rows: OUT, type: 'F32', bytes: stored.bytes } as const;
    const packing = recordPacking(rows, stored, 1);
    runAlone(banks, packing.program, packing.largest);
    for (const rows of [1, 6, MATVEC_ROWS + 3]) {
      const program = new Program();
      const activations = Float32Array.from({ length: rows * IN }, (_, i) => activationAt(Math.floor(i / IN), i % IN));
      const x = program.tensor([rows, IN], activations);
      const y = recordLinear({ program, threads: 1, quantised: new Map() }, x, weight);
      runAlone(banks, program, y);
      for (let i = 0; i < rows * OUT; i++) {
        const wanted = product(activations, Math.floor(i / OUT), weights, i % OUT);
        if (heap.view.f32[y.storage.address / 4 + i] !== wanted) return false;
      }
    }
  }
  return true;
}

/**
 * Runs a program of one memory on this thread; returns the milliseconds. Its result lies there until the next program is
 * placed.
 */
export function runAlone(banks: Banks, program: Program, result: WasmTensor): number {
  const { heap, kernels } = banks.at(0);
  const placed = program.place(banks, 1, [result]);
  const [, count, descriptors, scratch] = heap.view.u32.subarray(placed.address / 4) as unknown as number[];
  const start = performance.now();
  kernels.run(descriptors!, count!, scratch!, 1);
  const ms = performance.now() - start;
  placed.release();
  return ms;
}

// Whole numbers, with the largest in every group: quantising changes nothing and the products are exact.
function activationAt(row: number, k: number): number {
  return k % GROUP === 0 ? 127 : ((row * 31 + k * 17) % 255) - 127;
}

function weightAt(dtype: QuantizedDType, row: number, k: number): number {
  const { bits, lowest, levels } = QUANTIZED[dtype];
  if (levels) return levels[k % 16 === 1 ? 0 : (row * 13 + k * 7) % levels.length]!;
  // The rule of q8 has no code -128; minima, here that of q4's codes, are whole numbers too, and the highest code occurs.
  const [first, count] = dtype === 'q8' ? [-127, 255] : [lowest || -8, 2 ** bits];
  if (k % 16 === 1) return first;
  return k % 16 === 2 ? first + count - 1 : ((row * 13 + k * 7) % count) + first;
}

function product(activations: Float32Array, row: number, weights: Float32Array, column: number): number {
  let sum = 0;
  for (let k = 0; k < IN; k++) sum += activations[row * IN + k]! * weights[column * IN + k]!;
  return sum;
}
