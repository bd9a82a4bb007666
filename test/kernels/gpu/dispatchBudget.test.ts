import assert from 'node:assert/strict';
import { DispatchBudget } from '../../../kernels/gpu/device/dispatchBudget.ts';
import { createGpuOps, gpuReport } from '../../../kernels/gpu/gpuOps.ts';
import { VARIANTS } from '../../../kernels/gpu/variants/products.ts';
import type { Ops } from '../../../kernels/ops.ts';
import { ReferenceOps } from '../../../kernels/reference/referenceOps.ts';
import { assertClose } from '../../support/close.ts';
import { randomValues } from '../../support/random.ts';
import { makeWeight } from '../../support/weights.ts';

describe('how much a dispatch of a large product computes', () => {
  it('is 50 ms: of a slow card until a step was timed, then of the fastest step so far', () => {
    const budget = new DispatchBudget();
    assert.deepEqual(budget.tilesFor(1e7, [10, 7]), [10, 5]);
    assert.deepEqual(budget.tilesFor(1e7, [10, 3]), [10, 3]);
    assert.deepEqual(budget.tilesFor(1e7, [60, 3]), [50, 1]);
    const step = (macs: number, ms: number): void => {
      budget.begin();
      budget.tilesFor(macs, [1, 1]);
      budget.ended(ms);
    };
    step(1e9, 1000); // 1e6 a millisecond
    assert.deepEqual(budget.tilesFor(1e6, [20, 7]), [20, 2]);
    step(1e9, 100);
    assert.deepEqual(budget.tilesFor(1e6, [20, 70]), [20, 25]);
    step(1e9, 1000); // Shared the device.
    assert.deepEqual(budget.tilesFor(1e6, [20, 70]), [20, 25]);
    budget.begin();
    budget.ended(0.1); // No large product.
    assert.deepEqual(budget.tilesFor(1e6, [20, 70]), [20, 25]);
  });

  it('is no less than keeps a slow GPU busy', () => {
    const budget = new DispatchBudget();
    assert.deepEqual(budget.tilesFor(1e12, [256, 4]), [16, 1]);
    assert.deepEqual(budget.tilesFor(1e12, [5, 4]), [5, 3]);
    assert.deepEqual(budget.tilesFor(1e12, [5, 2]), [5, 2]);
  });
});

describe('a large product on webgpu in several dispatches', function () {
  this.timeout(60_000);

  before(async function () {
    const { usable, reason } = await gpuReport({ allowSoftware: true });
    if (usable) return;
    console.log(`    skipped: ${reason}`);
    this.skip();
  });

  for (const variant of VARIANTS.matmul.filter(({ needs }) => needs.length === 0)) {
    it(`gives the same, 16 tiles at a time: ${variant.name}`, async () => {
      const ops = await createGpuOps({ allowSoftware: true, variants: { matmul: variant.name } });
      ops.budget.tilesFor(1, [1, 1]);
      ops.budget.ended(1e9); // As if the device were that slow.
      const got = await product(ops);
      const tile = variant.tile(ROWS);
      const columns = Math.ceil(OUTS / tile.outs);
      assert.ok(columns > 16);
      assert.equal(ops.dispatches, Math.ceil(columns / 16) * Math.ceil(ROWS / tile.rows));
      assertClose(got, await product(new ReferenceOps()), 2e-5);
      await ops.dispose();
    });
  }
});

const ROWS = 70;
const OUTS = 1090;

async function product(ops: Ops): Promise<Float32Array> {
  const [width, outs] = [32, OUTS];
  const weight = await makeWeight(ops, randomValues(1, outs * width), [outs, width], 'q8');
  const bias = ops.upload(randomValues(2, outs), [outs]);
  return ops.step(() => {
    const residual = ops.input(randomValues(3, ROWS * outs), [ROWS, outs]);
    return ops.linear(ops.input(randomValues(4, ROWS * width), [ROWS, width]), weight, { bias, residual });
  });
}
