import assert from 'node:assert/strict';
import type { GpuOps, TunedShape } from '../../../kernels/gpu/gpuOps.ts';
import { VARIANTS } from '../../../kernels/gpu/variants/products.ts';
import { productsOf } from '../../../kernels/gpu/variants/tuner.ts';
import { gpuOrSkip } from '../../support/gpuOrSkip.ts';
import { randomValues } from '../../support/random.ts';
import { makeWeight } from '../../support/weights.ts';

describe('the tuner of the products on webgpu', function () {
  this.timeout(120_000);
  let ops: GpuOps;

  before(async function () {
    ops = await gpuOrSkip(this);
  });
  after(() => ops?.dispose());

  it('times every variant that is right, runs its choice from then on, holds nothing, and ends when told to', async () => {
    const weights = [1, 2].map((seed) => makeWeight(ops, randomValues(seed, 96 * 64), [96, 64], 'q8'));
    await Promise.all(weights);
    const weightBytes = ops.bytesHeld;
    const end = new AbortController();
    const shapes: TunedShape[] = [];
    const onShape = (shape: TunedShape): void => {
      shapes.push(shape);
      end.abort();
    };
    const tuning = await ops.tune({ mostSeconds: 1000, signal: end.signal, onShape });
    assert.deepEqual(tuning, { shapes, dropped: [], complete: false });
    const [{ key, times, chosen }] = shapes as [TunedShape];
    assert.equal(key, 'one row x 64 x 96 q8');
    const offered = ops.variants.candidates('matvec', 'q8').map(({ name }) => name);
    assert.deepEqual(times.map(({ variant }) => variant).sort(), offered.sort());
    assert.ok(times.every(({ seconds }, i) => seconds > 0 && seconds >= (times[i - 1]?.seconds ?? 0)));
    assert.equal(ops.variants.of(1, 'q8', [96, 64]).name, chosen);
    assert.equal(ops.variants.of(1, 'q4', [96, 64]), VARIANTS.matvec[0]);
    for (const weight of weights) ops.free(await weight);
    assert.ok(ops.bytesHeld < weightBytes + 2 ** 20);
    assert.deepEqual((await ops.tune({ mostSeconds: 1000 })).shapes, []); // No weights are left.
  });

  it('computes as many products as it times', async () => {
    const weight = await makeWeight(ops, randomValues(1, 96 * 64), [96, 64], 'q8');
    const x = ops.upload(randomValues(2, 64), [1, 64]);
    const before = ops.dispatches;
    await ops.step(() => productsOf(ops, x, [weight], 50));
    assert.ok(ops.dispatches - before >= 50);
    for (const tensor of [weight, x]) ops.free(tensor);
  });

  it('starts nothing once its time is up', async () => {
    const weight = await makeWeight(ops, randomValues(1, 96 * 64), [96, 64], 'q8');
    assert.deepEqual(await ops.tune({ mostSeconds: 0 }), { shapes: [], dropped: [], complete: false });
    ops.free(weight);
  });

  it('takes what was kept, and leaves out what it does not know', () => {
    const [, second] = VARIANTS.matmul;
    ops.variants.chooseKept({
      'many rows x 32 x 8 q4': second!.name,
      'one row x 32 x 8 q4': 'a variant of another version',
    });
    assert.equal(ops.variants.of(9, 'q4', [8, 32]), second);
    assert.equal(ops.variants.of(1, 'q4', [8, 32]), VARIANTS.matvec[0]);
  });
});
