import assert from 'node:assert/strict';
import { loadModel } from '../../../engine/load/loadModel.ts';
import type { LoadedModel } from '../../../engine/load/loadedModel.ts';
import type { GenerateOptions } from '../../../engine/inference/generationTypes.ts';
import { PRIORITY, type Priority } from '../../../engine/inference/scheduler.ts';
import type { Session } from '../../../engine/inference/session.ts';
import { assertWithin } from '../../support/close.ts';
import { type Stored, TINY_CONFIG, TinyFolder, tinyTensors } from '../../support/engine/tinyModel.ts';
import { textPrompt } from '../../../engine/prompt/prompt.ts';

const greedy = { maxTokens: 5, stopIds: new Set<number>() };
const prompt = Array.from({ length: 70 }, (_, i) => (i * 31 + 7) % 128);

describe('a session', () => {
  let folder: TinyFolder;
  let model: LoadedModel;
  let another: LoadedModel;
  const sessions: Session[] = [];
  before(async () => {
    folder = TinyFolder.model();
    model = await loadModel(folder.path, { backend: 'reference', chunkTokens: 16 });
    another = await loadModel(folder.path, { backend: 'reference', chunkTokens: 16 });
  });
  afterEach(async () => {
    for (const session of sessions.splice(0)) await session.dispose();
  });
  after(async () => {
    await model.dispose();
    await another.dispose();
    folder.remove();
  });

  function open(priority?: Priority): Session {
    const session = model.createSession(priority);
    sessions.push(session);
    return session;
  }

  /** Generates in a new session of another model, in which nothing is cached. */
  async function cold(ids: readonly number[], options: GenerateOptions = greedy): Promise<number[]> {
    const session = another.createSession();
    const tokens = await collect(session.generate(textPrompt(ids), options));
    await session.dispose();
    return tokens;
  }

  it('re-uses the longest common prefix of the request before', async () => {
    const session = open();
    const stats = async (ids: number[]) => {
      const generation = session.generate(textPrompt(ids), { ...greedy, maxTokens: 1 });
      await collect(generation);
      return [generation.stats.tokensReused, generation.stats.tokensPrefilled];
    };
    assert.deepEqual(await stats(prompt), [0, 70]);
    assert.deepEqual(await stats([...prompt, 5]), [70, 1]);
    assert.deepEqual(await stats([...prompt, 6]), [70, 1]);
    assert.deepEqual(await stats(prompt.slice(0, 20)), [19, 1], 'the last token is computed again for its output');
    assert.deepEqual(await stats([1, ...prompt]), [0, 71]);
  });

  it('gives the same tokens with and without re-use', async () => {
    const session = open();
    await collect(session.generate(textPrompt([...prompt, 9, 9]), greedy));
    const warm = await collect(session.generate(textPrompt(prompt), greedy));
    assert.deepEqual(warm, await cold(prompt));
  });

  it('does not disturb another session', async () => {
    const [a, b] = [open(), open()];
    const alone = await cold(prompt);
    const [first] = await Promise.all([
      collect(a.generate(textPrompt(prompt), greedy)),
      collect(b.generate(textPrompt([3, 4, 5]), greedy)),
    ]);
    assert.deepEqual(first, alone);
  });

  it('stops at stop ids without yielding them', async () => {
    const ids = await cold(prompt);
    const generation = open().generate(textPrompt(prompt), { ...greedy, stopIds: new Set([ids[2]!]) });
    assert.deepEqual(await collect(generation), ids.slice(0, ids.indexOf(ids[2]!)));
    assert.equal(generation.stats.stop, 'end');
  });

  it('ends with length at the end of the context', async () => {
    const long = Array.from({ length: TINY_CONFIG.max_position_embeddings - 1 }, (_, i) => i % 128);
    const generation = open().generate(textPrompt(long), { ...greedy, maxTokens: 9 });
    assert.equal((await collect(generation)).length, 2);
    assert.equal(generation.stats.stop, 'length');
  });

  it('is cancelled within one step, and its cache stays good', async () => {
    const session = open();
    const abort = new AbortController();
    const generation = session.generate(textPrompt(prompt), { ...greedy, signal: abort.signal });
    const running = collect(generation);
    await new Promise(setImmediate);
    abort.abort();
    await assert.rejects(running, { name: 'Cancelled' });
    assert.ok(session.tokens.length <= 32, `${session.tokens.length} tokens were computed after the cancellation`);
    assert.deepEqual(await collect(session.generate(textPrompt(prompt), greedy)), await cold(prompt));
  });

  it('disposed while it generates, it ends within one step and holds no page', async () => {
    const own = await loadModel(folder.path, { backend: 'reference', chunkTokens: 16 });
    const session = own.createSession();
    await collect(session.generate(textPrompt(prompt), greedy));
    const held = own.bytesHeld();
    const running = collect(session.generate(textPrompt([1, ...prompt]), greedy));
    await new Promise(setImmediate);
    await session.dispose();
    await assert.rejects(running, { name: 'Cancelled' });
    await assert.rejects(session.run(textPrompt(prompt), { output: 'argmax' }), { name: 'Cancelled' });
    await collect(own.createSession().generate(textPrompt(prompt), greedy));
    assert.equal(own.bytesHeld(), held, 'its pages serve the next session');
    await own.dispose();
  });

  it('requests made at once, of either kind, do not disturb each other', async () => {
    const session = open();
    const other = [...prompt.slice(0, 30), 1, 2, 3];
    const [a, b, c] = await Promise.all([
      collect(session.generate(textPrompt(prompt), greedy)),
      session.run(textPrompt(other), { output: 'argmax' }),
      collect(session.generate(textPrompt(other), greedy)),
    ]);
    assert.deepEqual(a, await cold(prompt));
    assert.deepEqual(c, await cold(other));
    assert.equal(b.values[0], c[0]);
  });

  for (const sampling of [undefined, { temperature: 1, seed: 1 }]) {
    it(`says so where the ${sampling ? 'sampled' : 'greedy'} logits are no numbers`, async () => {
      const tensors = tinyTensors().map((tensor) =>
        /^model\.norm|^lm_head/.test(tensor.name)
          ? { ...tensor, values: tensor.values.map((value) => value * 1e30) }
          : tensor,
      );
      const broken = TinyFolder.model({ tensors });
      const overflowing = await loadModel(broken.path, { backend: 'wasm', weights: 'f32' });
      const generation = overflowing
        .createSession()
        .generate(textPrompt(prompt), { ...greedy, ...(sampling && { sampling }) });
      await assert.rejects(collect(generation), { name: 'BadModel', message: /contains NaN/ });
      await overflowing.dispose();
      broken.remove();
    });
  }

  it('lets a completion pass between the chunks of a chat', async () => {
    const order: string[] = [];
    const chat = collect(open(PRIORITY.background).generate(textPrompt(prompt), { ...greedy, maxTokens: 1 }));
    const completion = collect(open().generate(textPrompt([1, 2]), { ...greedy, maxTokens: 1 }));
    await Promise.all([chat.then(() => order.push('chat')), completion.then(() => order.push('completion'))]);
    assert.deepEqual(order, ['completion', 'chat']);
  });

  it('honours a constraint on the first token only', async () => {
    let active = true;
    const constraint = {
      get active() {
        return active;
      },
      allows: (id: number) => id === 77,
      accept: () => void (active = false),
    };
    const ids = await collect(open().generate(textPrompt(prompt), { ...greedy, constraint }));
    assert.equal(ids[0], 77);
    assert.deepEqual(ids.slice(1), await cold([...prompt, 77], { ...greedy, maxTokens: 4 }));
  });

  const refused: [string, number[], Partial<GenerateOptions>, RegExp][] = [
    ['an empty prompt', [], {}, /prompt is empty/],
    [
      'a prompt beyond the context',
      Array<number>(257).fill(1),
      {},
      /257 tokens, but the context window of this model holds 256/,
    ],
    ['an id outside of the vocabulary', [1, 128], {}, /Token id 128 is outside the vocabulary of 128/],
    ['no tokens', [1], { maxTokens: 0 }, /maxTokens is 0/],
    ['a temperature below 0', [1], { sampling: { temperature: -1, seed: 1 } }, /Temperature -1/],
  ];
  for (const [name, ids, options, says] of refused) {
    it(`refuses ${name}`, async () => {
      await assert.rejects(async () => collect(open().generate(textPrompt(ids), { ...greedy, ...options })), says);
    });
  }
});

