import assert from 'node:assert/strict';
import type { Ops, Tensor } from '../../../kernels/ops.ts';
import { QUANTIZED, type QuantizedDType } from '../../../kernels/quantize.ts';
import { ReferenceOps } from '../../../kernels/reference/referenceOps.ts';
import { assertClose } from '../../support/close.ts';
import { quantizedActivations } from '../../support/quantizedActivations.ts';
import { randomValues } from '../../support/random.ts';
import { withWasm } from '../../support/withWasm.ts';
import { makeWeight } from '../../support/weights.ts';

describe('wasm: quantised products', function () {
  this.timeout(60_000);
  for (const simd of ['dot', 'pairs', 'plain'] as const) {
    for (const threads of [1, 2, 3]) {
      it(`${simd}, ${threads} threads: all formats, with outliers, empty groups, odd sizes`, () =>
        withWasm({ simd, threads }, async (ops) => {
          for (const dtype of Object.keys(QUANTIZED) as QuantizedDType[]) {
            for (const [rows, width, outs] of [
              [1, 512, 1037],
              [2, 4160, 19],
              [4, 96, 131],
              [7, 64, 261],
              [21, 1120, 70],
              [300, 64, 41],
            ] as const) {
              await compareProducts(ops, { rows, width, outs, dtype });
            }
          }
        }));
    }
  }
});

describe('wasm: the ways of summing', () => {
  const [width, outs] = [320, 27];

  it('give the same products bit for bit', async () => {
    const products: Record<string, Float32Array[]> = {};
    for (const simd of ['dot', 'pairs'] as const) {
      products[simd] = await withWasm({ simd, threads: 2 }, (ops) => productsOf(ops, randomValues(1, 40 * width)));
    }
    assert.deepEqual(products['pairs'], products['dot']);
  });

  for (const simd of ['dot', 'pairs', 'plain'] as const) {
    it(`${simd}: sums of the largest codes and activations do not overflow`, () =>
      withWasm({ simd, threads: 1 }, async (ops) => {
        for (const sign of [1, -1]) {
          const x = new Float32Array(40 * width).fill(sign);
          const want = await productsOf(new ReferenceOps(), x, largestCodes);
          const got = await productsOf(ops, x, largestCodes);
          for (const [i, y] of got.entries()) assertClose(y, want[i]!, 1e-6, `${i}`);
        }
      }));
  }

  /** Every weight has the highest code of its format, but for one of each 16, which has the lowest. */
  function largestCodes(count: number): Float32Array {
    return Float32Array.from({ length: count }, (_, i) => (i % 16 === 3 ? -8 : 7));
  }

  /** Products of 1, 3 and 40 rows with weights of all formats. */
  async function productsOf(ops: Ops, x: Float32Array, weights = (count: number) => randomValues(2, count)) {
    const results: Float32Array[] = [];
    for (const dtype of Object.keys(QUANTIZED) as QuantizedDType[]) {
      const weight = await makeWeight(ops, weights(outs * width), [outs, width], dtype);
      for (const rows of [1, 3, 40]) {
        results.push(await ops.step(() => ops.linear(ops.input(x.slice(0, rows * width), [rows, width]), weight)));
      }
      ops.free(weight);
    }
    return results;
  }
});

describe('wasm: products of few rows', () => {
  for (const simd of ['dot', 'pairs', 'plain'] as const) {
    for (const dtype of Object.keys(QUANTIZED) as QuantizedDType[]) {
      it(`${simd} SIMD, ${dtype}: a row is the same bit for bit beside any others`, () =>
        withWasm({ simd, threads: 2 }, async (ops) => {
          const [width, outs] = [4160, 43];
          const weight = await makeWeight(ops, randomValues(1, outs * width), [outs, width], dtype);
          const x = randomValues(2, 16 * width);
          const products = (from: number, to: number) =>
            ops.step(() => ops.linear(ops.input(x.slice(from * width, to * width), [to - from, width]), weight));
          const alone: number[] = [];
          for (let row = 0; row < 16; row++) alone.push(...(await products(row, row + 1)));
          for (let rows = 2; rows <= 16; rows++) {
            assert.deepEqual([...(await products(0, rows))], alone.slice(0, rows * outs), `${rows} rows`);
          }
        }));
    }
  }
});

