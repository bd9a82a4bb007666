import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { airgap } from '../../support/engine/terminal.ts';
import { assertWithin } from '../../support/close.ts';
import { goldenFolder } from '../../support/engine/golden.ts';
import { readVisionGolden } from '../../support/engine/vision/golden.ts';

const model = goldenFolder('vision');
const portrait = join(model, 'portrait-300x800.png');
const screenshot = join(model, 'screenshot-1000x620.png');

describe('airgap logits with pictures', function () {
  this.timeout(60_000);
  let folder: string;
  before(() => {
    folder = mkdtempSync(join(tmpdir(), 'airgap-images-'));
    writeFileSync(join(folder, 'notes.png'), 'not a picture');
  });
  after(() => rmSync(folder, { recursive: true }));

  const logits = (ids: readonly number[], ...args: string[]) => {
    const file = join(folder, 'ids.json');
    writeFileSync(file, JSON.stringify(ids));
    const common = ['--backend', 'wasm', '--weights', 'f32', '--kv', 'f32', '--context', '4096', '--json'];
    return airgap('logits', model, '--ids-file', file, ...common, ...args);
  };

  it('puts two pictures into the places of -1 and -2 and says how large they became', async () => {
    const golden = readVisionGolden().prompts.find(({ name }) => name.startsWith('two images'))!;
    const ids = golden.ids.flatMap((part) => ('ids' in part ? part.ids : [part.id]));
    const images = golden.ids.flatMap((part) => ('ids' in part ? [] : ['--image', join(model, part.image)]));
    const last = golden.num_tokens - golden.logits_positions[0]!;
    const { code, stdout } = await logits(ids, ...images, '--crops', '4', '--last', `${last}`);
    assert.equal(code, 0);
    const printed = JSON.parse(stdout) as { tokens: number; images: object[]; logits: number[][] };
    assert.equal(printed.tokens, golden.num_tokens);
    const sizes = golden.ids.flatMap((part) =>
      'ids' in part
        ? []
        : [
            readVisionGolden().size_table.find(
              (row) => row.num_crops === 4 && part.image.includes(`${row.width}x${row.height}`),
            )!,
          ],
    );
    const wanted = sizes.map((row) => ({ width: row.hd_width, height: row.hd_height, tokens: row.num_image_tokens }));
    assert.deepEqual(printed.images, wanted);
    assertWithin(printed.logits.flat(), golden.logits.flat(), 1e-3);
  });

  const refusals: readonly { name: string; ids: number[]; args: string[]; message: RegExp }[] = [
    {
      name: 'a picture without a place',
      ids: [1, 2],
      args: ['--image', portrait],
      message: /1 picture was given, but the ids name none/,
    },
    {
      name: 'a place without a picture',
      ids: [1, -1],
      args: [],
      message: /0 pictures were given, but the ids name -1/,
    },
    {
      name: 'a picture twice',
      ids: [1, -1, -1],
      args: ['--image', portrait],
      message: /name -1, -1; each has to stand there once/,
    },
    {
      name: 'pictures out of order',
      ids: [-2, -1],
      args: ['--image', portrait, '--image', screenshot],
      message: /name -2, -1; each has to stand there once, in order/,
    },
    {
      name: 'another kind of file',
      ids: [-1],
      args: ['--image', 'IN/notes.png'],
      message: /^notes\.png is not a PNG file/,
    },
    {
      name: 'a file that does not exist',
      ids: [-1],
      args: ['--image', 'IN/none.png'],
      message: /none\.png cannot be read: ENOENT/,
    },
  ];
  for (const { name, ids, args, message } of refusals) {
    it(`refuses ${name} in one line`, async () => {
      const { code, stderr } = await logits(ids, ...args.map((arg) => arg.replace('IN', folder)));
      assert.equal(code, 1);
      assert.match(stderr.trim(), message);
      assert.equal(stderr.trim().split('\n').length, 1);
    });
  }

  it('refuses pictures for a model that takes none', async () => {
    const file = join(folder, 'ids.json');
    writeFileSync(file, '[1, -1]');
    const args = ['--ids-file', file, '--image', portrait, '--backend', 'wasm'];
    const { code, stderr } = await airgap('logits', goldenFolder('mini-4k'), ...args);
    assert.equal(code, 1);
    assert.match(stderr, /takes no pictures/);
  });
});
