/**
 * Prefix sharing between sessions of one model, and LongRoPE's boundary, measured in tokens computed and pages held.
 */
import assert from 'node:assert/strict';
import { PRIORITY } from '../../../engine/inference/scheduler.ts';
import type { RunResult, Session } from '../../../engine/inference/session.ts';
import { TinySessions } from '../../support/engine/tinySessions.ts';
import { textPrompt } from '../../../engine/prompt/prompt.ts';

const ids = (count: number, seed = 7): number[] => Array.from({ length: count }, (_, i) => (i * 31 + seed) % 128);
const file = ids(200);
const question = [5, 4, 3, 2, 1];
/** Plainly, so that steps can be counted: one per token. */
const greedy = { maxTokens: 6, stopIds: new Set<number>(), speculation: 'off' } as const;

describe('sessions of one model', () => {
  let tiny: TinySessions;
  let empty: TinySessions;
  beforeEach(async () => {
    tiny = await TinySessions.create();
    empty = await TinySessions.create();
  });
  afterEach(async () => {
    await tiny.dispose();
    await empty.dispose();
  });

  /** The same where nothing is cached. */
  async function cold(tokens: readonly number[]): Promise<Float32Array> {
    const session = empty.session();
    const { values } = await session.run(textPrompt(tokens), { output: 'logits' });
    await session.dispose();
    return values;
  }

  async function assertAsCold(result: RunResult, tokens: readonly number[]): Promise<void> {
    assert.deepEqual(result.values, await cold(tokens));
  }

  it('pay once for a prefix in common', async () => {
    const [completions, chat] = [tiny.session(), tiny.session(PRIORITY.background)];
    await completions.run(textPrompt(file), { output: 'argmax' });
    assert.deepEqual([tiny.computed(), tiny.allocator.pagesInUse], [200, 4]);
    const answer = await chat.run(textPrompt([...file, ...question]), { output: 'logits' });
    assert.deepEqual([answer.reused, answer.computed, tiny.computed()], [200, 5, 5]);
    assert.equal(tiny.allocator.pagesInUse, 5, 'three pages are shared, the last one is split');
    await assertAsCold(answer, [...file, ...question]);
    const [other, next] = [ids(150, 9), [...file, 77]];
    await assertAsCold(await completions.run(textPrompt(next), { output: 'logits' }), next);
    await assertAsCold(await completions.run(textPrompt(other), { output: 'logits' }), other);
    assert.equal(tiny.allocator.pagesInUse, 4 + 3);
    const more = [...file, ...question, 1];
    await assertAsCold(await chat.run(textPrompt(more), { output: 'logits' }), more);
    await completions.dispose();
    assert.equal(tiny.allocator.pagesInUse, 4);
    await chat.dispose();
    assert.deepEqual([tiny.allocator.pagesInUse, tiny.allocator.caches.size], [0, 0]);
  });

  for (const [name, own, others, prompt, reused] of [
    ['nothing of its own', [], [ids(150)], file, 150],
    ['less than a page more', ids(100), [ids(163)], file, 100],
    ['a page more', ids(100), [ids(164)], file, 164],
    ['the longest of three', [], [ids(70), [...ids(140), 0, 0, 0], ids(90)], file, 140],
    ['all of the prompt but the token whose output is asked for', [], [[...file, 1, 2]], file, 199],
    ['another beginning', [], [[99, ...file]], file, 0],
  ] as const) {
    it(`take from others: ${name}`, async () => {
      const session = tiny.session();
      if (own.length > 0) await session.prefill(textPrompt(own));
      for (const tokens of others) await tiny.session().prefill(textPrompt(tokens));
      const result = await session.run(textPrompt(prompt), { output: 'logits' });
      assert.deepEqual([result.reused, result.computed], [reused, prompt.length - reused]);
      await assertAsCold(result, prompt);
    });
  }

  it('take over what another has got to meanwhile, and nobody computes it again', async () => {
    const large = await TinySessions.create({ config: { max_position_embeddings: 512 } });
    const text = ids(400);
    const [background, completions] = [large.session(PRIORITY.background), large.session()];
    const reading = background.prefill(textPrompt(text));
    while (background.tokens.length < 100) await new Promise(setImmediate);
    const before = background.tokens.length;
    const prompt = [...text, ...question];
    const result = await completions.run(textPrompt(prompt), { output: 'logits' });
    assert.ok(result.reused >= before && result.reused < 200, `${result.reused} taken of ${before}`);
    await reading;
    assert.deepEqual([...background.tokens], text);
    const computed = large.computed();
    assert.ok(computed < prompt.length + 64 + 2 * 16, `${computed} computed: more than a page and a chunk twice`);
    const alone = await TinySessions.create({ config: { max_position_embeddings: 512 } });
    assert.deepEqual(result.values, (await alone.session().run(textPrompt(prompt), { output: 'logits' })).values);
    await large.dispose();
    await alone.dispose();
  });

  it('let a completion in after one chunk of a long prefill', async () => {
    const [background, completions] = [tiny.session(PRIORITY.background), tiny.session()];
    const reading = background.prefill(textPrompt(file));
    while (background.tokens.length < 64) await new Promise(setImmediate);
    const before = background.tokens.length;
    await completions.run(textPrompt(ids(20, 1)), { output: 'argmax' });
    const meanwhile = background.tokens.length - before;
    assert.ok(meanwhile <= 2 * 16, `${meanwhile} tokens went first`);
    assert.deepEqual(await reading, { reused: 0, computed: 200 });
  });

  it('a prefill computes what is missing and no output, and what follows starts from it', async () => {
    const session = tiny.session();
    assert.deepEqual(await session.prefill(textPrompt(file)), { reused: 0, computed: 200 });
    assert.deepEqual(await session.prefill(textPrompt(file)), { reused: 200, computed: 0 });
    assert.deepEqual(await session.prefill(textPrompt([...file, 1])), { reused: 200, computed: 1 });
    const result = await session.run(textPrompt([...file, ...question]), { output: 'logits' });
    assert.deepEqual([result.reused, result.computed], [200, 5]);
    await assertAsCold(result, [...file, ...question]);
    await assert.rejects(session.prefill(textPrompt([])), { name: 'BadRequest', message: /prompt is empty/ });
    await assert.rejects(session.prefill(textPrompt(ids(257))), {
      name: 'BadRequest',
      message: /context window of this model holds 256/,
    });
  });

  it('a prefill is cancelled within one chunk; what was computed stays', async () => {
    const session = tiny.session();
    const abort = new AbortController();
    const reading = session.prefill(textPrompt(file), { signal: abort.signal });
    while (session.tokens.length < 48) await new Promise(setImmediate);
    abort.abort();
    const before = session.tokens.length;
    await assert.rejects(reading, { name: 'Cancelled' });
    assert.ok(session.tokens.length <= before + 16);
    const result = await session.run(textPrompt(file), { output: 'logits' });
    assert.equal(result.reused, session.tokens.length - result.computed);
    assert.ok(result.reused >= before);
    await assertAsCold(result, file);
  });

  it('a disposed session takes nothing from the others', async () => {
    const [first, second] = [tiny.session(), tiny.session()];
    await first.prefill(textPrompt(file));
    await second.dispose();
    await assert.rejects(second.prefill(textPrompt(file)), { name: 'Cancelled' });
    await first.dispose();
    assert.equal(tiny.allocator.pagesInUse, 0);
  });

  it('refuse ids that nobody has computed yet, wherever they stand', async () => {
    const session = tiny.session();
    await session.prefill(textPrompt(file));
    for (const bad of [1.5, NaN, 2 ** 31]) assert.throws(() => textPrompt([...file, bad]), /not a token id/);
    for (const bad of [128, -1])
      await assert.rejects(
        session.run(textPrompt([...file, bad]), { output: 'argmax' }),
        /outside the vocabulary of 128/,
      );
    assert.deepEqual([...session.tokens], file);
  });

  it('a generation goes on rightly after somebody else used its session', async () => {
    const session = tiny.session();
    const seen: number[] = [];
    for await (const { id } of session.generate(textPrompt(file), greedy)) {
      seen.push(id);
      if (seen.length === 2) await session.run(textPrompt(ids(30, 3)), { output: 'argmax' });
      if (seen.length === 4) await session.prefill(textPrompt([...file, ...question]));
    }
    assert.deepEqual(seen, await generated(empty.session(), file));
  });
});

