import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { knownGpuSpeed } from '../../../engine/discovery/gpuSpeedFile.ts';
import { gpuSpeedLines } from '../../../engine/load/gpuSpeedLines.ts';
import type { GpuSpeed } from '../../../engine/load/openBackend.ts';

const SPEED: GpuSpeed = {
  copyBytesPerSecond: 4.56e11,
  f32MacsPerSecond: 1.2e13,
  byteMacsPerSecond: 4.8e13,
  dispatchSeconds: 2.5e-6,
  roundTripSeconds: 1.2e-4,
  byTimestamps: true,
};

describe("the file of the GPUs' speeds", () => {
  let folder: string;
  beforeEach(() => (folder = mkdtempSync(join(tmpdir(), 'airgap-gpu-'))));
  afterEach(() => rmSync(folder, { recursive: true, force: true }));
  let measured = 0;
  const measure = async (): Promise<GpuSpeed> => ({ ...SPEED, f32MacsPerSecond: 1e12 + measured++ });

  it('measures each adapter and driver once', async () => {
    const first = await knownGpuSpeed(folder, 'a card, driver 1', measure);
    assert.deepEqual(await knownGpuSpeed(folder, 'a card, driver 1', measure), first);
    const newDriver = await knownGpuSpeed(folder, 'a card, driver 2', measure);
    assert.notDeepEqual(newDriver, first);
    assert.deepEqual(await knownGpuSpeed(folder, 'a card, driver 1', measure), first);
  });

  for (const content of ['', '{', '[]', '{"a card":{"copyBytesPerSecond":-1}}']) {
    it(`measures anew where the file is ${JSON.stringify(content)}`, async () => {
      writeFileSync(join(folder, 'gpu-speeds.json'), content);
      const speed = await knownGpuSpeed(folder, 'a card', measure);
      assert.deepEqual(await knownGpuSpeed(folder, 'a card', measure), speed);
    });
  }

  it('measures each time where nothing can be written, and says why nothing could be measured', async () => {
    writeFileSync(join(folder, 'file'), '');
    const unwritable = join(folder, 'file', 'store');
    assert.notDeepEqual(
      await knownGpuSpeed(unwritable, 'a card', measure),
      await knownGpuSpeed(unwritable, 'a card', measure),
    );
    const failed = knownGpuSpeed(folder, 'a card', () => Promise.reject(new Error('The GPU was lost.')));
    await assert.rejects(failed, /The GPU was lost/);
  });
});

describe("the lines about a GPU's speed", () => {
  it('name every rate, and what the adapter does not offer', () => {
    assert.deepEqual(gpuSpeedLines(SPEED), [
      'copies: 456 GB/s read and written',
      'multiply-adds: f32 12000 G/s, f16 not offered, packed bytes 48000 G/s',
      'a dispatch: 2.5 µs, a round trip: 0.12 ms',
      "speed measured by: the GPU's timestamps",
    ]);
  });
});
