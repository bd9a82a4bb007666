import assert from 'node:assert/strict';
import type { GpuOps } from '../../../kernels/gpu/gpuOps.ts';
import { VARIANTS } from '../../../kernels/gpu/variants/products.ts';
import { type Factors, expectedProduct } from '../../../kernels/gpu/variants/rounding.ts';
import { faultOf, validVariants } from '../../../kernels/gpu/variants/validity.ts';
import type { Product, Variant } from '../../../kernels/gpu/variants/variant.ts';
import type { Ops, Tensor, WeightDType } from '../../../kernels/ops.ts';
import { LARGEST_WEIGHT } from '../../../kernels/quantize.ts';
import { ReferenceOps } from '../../../kernels/reference/referenceOps.ts';
import { gpuOrSkip } from '../../support/gpuOrSkip.ts';
import { randomValues } from '../../support/random.ts';
import { makeWeight } from '../../support/weights.ts';

const PRODUCTS = Object.keys(VARIANTS) as Product[];
const FORMATS = Object.keys(LARGEST_WEIGHT) as WeightDType[];

/** Rows, width, outputs: single ones, odd ones, whole tiles, more than the largest tile. */
const SHAPES: Readonly<Record<Product, readonly (readonly [number, number, number])[]>> = {
  matvec: [
    [1, 3072, 97],
    [1, 32, 1],
    [2, 96, 33],
    [8, 160, 64],
  ],
  matmul: [
    [9, 32, 5],
    [17, 224, 131],
    [129, 96, 64],
  ],
};

describe('variants of the products on webgpu', function () {
  this.timeout(120_000);
  let ops: GpuOps;
  const reference = new ReferenceOps();

  before(async function () {
    ops = await gpuOrSkip(this);
  });
  after(() => ops?.dispose());

  for (const product of PRODUCTS) {
    it(`${product}: one that is wrong and one that does not compile are dropped, each with a sentence`, async () => {
      const [plain] = VARIANTS[product];
      const changed = (name: string, change: (source: string) => string): Variant => ({
        ...plain!,
        name,
        kernel: (dtype, rows) => {
          const kernel = plain!.kernel(dtype, rows);
          return { ...kernel, source: change(kernel.source) };
        },
      });
      // Loses one product of a block or of a tile's depth, as a miscompiled loop might.
      const wrong = changed('wrong', (source) =>
        source.replace(/(for \(var i = )0u(; i < (DEPTH|BLOCK_QUADS); i\+\+)/, '$11u$2'),
      );
      const broken = changed('broken', (source) => `${source}\nthis is no WGSL`);
      const { valid, dropped } = await validVariants(ops, product, 'q4', [wrong, plain!, broken]);
      assert.deepEqual(valid, [plain]);
      assert.equal(dropped.length, 2);
      assert.match(
        dropped[0]!,
        /^The \w+ "wrong" is not used for q4: with \d+ rows it gives \S+ instead of \S+, where \S+ may be lost\.$/,
      );
      assert.match(dropped[1]!, /^The \w+ "broken" is not used for q4: it does not compile here \(.+\)\.$/);
      const y = await ops.step(() => ops.input(Float32Array.of(1, 2), [1, 2])); // No harm was done.
      assert.deepEqual([...y], [1, 2]);
    });

    for (const variant of VARIANTS[product]) {
      describe(`${product}, ${variant.name}`, () => {
        before(function () {
          const missing = variant.needs.filter((need) => !ops.variants.offered.has(need));
          if (missing.length === 0) return;
          console.log(`      skipped: this adapter has no ${missing.join(', ')}`);
          this.skip();
        });

        for (const dtype of FORMATS.filter((format) => variant.takes(format))) {
          it(`${dtype}: right on hard inputs`, async () => {
            assert.equal(await faultOf(ops, product, variant, dtype), undefined);
          });
        }

        for (const dtype of (['f32', 'q4', 'q6m'] as const).filter((format) => variant.takes(format))) {
          it(`${dtype}: as the reference, with bias and residual`, async () => {
            for (const shape of SHAPES[product]) {
              const { y: want, factors } = await productOf(reference, shape, dtype);
              const { y: got } = await productOf(ops, shape, dtype, (record) => ops.variants.trying(variant, record));
              assertAllowed(got, want, factors, variant);
            }
          });
        }
      });
    }
  }
});

/** Random rows with outliers times a random weight, plus a bias and a residual. */
async function productOf(
  ops: Ops,
  [rows, width, outs]: readonly [number, number, number],
  dtype: WeightDType,
  recorded = (record: () => Tensor): Tensor => record(),
): Promise<{ y: Float32Array; factors: Factors }> {
  const x = randomValues(rows, rows * width);
  const weight = await makeWeight(ops, randomValues(outs, outs * width), [outs, width], dtype);
  const bias = ops.upload(randomValues(8, outs), [outs]);
  const residual = randomValues(9, rows * outs);
  const w = await ops.step(() => ops.embed(weight, [...Array(outs).keys()]));
  const y = await ops.step(() =>
    recorded(() =>
      ops.linear(ops.input(x, [rows, width]), weight, { bias, residual: ops.input(residual, [rows, outs]) }),
    ),
  );
  for (const tensor of [weight, bias]) ops.free(tensor);
  return { y, factors: { x, w, width, dtype } };
}

/** Fails unless each value is as near as the variant's arithmetic lets it be, the addition of bias and residual included. */
function assertAllowed(got: Float32Array, want: Float32Array, factors: Factors, { arithmetic }: Variant): void {
  const { allowed } = expectedProduct(factors, arithmetic);
  for (const [i, value] of got.entries()) {
    const off = Math.abs(value - want[i]!);
    assert.ok(off <= allowed[i]! + 1e-4, `[${i}] is ${value}, wanted ${want[i]}: off by ${off}, allowed ${allowed[i]}`);
  }
}