describe('LongRoPE', () => {
  const factors = (scale: number): number[] => Array.from({ length: 8 }, (_, i) => 1 + scale * i);
  const config = {
    original_max_position_embeddings: 128,
    rope_scaling: { type: 'longrope', short_factor: factors(0.1), long_factor: factors(0.7) },
  };
  let tiny: TinySessions;
  beforeEach(async () => {
    tiny = await TinySessions.create({ config });
  });
  afterEach(() => tiny.dispose());

  it('crossing the boundary recomputes exactly once; the steps after it go on from there', async () => {
    const tokens = tiny
      .session()
      .generate(textPrompt(ids(125)), { ...greedy, maxTokens: 8 })
      [Symbol.asyncIterator]();
    const computedPerToken: number[] = [];
    while (!(await tokens.next()).done) computedPerToken.push(tiny.computed());
    assert.deepEqual(computedPerToken, [125, 1, 1, 1, 129, 1, 1, 1]);
  });

  it('a prompt known to be long starts with the long factors', async () => {
    await generated(tiny.session(), ids(140));
    assert.ok(tiny.steps.every(({ totalLength }) => totalLength > 128));
    assert.equal(tiny.computed(), 140 + 5);
  });

  it('what may be generated does not count: a short prompt has the numbers of a short prompt', async () => {
    const logprobs: number[] = [];
    for (const maxTokens of [1, 100]) {
      const session = tiny.session();
      for await (const { logprob } of session.generate(textPrompt(ids(100)), { ...greedy, maxTokens })) {
        logprobs.push(logprob);
        break;
      }
      await session.dispose();
    }
    assert.equal(logprobs[0], logprobs[1]);
    assert.equal(tiny.steps.length, 2 * 7);
    assert.ok(tiny.steps.every(({ totalLength }) => totalLength === 100));
  });

  it('tokens generated beyond the boundary are those of a long prompt', async () => {
    const prompt = ids(126);
    const all = [...prompt, ...(await generated(tiny.session(), prompt))];
    const other = await TinySessions.create({ config });
    for (const length of [129, 130, 131]) {
      const { values } = await other.session().run(textPrompt(all.slice(0, length)), { output: 'argmax' });
      assert.equal(values[0], all[length]);
    }
    await other.dispose();
  });

  it('keys of the short and of the long factors do not serve each other', async () => {
    const [short, long, third] = [tiny.session(), tiny.session(), tiny.session()];
    await short.prefill(textPrompt(ids(128)));
    assert.equal((await long.run(textPrompt(ids(140)), { output: 'argmax' })).reused, 0);
    assert.equal((await third.run(textPrompt(ids(150)), { output: 'argmax' })).reused, 140);
    assert.equal((await third.run(textPrompt(ids(120)), { output: 'argmax' })).reused, 119);
    assert.equal(
      (await short.run(textPrompt(ids(150)), { output: 'argmax' })).reused,
      140,
      'the long cache of another saves the crossing',
    );
  });
});

async function generated(session: Session, prompt: readonly number[]): Promise<number[]> {
  const tokens: number[] = [];
  for await (const { id } of session.generate(textPrompt(prompt), greedy)) tokens.push(id);
  return tokens;
}
