import type { WeightDType } from '../../ops.ts';
import { GROUP } from '../../quantize.ts';
import { Banks } from './banks.ts';
import { Program } from './program.ts';
import { MATVEC_ROWS, recordLinear } from './recordLinear.ts';
import { asWasm } from './tensor.ts';
import { createWeight } from './weights.ts';

const OUT = 19;
const IN = 96;

/**
 * True if the quantised products come out as in plain JavaScript, with the largest values that occur. V8 11's first
 * compiler, for one, loses the sum of the relaxed dot.
 */
export async function selfTest(module: WebAssembly.Module): Promise<boolean> {
  const banks = new Banks(module, { maxBytes: 16 * 65536 });
  const { heap, kernels } = banks.at(0);
  for (const dtype of ['q4', 'q8'] as const) {
    const writer = createWeight(banks, [OUT, IN], dtype);
    writer.write(Float32Array.from({ length: OUT * IN }, (_, i) => weightAt(dtype, Math.floor(i / IN), i % IN)));
    const weight = asWasm(await writer.finish());
    for (const rows of [1, 6, MATVEC_ROWS + 3]) {
      const program = new Program();
      const data = Float32Array.from({ length: rows * IN }, (_, i) => activationAt(Math.floor(i / IN), i % IN));
      const x = program.tensor([rows, IN], data);
      const y = recordLinear({ program, threads: 1, quantised: new Map(), pages: new Map() }, x, weight, undefined);
      const placed = program.place(banks, 1, [y]);
      const { u32, f32 } = heap.view;
      const [, count, descriptors, scratch] = u32.subarray(placed.address / 4) as unknown as number[];
      kernels.run(descriptors!, count!, scratch!, 1);
      for (let i = 0; i < rows * OUT; i++) {
        if (f32[y.storage.address / 4 + i] !== product(dtype, Math.floor(i / OUT), i % OUT)) return false;
      }
      placed.release();
    }
  }
  return true;
}

// Whole numbers, with the largest in every group: quantising changes nothing and the products are exact.
function activationAt(row: number, k: number): number {
  return k % GROUP === 0 ? 127 : ((row * 31 + k * 17) % 255) - 127;
}

function weightAt(dtype: WeightDType, row: number, k: number): number {
  const [lowest, count] = dtype === 'q4' ? [-8, 16] : [-127, 255];
  return k % GROUP === 1 ? lowest : ((row * 13 + k * 7) % count) + lowest;
}

function product(dtype: WeightDType, row: number, column: number): number {
  let sum = 0;
  for (let k = 0; k < IN; k++) sum += activationAt(row, k) * weightAt(dtype, column, k);
  return sum;
}