describe('wasm: operations that quantise their result', function () {
  this.timeout(60_000);
  const width = 4160;
  const operations: Record<string, (ops: Ops, x: Tensor, norms: readonly Tensor[]) => Tensor> = {
    rmsNorm: (ops, x, [weight]) => ops.rmsNorm(x, weight!, 1e-5),
    layerNorm: (ops, x, [weight, bias]) => ops.layerNorm(x, weight!, bias!, 1e-5),
    siluMul: (ops, x) => ops.siluMul(x),
    gegelu: (ops, x) => ops.gegelu(x, 2),
  };
  for (const simd of ['dot', 'pairs', 'plain'] as const) {
    for (const [name, operation] of Object.entries(operations)) {
      it(`${simd} SIMD, ${name}: its products are those of its result, bit for bit`, () =>
        withWasm({ simd, threads: 3 }, async (ops) => {
          const norms = [1, 2].map((seed) => ops.upload(randomValues(seed, width), [width]));
          for (const dtype of Object.keys(QUANTIZED) as QuantizedDType[]) {
            for (const rows of [1, 3]) {
              const columns = name.endsWith('Norm') ? width : 2 * width;
              const x = randomValues(3, rows * columns);
              const weight = await makeWeight(ops, randomValues(4, 24 * width), [24, width], dtype);
              const input = () => ops.input(x, [rows, columns]);
              const result = await ops.step(() => operation(ops, input(), norms));
              const want = await ops.step(() => ops.linear(ops.input(result, [rows, width]), weight));
              const got = await ops.step(() => ops.linear(operation(ops, input(), norms), weight));
              assert.deepEqual(got, want);
              ops.free(weight);
            }
          }
        }));
    }
  }

  it('a result read in both forms is there in both', () =>
    withWasm({ threads: 2 }, async (ops) => {
      const [rows, cols] = [3, 64];
      const norm = ops.upload(randomValues(1, cols), [cols]);
      const weight = await makeWeight(ops, randomValues(2, cols * cols), [cols, cols], 'q4');
      const x = () => ops.input(randomValues(5, rows * cols), [rows, cols]);
      const y = await ops.step(() => ops.rmsNorm(x(), norm, 1e-5));
      const want = await ops.step(() => {
        const input = ops.input(y, [rows, cols]);
        return ops.linear(input, weight, { residual: input });
      });
      for (const rowsRead of [3, 2]) {
        const got = await ops.step(() => {
          const normed = ops.lastRows(ops.rmsNorm(x(), norm, 1e-5), rowsRead);
          return ops.linear(normed, weight, { residual: normed });
        });
        assert.deepEqual(got, want.slice((rows - rowsRead) * cols));
      }
    }));
});

/** Compares tightly with f64 sums over the same rounded activations, loosely with sums over the original ones. */
async function compareProducts(
  ops: Ops,
  { rows, width, outs, dtype }: { rows: number; width: number; outs: number; dtype: QuantizedDType },
): Promise<void> {
  const x = randomValues(rows, rows * width);
  const w = randomValues(outs, outs * width);
  x.fill(0, 32, 64);
  x[5] = 3e4;
  w.fill(0, width, width + 32);
  w[2 * width + 7] = -90;
  const product = async (on: Ops, activations: Float32Array): Promise<Float32Array> => {
    const weight = await makeWeight(on, w, [outs, width], dtype);
    const y = await on.step(() => on.linear(on.input(activations, [rows, width]), weight));
    on.free(weight);
    return y;
  };
  const got = await product(ops, x);
  const label = `(${rows}, ${width}) x (${outs}, ${width}) ${dtype}`;
  assertClose(got, await product(new ReferenceOps(), quantizedActivations(x)), 2e-5, label);
  assertClose(got, await product(new ReferenceOps(), x), 0.1, `${label}, unrounded`);
}
