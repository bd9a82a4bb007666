import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { keepTuning, knownTuning } from '../../../engine/discovery/gpuTuningFile.ts';

describe("the file of the GPUs' kernels", () => {
  let folder: string;
  beforeEach(() => (folder = mkdtempSync(join(tmpdir(), 'airgap-gpu-'))));
  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  it('keeps the choices of each adapter and driver, those of several models together, for the user alone', async () => {
    await keepTuning(folder, 'a card, driver 1', { chosen: { a: 'x', b: 'x' }, verdicts: { v: 'No.' }, macsPerMs: 7 });
    await keepTuning(folder, 'a card, driver 1', { chosen: { b: 'y' }, verdicts: { v: 'No.', w: '' } });
    assert.deepEqual(await knownTuning(folder, 'a card, driver 1'), {
      chosen: { a: 'x', b: 'y' },
      verdicts: { v: 'No.', w: '' },
      macsPerMs: 7,
    });
    assert.equal(await knownTuning(folder, 'a card, driver 2'), undefined);
    if (process.platform !== 'win32') assert.equal(statSync(folder).mode & 0o077, 0);
  });

  for (const content of ['', '{', '[]', '{"a card":{"chosen":{"a":1},"verdicts":{}}}']) {
    it(`knows nothing where the file is ${JSON.stringify(content)}`, async () => {
      writeFileSync(join(folder, 'gpu-variants.json'), content);
      assert.equal(await knownTuning(folder, 'a card'), undefined);
    });
  }
});
