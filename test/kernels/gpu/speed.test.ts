import assert from 'node:assert/strict';
import { openGpu } from '../../../kernels/gpu/device/adapter.ts';
import { type Kernel, WORKGROUP } from '../../../kernels/gpu/device/kernel.ts';
import { gpuReport, gpuSpeed } from '../../../kernels/gpu/gpuOps.ts';
import { speedKernels } from '../../../kernels/gpu/speed/kernels.ts';
import { Probe } from '../../../kernels/gpu/speed/probe.ts';

const ROUNDS = 5;
const STEPS = 4 * ROUNDS;
const CHAINS = [0, 1, 2, 3, 4, 5, 6, 7];

describe('what the GPU backend measures of a GPU', function () {
  this.timeout(120_000);
  let probe: Probe;
  let has: { readonly f16: boolean; readonly bytes: boolean };

  before(async function () {
    const { usable, reason } = await gpuReport({ allowSoftware: true });
    if (!usable) {
      console.log(`    skipped: ${reason}`);
      return this.skip();
    }
    const { device, offered } = await openGpu({ allowSoftware: true });
    has = { f16: offered.has('f16'), bytes: offered.has('byte products') };
    probe = new Probe(device, 2 ** 20);
  });
  after(() => probe?.dispose());

  /** The first results of a kernel, two workgroups of which read `numbers`. */
  async function resultsOf(
    kernel: Kernel,
    numbers: Float32Array | Uint32Array,
    parameter: number,
  ): Promise<ArrayBuffer> {
    const from = probe.memory.allocate(numbers.byteLength);
    const to = probe.memory.allocate(2 * WORKGROUP * 16);
    probe.device.queue.writeBuffer(from.gpu, 0, numbers.slice());
    const { seconds, hostSeconds } = await probe.run({ kernel, from, to, parameter, groups: 2, times: 1 });
    assert.ok(seconds > 0 && seconds <= hostSeconds);
    return probe.read(to);
  }

  it('copies as much as it counts', async () => {
    const numbers = Float32Array.from({ length: 8 * WORKGROUP }, (_, i) => i + 1);
    const copied = new Float32Array(await resultsOf(speedKernels(has).copy, numbers, 40));
    assert.deepEqual([...copied], [...numbers.subarray(0, 160), ...new Float32Array(copied.length - 160)]);
  });

  for (const name of ['f32', 'f16'] as const) {
    it(`multiplies and adds in ${name} as often as it counts`, async function () {
      const kernel = speedKernels(has)[name];
      if (!kernel) {
        console.log('      skipped: this adapter has no f16');
        return this.skip();
      }
      // All sums are exact in both formats.
      const [factor, addend] = [1, 0.125];
      const sums = new Float32Array(await resultsOf(kernel, new Float32Array([factor, addend]), ROUNDS));
      for (const [thread, sum] of sums.entries()) {
        const chains = CHAINS.map((chain) => (thread & 1) + (chain + STEPS) * addend);
        assert.equal(sum, 4 * chains.reduce((a, b) => a + b));
      }
    });
  }

  it('multiplies packed bytes as often as it counts', async function () {
    const kernel = speedKernels(has).bytes;
    if (!kernel) {
      console.log('      skipped: this adapter has no products of packed bytes');
      return this.skip();
    }
    const factor = [3, -2, 127, -128];
    const sums = new Int32Array(await resultsOf(kernel, new Uint32Array(Int8Array.from(factor).buffer), ROUNDS));
    const step = (x: number): number => {
      return (x + new Int8Array(Int32Array.of(x).buffer).reduce((dot, byte, k) => dot + byte * factor[k]!, 0)) | 0;
    };
    for (const [thread, sum] of sums.entries()) {
      let chains = CHAINS.map((chain) => (thread & 1) + chain);
      for (let i = 0; i < STEPS; i++) chains = chains.map(step);
      assert.equal(
        sum,
        chains.reduce((a, b) => (a + b) | 0),
      );
    }
  });

  it('is a rate of everything that the adapter offers', async () => {
    const speed = await gpuSpeed({ allowSoftware: true });
    const { copyBytesPerSecond, f32MacsPerSecond, f16MacsPerSecond, byteMacsPerSecond } = speed;
    for (const rate of [copyBytesPerSecond, f32MacsPerSecond]) assert.ok(rate > 0 && rate < 1e15);
    for (const seconds of [speed.dispatchSeconds, speed.roundTripSeconds]) assert.ok(seconds >= 0 && seconds < 60);
    assert.equal(f16MacsPerSecond !== undefined, has.f16);
    assert.equal(byteMacsPerSecond !== undefined, has.bytes);
  });
});
