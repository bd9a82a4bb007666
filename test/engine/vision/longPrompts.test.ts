import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { PRIORITY } from '../../../engine/inference/scheduler.ts';
import { loadModel } from '../../../engine/load/loadModel.ts';
import { joinPrompt } from '../../../engine/prompt/prompt.ts';
import { identifyPicture } from '../../../engine/vision/pictureFile.ts';
import { goldenFolder } from '../../support/engine/golden.ts';
import { noisyPng, tinyVisionModel } from '../../support/engine/vision/tinyVision.ts';

interface Rope {
  readonly rope_scaling: { readonly short_factor: number[]; readonly long_factor: number[]; readonly type: string };
}

/** A picture takes 313 positions, so that one picture and its question are short, and two are long. */
const ORIGINAL_LENGTH = 512;

/** The last logits of a prompt with so many pictures, in steps of 64 tokens. */
async function logits(pictures: number, rope: Rope): Promise<Float32Array> {
  const folder = tinyVisionModel({ ...rope, original_max_position_embeddings: ORIGINAL_LENGTH });
  folder.file('a.png', noisyPng(40, 40, 1)).file('b.png', noisyPng(40, 40, 2));
  const model = await loadModel(folder.path, { backend: 'wasm', threads: 1, contextLength: 1024, chunkTokens: 64 });
  try {
    const parts: Parameters<typeof joinPrompt>[0][number][] = [[1, 5, 6]];
    for (const name of ['a.png', 'b.png'].slice(0, pictures)) {
      const options = { holder: model, mostCrops: 1, priority: PRIORITY.chat };
      const { key, size } = await model.images!.encode(await identifyPicture(join(folder.path, name)), options);
      parts.push({ key, length: size.tokens }, [1, 7, 8]);
    }
    return (await model.createSession().run(joinPrompt(parts), { output: 'logits' })).values;
  } finally {
    await model.dispose();
    folder.remove();
  }
}

describe('LongRoPE and pictures', function () {
  this.timeout(60_000);
  const golden = JSON.parse(readFileSync(join(goldenFolder('vision'), 'config.json'), 'utf8')) as Rope;
  const both = { rope_scaling: golden.rope_scaling };
  const { long_factor: long } = both.rope_scaling;
  const onlyLong = { rope_scaling: { ...both.rope_scaling, short_factor: long } };

  it('a prompt that its pictures make long has the long factors from the first step on', async () => {
    assert.deepEqual(await logits(2, both), await logits(2, onlyLong));
  });

  it('a prompt that stays short has the short ones', async () => {
    assert.notDeepEqual(await logits(1, both), await logits(1, onlyLong));
  });
});
