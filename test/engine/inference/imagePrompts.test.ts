/** Prompts with positions for images: cached, shared and refused like text, without a model that sees. */
import assert from 'node:assert/strict';
import { KvDiskCache } from '../../../engine/inference/kvDiskCache.ts';
import { NgramIndex } from '../../../engine/inference/ngrams.ts';
import { PRIORITY } from '../../../engine/inference/scheduler.ts';
import { imageIds, joinPrompt, type Prompt, textPrompt } from '../../../engine/prompt/prompt.ts';
import { TinyFolder } from '../../support/engine/tinyModel.ts';
import { TinySessions } from '../../support/engine/tinySessions.ts';

const ids = (count: number, seed = 7): number[] => Array.from({ length: count }, (_, i) => (i * 31 + seed) % 128);
const [cat, dog] = [{ key: 'cat', length: 90 }, { key: 'dog', length: 90 }]; // prettier-ignore
const images = new Map([cat, dog, { key: 'egg', length: 3 }].map(({ key, length }) => [key, length]));
const config = { max_position_embeddings: 1024 };
const greedy = { maxTokens: 5, stopIds: new Set<number>() };

describe('ids of image positions', () => {
  it('depend on key and position alone, are negative, and are never -1', () => {
    const all = imageIds('cat', 5000);
    assert.deepEqual(imageIds('cat', 100), all.slice(0, 100));
    assert.ok(all.every((id) => id < -1));
    assert.ok(new Set(all).size > 4990);
    assert.ok(imageIds('dog', 5000).every((id, i) => id !== all[i]));
  });

  it('stand in the prompt where the image stands', () => {
    const prompt = joinPrompt([[1, 2], { key: 'egg', length: 3 }, [4]]);
    assert.deepEqual([...prompt.ids], [1, 2, ...imageIds('egg', 3), 4]);
    assert.deepEqual(prompt.images, [{ at: 2, length: 3, key: 'egg' }]);
  });

  it('are never drafted', () => {
    const index = new NgramIndex([...joinPrompt([[5, 6], { key: 'egg', length: 3 }, [5, 6]]).ids]);
    assert.deepEqual(index.following(index.match()!.position, 4), []);
  });
});

describe('prompts with images', () => {
  let tiny: TinySessions;
  let cold: TinySessions;
  beforeEach(async () => {
    tiny = await TinySessions.create({ config, images });
    cold = await TinySessions.create({ config, images });
  });
  afterEach(async () => {
    await tiny.dispose();
    await cold.dispose();
  });

  const logits = async (sessions: TinySessions, prompt: Prompt): Promise<Float32Array> =>
    (await sessions.session().run(prompt, { output: 'logits' })).values;
  const about = (image: typeof cat, ...question: number[]): Prompt => joinPrompt([ids(40), image, question]);

  it('differ by their images', async () => {
    assert.notDeepEqual(await logits(tiny, about(cat, 1, 2)), await logits(tiny, about(dog, 1, 2)));
  });

  it('have the same logits in chunks of any size', async () => {
    const want = await logits(cold, about(cat, 1, 2));
    for (const chunkTokens of [1, 7, 41, 130, 200]) {
      const session = tiny.session();
      const { values } = await session.run(about(cat, 1, 2), { output: 'logits', chunkTokens });
      assert.deepEqual(values, want);
      await session.dispose();
    }
  });

  for (const [name, first, second, reused] of [
    ['the same image', about(cat, 1), about(cat, 2, 3), 130],
    ['another image', about(cat, 1), about(dog, 1), 40],
    ['the image in another place', about(cat, 1), joinPrompt([ids(41), cat, [1]]), 40],
    ['two images, the second changed', joinPrompt([cat, [1], cat]), joinPrompt([cat, [1], dog]), 91],
    ['text in place of the image', about(cat, 1), textPrompt(ids(200)), 40],
  ] as const) {
    it(`reuse the prefix in common: ${name}`, async () => {
      const session = tiny.session();
      await session.prefill(first);
      const result = await session.run(second, { output: 'logits' });
      assert.equal(result.reused, reused);
      assert.deepEqual(result.values, await logits(cold, second));
    });
  }

  it('share their pages with other sessions', async () => {
    const [chat, other] = [tiny.session(PRIORITY.chat), tiny.session()];
    await chat.prefill(about(cat, 1));
    const result = await other.run(about(cat, 2, 3), { output: 'logits' });
    assert.equal(result.reused, 130);
    assert.deepEqual(result.values, await logits(cold, about(cat, 2, 3)));
  });

  it('are restored from disk', async () => {
    const folder = new TinyFolder();
    try {
      const cache = new KvDiskCache(assert.fail).keepIn({ folder: folder.path, maxBytes: 1e9 });
      const prompt = joinPrompt([ids(250), cat, [1]]);
      for (const reused of [0, 340]) {
        const restarted = await TinySessions.create({ config, images, diskCache: { cache, identity: 'tiny' } });
        const session = restarted.session();
        const result = await session.run(prompt, { output: 'logits' });
        assert.equal(result.reused, reused);
        assert.deepEqual(result.values, await logits(cold, prompt));
        await session.saveToDisk();
        await restarted.dispose();
      }
    } finally {
      folder.remove();
    }
  });

  it('are continued with and without drafts, and with a repetition penalty', async () => {
    const sampling = { temperature: 0.5, seed: 1, repetitionPenalty: 1.3 };
    const answers: number[][] = [];
    for (const speculation of ['always', 'off'] as const) {
      const tokens: number[] = [];
      const options = { ...greedy, maxTokens: 30, sampling, speculation };
      for await (const { id } of cold.session().generate(about(cat, 1, 2), options)) tokens.push(id);
      answers.push(tokens);
    }
    assert.deepEqual(answers[0], answers[1]);
    assert.ok(answers[0]!.every((id) => id >= 0 && id < 128));
  });

  const { ids: right } = about(cat, 1);
  const refused: [string, Prompt, RegExp][] = [
    [
      'an image that is missing',
      { ids: right, images: [] },
      /-\d+ is outside the vocabulary of 128 tokens, and no image/,
    ],
    ['an image that is not loaded', joinPrompt([[1], { key: 'owl', length: 4 }]), /image owl .* not loaded/],
    ['an image of another size', joinPrompt([[1], { key: 'egg', length: 4 }]), /egg has 3 positions, the prompt 4/],
    ['the positions of another image', { ids: right, images: [{ at: 40, ...dog }] }, /positions of dog/],
    ['an image behind the end', { ids: right, images: [{ at: 100, ...cat }] }, /vocabulary|positions of cat/],
    ['an image of no size', { ids: right, images: [{ at: 40, length: 0, key: 'cat' }] }, /positions of cat/],
    [
      'images that overlap',
      {
        ids: right,
        images: [
          { at: 40, ...cat },
          { at: 50, ...cat },
        ],
      },
      /overlap/,
    ],
  ];
  for (const [name, prompt, says] of refused) {
    it(`refuse ${name}`, async () => {
      const session = tiny.session();
      await session.prefill(textPrompt([1, 2, 3]));
      await assert.rejects(session.run(prompt, { output: 'argmax' }), { name: 'BadRequest', message: says });
      assert.equal(tiny.computed(), 3, 'nothing more was computed');
    });
  }

  it('are refused by a model that takes no images', async () => {
    const blind = await TinySessions.create({ config });
    await assert.rejects(blind.session().prefill(about(cat, 1)), { name: 'BadRequest', message: /takes no images/ });
    await blind.dispose();
  });
});
