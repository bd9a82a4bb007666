import assert from 'node:assert/strict';
import { join } from 'node:path';
import { modelLine } from '../../../engine/wire/models.ts';
import { airgapIn } from '../../support/engine/terminal.ts';
import { TinyFolder } from '../../support/engine/tinyModel.ts';

describe('airgap import --calibrate', function () {
  this.timeout(120_000);
  const folder = new TinyFolder();
  after(() => folder.remove());

  const calibrate = (file: string, ...more: string[]) => {
    const env = { AIRGAP_STORE: join(folder.path, 'store'), AIRGAP_SHARED_STORE: join(folder.path, 'none') };
    return airgapIn(env, 'import', 'media/starter', '--name', 'mine', '--calibrate', file, ...more);
  };

  it('runs the model on the text, then packs it, and tells how far it is', async () => {
    const { code, stdout, stderr } = await calibrate('engine/inference/sampler.ts', '--json');
    assert.equal(code, 0, stderr);
    const lines = stdout
      .trim()
      .split('\n')
      .map((line) => modelLine.parse(JSON.parse(line)));
    const steps = lines.map((line) => (line.type === 'progress' ? line.step : line.type));
    assert.deepEqual([...new Set(steps)], ['calibrate', 'pack', 'done']);
  });

  for (const [what, content, sentence] of [
    ['an empty file', '', / contains no text to calibrate with\.\n$/],
    ['a binary file', '\0\u0001', / is a binary file, but a calibration file has to be text\.\n$/],
    ['a short text', 'const a = 1;', /^The calibration text has \d+ tokens; at least 256 are needed .*\.\n$/m],
  ] as const) {
    it(`says in one sentence that ${what} cannot be used`, async () => {
      folder.file('text', content);
      const { code, stdout, stderr } = await calibrate(join(folder.path, 'text'), '--name', 'refused');
      assert.deepEqual([code, stdout], [1, '']);
      assert.match(stderr, sentence);
    });
  }
});