describe('weights', () => {
  const logits = async (folder: TinyFolder): Promise<Float32Array> => {
    const model = await loadModel(folder.path, { backend: 'reference', weights: 'f32', kv: 'f32' });
    const { values } = await model.createSession().run(textPrompt(prompt), { output: 'logits' });
    await model.dispose();
    folder.remove();
    return values;
  };

  for (const [dtype, shards] of [
    ['F32', 1],
    ['F16', 1],
    ['BF16', 3],
    ['F32', 2],
  ] as [Stored, number][]) {
    it(`${dtype} in ${shards} file(s) give the same logits`, async () => {
      const want = await logits(TinyFolder.model());
      assertWithin(await logits(TinyFolder.model({ dtype, shards })), want, dtype === 'F16' ? 1e-4 : 0);
    });
  }

  it('a folder without a tokenizer has the stop ids and texts of its generation_config.json', async () => {
    const stops = { eos_token_id: [5, 7], stop_strings: '###' };
    const folder = TinyFolder.model().json('generation_config.json', stops);
    const model = await loadModel(folder.path, { backend: 'reference' });
    assert.deepEqual([[...model.stopIds], model.stopStrings, model.info.chat], [[5, 7], ['###'], false]);
    await model.dispose();
    folder.remove();
  });

  it('a tied head is the embedding', async () => {
    const config = { ...TINY_CONFIG, tie_word_embeddings: true };
    assert.equal((await logits(TinyFolder.model({ config }))).length, 128);
  });

  it('loading can be cancelled and reports its progress', async () => {
    const folder = TinyFolder.model();
    const abort = new AbortController();
    const seen: number[] = [];
    const onProgress = ({ loadedBytes, totalBytes }: { loadedBytes: number; totalBytes: number }): void => {
      seen.push(loadedBytes / totalBytes);
      if (seen.length === 4) abort.abort();
    };
    await assert.rejects(loadModel(folder.path, { backend: 'reference', signal: abort.signal, onProgress }), {
      name: 'Cancelled',
    });
    assert.deepEqual([seen.length, seen[0]], [4, 0]);
    assert.ok(seen.every((share, i) => share > (seen[i - 1] ?? -1) && share < 1));
    folder.remove();
  });
});

async function collect(generation: AsyncIterable<{ id: number }>): Promise<number[]> {
  const ids: number[] = [];
  for await (const { id } of generation) ids.push(id);
  return ids;
}
