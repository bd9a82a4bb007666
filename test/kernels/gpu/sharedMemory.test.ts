import assert from 'node:assert/strict';
import type { GpuOps } from '../../../kernels/gpu/gpuOps.ts';
import { isIntegrated, memoryOf } from '../../../kernels/gpu/device/sharedMemory.ts';
import { OutOfMemory } from '../../../kernels/ops.ts';
import { gpuOrSkip } from '../../support/gpuOrSkip.ts';

const infoOf = (vendor: string, architecture: string, device: string): GPUAdapterInfo =>
  ({ vendor, architecture, device, description: '', isFallbackAdapter: false }) as unknown as GPUAdapterInfo;

describe("GPUs that use the system's memory", function () {
  this.timeout(20_000);

  const integrated = [
    ['intel', 'gen-9', 'Intel(R) UHD Graphics 630 (CFL GT2)'],
    ['intel', 'gen-12lp', 'Intel(R) Iris(R) Xe Graphics'],
    ['intel', 'xe-2lpg', 'Intel(R) Arc(TM) Graphics (LNL)'],
    ['intel', '', 'Intel(R) HD Graphics 5500'],
    ['amd', 'gcn-5', 'AMD Radeon(TM) Vega 8 Graphics'],
    ['amd', 'rdna-2', 'AMD Radeon(TM) Graphics'],
    ['amd', 'rdna-3', 'AMD Radeon 780M (RADV PHOENIX)'],
    ['amd', '', 'AMD Radeon(TM) 8060S Graphics'],
    ['qualcomm', 'adreno-7xx', 'Qualcomm(R) Adreno(TM) X1-85 GPU'],
  ] as const;
  const cards = [
    ['nvidia', 'lovelace', 'NVIDIA GeForce RTX 4060 Laptop GPU'],
    ['intel', 'gen-12hp', 'Intel(R) Arc(TM) A770 Graphics'],
    ['intel', 'xe-2hpg', 'Intel(R) Arc(TM) B580 Graphics'],
    ['intel', '', 'Intel(R) Arc(TM) A380 Graphics'],
    ['amd', 'rdna-2', 'AMD Radeon RX 6800M'],
    ['amd', 'rdna-3', 'AMD Radeon RX 7900 XTX (RADV NAVI31)'],
    ['amd', '', 'AMD Radeon Pro W6800'],
    ['', '', 'a GPU that nobody knows'],
  ] as const;
  for (const [wanted, infos] of [
    [true, integrated],
    [false, cards],
  ] as const)
    for (const info of infos)
      it(`${info[2]} does${wanted ? '' : ' not'}`, () =>
        assert.equal(isIntegrated(infoOf(info[0], info[1], info[2])), wanted));

  it('may take what is free there; a card, what an allocation gets', () => {
    const ofIntegrated = memoryOf(infoOf(...integrated[0]), 'win32');
    assert.ok(ofIntegrated.freeBytes!() > 0 && ofIntegrated.totalBytes < Infinity);
    assert.deepEqual(memoryOf(infoOf(...cards[0]), 'linux'), { totalBytes: Infinity });
  });

  it('refuse more than is free, and say that it is the system that has no more', async function () {
    let free = 3 * 2 ** 20;
    const ops: GpuOps = await gpuOrSkip(this, { memory: { totalBytes: 2 ** 24, freeBytes: () => free } });
    try {
      assert.equal(ops.bytesFree, free);
      const kept = ops.upload(new Float32Array(2 ** 19), [2 ** 19]); // 2 MiB
      free -= 2 ** 21;
      assert.throws(
        () => ops.upload(new Float32Array(2 ** 19), [2 ** 19]),
        (error) =>
          error instanceof OutOfMemory &&
          error.message === "2 MiB more do not fit: this GPU uses the system's memory, of which 1 MiB are free.",
      );
      ops.free(kept);
      free = Infinity; // Then the limit of all buffers counts.
      assert.equal(ops.bytesFree, 2 ** 24);
    } finally {
      await ops.dispose();
    }
  });
});
