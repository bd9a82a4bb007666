/** Decoding with drafts gives what decoding one token at a time gives. */
import assert from 'node:assert/strict';
import type { Drafter } from '../../../engine/inference/drafter.ts';
import { type DecodingSession, generate } from '../../../engine/inference/generate.ts';
import type { GenerateOptions, Generation, GenerationStats } from '../../../engine/inference/generationTypes.ts';
import { type LoadOptions, loadModel } from '../../../engine/load/loadModel.ts';
import type { LoadedModel } from '../../../engine/load/loadedModel.ts';
import { backendReports } from '../../../engine/load/openBackend.ts';
import type { Session } from '../../../engine/inference/session.ts';
import { Sequence } from '../../../engine/inference/sequence.ts';
import { Speculation } from '../../../engine/inference/speculation.ts';
import type { TokenConstraint } from '../../../engine/tokenizer/tokenConstraint.ts';
import type { Backend } from '../../../engine/wire/protocol.ts';
import { topK } from '../../../kernels/reference/topK.ts';
import { readGolden, withGolden } from '../../support/engine/golden.ts';
import { TinySessions } from '../../support/engine/tinySessions.ts';
import { textPrompt } from '../../../engine/prompt/prompt.ts';

const greedy = { maxTokens: 40, stopIds: new Set<number>() };
const ids = (count: number, seed = 7): number[] => Array.from({ length: count }, (_, i) => (i * 31 + seed) % 128);

interface Answer {
  readonly ids: number[];
  readonly logprobs: number[];
  readonly stats: GenerationStats;
}

async function collect(generation: Generation): Promise<Answer> {
  const answer: Answer = { ids: [], logprobs: [], stats: generation.stats };
  for await (const { id, logprob } of generation) {
    answer.ids.push(id);
    answer.logprobs.push(logprob);
  }
  return answer;
}

/** Decodes plainly, and again with drafts of which three in four are right. */
async function bothWays(
  open: () => Session,
  prompt: readonly number[],
  options: GenerateOptions = greedy,
  constraint?: () => TokenConstraint,
): Promise<{ plain: Answer; drafted: Answer }> {
  const answer = async (speculation: 'always' | 'off', drafter?: Drafter): Promise<Answer> => {
    const session = open();
    const given = { ...options, speculation, ...(constraint && { constraint: constraint() }) };
    const result = await collect(generate(session, textPrompt(prompt), given, drafter));
    await session.dispose();
    return result;
  };
  const plain = await answer('off');
  return { plain, drafted: await answer('always', mostlyRight(prompt, plain.ids)) };
}

/** Drafts that `answer` follows the prompt. */
function proposing(prompt: readonly number[], answer: readonly number[]): Drafter {
  return {
    push() {},
    propose: (ids, _newest, most, { stopIds }) => {
      const start = ids.length + 1 - prompt.length;
      const draft = answer.slice(start, start + most);
      const stop = draft.findIndex((id) => stopIds.has(id));
      return stop < 0 ? draft : draft.slice(0, stop);
    },
  };
}

function mostlyRight(prompt: readonly number[], answer: readonly number[]): Drafter {
  const changed = answer.map((id, i) => (i % 4 === 3 ? (id + 1) % 128 : id));
  return proposing(prompt, changed);
}

function assertSame({ plain, drafted }: { plain: Answer; drafted: Answer }): void {
  assert.deepEqual(drafted.ids, plain.ids);
  assert.deepEqual(drafted.logprobs, plain.logprobs);
  assert.equal(drafted.stats.stop, plain.stats.stop);
  assert.deepEqual([plain.stats.tokensDrafted, plain.stats.tokensAccepted], [0, 0]);
}

describe('decoding with drafts', () => {
  let tiny: TinySessions;
  beforeEach(async () => {
    tiny = await TinySessions.create();
  });
  afterEach(() => tiny.dispose());

  const sampling = { temperature: 1, seed: 3 };
  const table: [string, number[], Partial<GenerateOptions>][] = [
    ['greedily', ids(70), {}],
    ['a prompt of one token', [5], {}],
    ['sampled', ids(50), { sampling }],
    ['sampled with top-p', ids(50), { sampling: { ...sampling, temperature: 0.2, topP: 0.9 } }],
    ['sampled with all options', ids(50), { sampling: { ...sampling, topP: 0.9, topK: 20, repetitionPenalty: 1.3 } }],
    ['one token', ids(20), { maxTokens: 1 }],
    ['two tokens', ids(20), { maxTokens: 2 }],
    ['to the end of the context', ids(240), { maxTokens: 100 }],
  ];
  for (const [name, prompt, options] of table) {
    it(`${name}: the same ids and log-probabilities`, async () => {
      const answers = await bothWays(() => tiny.session(), prompt, { ...greedy, ...options });
      assertSame(answers);
      const { tokensDrafted, tokensAccepted, tokensGenerated, passes } = answers.drafted.stats;
      if (tokensGenerated > 2) assert.ok(tokensAccepted > 0 && tokensAccepted < tokensDrafted);
      assert.equal(passes, tokensGenerated - tokensAccepted, 'every pass gives the token after those accepted');
    });
  }

  it('stops where plain decoding stops, within a draft', async () => {
    const { plain } = await bothWays(() => tiny.session(), ids(70));
    for (const stop of plain.ids.slice(1, 12)) {
      const answers = await bothWays(() => tiny.session(), ids(70), { ...greedy, stopIds: new Set([stop]) });
      assertSame(answers);
      assert.equal(answers.drafted.stats.stop, 'end');
    }
  });

  it('honours the constraint of token healing', async () => {
    const constraint = (): TokenConstraint => {
      const spelled = [77, 78];
      return {
        get active() {
          return spelled.length > 0;
        },
        allows: (id) => id === spelled[0],
        accept: () => void spelled.shift(),
      };
    };
    const answers = await bothWays(() => tiny.session(), ids(70), greedy, constraint);
    assertSame(answers);
    assert.deepEqual(answers.drafted.ids.slice(0, 2), [77, 78]);
    assert.deepEqual(answers.drafted.logprobs.slice(0, 2), [0, 0], 'nothing else was allowed');
    assert.ok(answers.drafted.stats.tokensAccepted > 0);
  });

  it('runs a pass of up to eight tokens, and keeps what it accepts', async () => {
    const prompt = ids(70);
    const { ids: right } = await collect(
      tiny.session().generate(textPrompt(prompt), { ...greedy, speculation: 'off' }),
    );
    tiny.steps.splice(0);
    const session = tiny.session();
    const { stats } = await collect(
      generate(session, textPrompt(prompt), { ...greedy, speculation: 'always' }, proposing(prompt, right)),
    );
    const passes = tiny.steps.map(({ tokens }) => tokens);
    assert.deepEqual(passes.slice(0, 4), [1, 8, 8, 8]);
    assert.equal(passes.length, stats.passes);
    const computed = passes.reduce((sum, tokens) => sum + tokens);
    assert.deepEqual([stats.tokensDrafted, stats.tokensAccepted], [computed - passes.length, 40 - passes.length]);
    assert.deepEqual([...session.tokens], [...prompt, ...right.slice(0, -1)]);
  });

  it('by itself drafts from the prompt, and gives the same', async () => {
    const prompt = [...ids(60), ...ids(60)];
    const session = tiny.session();
    for (const seed of [0, 1, 2]) {
      const own = { ...greedy, maxTokens: 100, sampling: { temperature: 0.2, seed } };
      const auto = await collect(session.generate(textPrompt(prompt), own));
      assert.deepEqual(
        auto.ids,
        (await collect(tiny.session().generate(textPrompt(prompt), { ...own, speculation: 'off' }))).ids,
      );
    }
  });

  for (const chunkTokens of [1, 3]) {
    it(`in chunks of ${chunkTokens}`, async () => {
      const small = await TinySessions.create({ chunkTokens });
      assertSame(await bothWays(() => small.session(), ids(20)));
      await small.dispose();
    });
  }

  it('left within a draft, the session continues correctly', async () => {
    const prompt = ids(70);
    const { ids: right } = await collect(
      tiny.session().generate(textPrompt(prompt), { ...greedy, speculation: 'off' }),
    );
    for (const taken of [1, 2, 3, 5, 9]) {
      const session = tiny.session();
      const options = { ...greedy, speculation: 'always' } as const;
      const seen: number[] = [];
      for await (const { id } of generate(session, textPrompt(prompt), options, proposing(prompt, right)))
        if (seen.push(id) === taken) break;
      assert.deepEqual(seen, right.slice(0, taken));
      assert.deepEqual([...session.tokens], [...prompt, ...right].slice(0, session.tokens.length));
      const cached = session.tokens.length;
      const next = [...prompt, ...right.slice(0, taken), 99];
      const fresh = await TinySessions.create();
      const want = await collect(fresh.session().generate(textPrompt(next), { ...greedy, speculation: 'off' }));
      const got = await collect(session.generate(textPrompt(next), greedy));
      assert.deepEqual([got.ids, got.logprobs], [want.ids, want.logprobs]);
      assert.equal(got.stats.tokensReused, Math.min(cached, prompt.length + taken));
      await fresh.dispose();
    }
  });

  it('continues correctly after somebody else used its session', async () => {
    const session = tiny.session();
    const seen: number[] = [];
    const { plain } = await bothWays(() => tiny.session(), ids(70));
    const options = { ...greedy, speculation: 'always' } as const;
    for await (const { id } of generate(session, textPrompt(ids(70)), options, mostlyRight(ids(70), plain.ids))) {
      seen.push(id);
      if (seen.length % 5 === 2) await session.run(textPrompt(ids(30, seen.length)), { output: 'argmax' });
    }
    assert.deepEqual(seen, plain.ids);
  });

  it('is cancelled within one pass', async () => {
    const abort = new AbortController();
    const session = tiny.session();
    const { plain } = await bothWays(() => tiny.session(), ids(70));
    const options = { ...greedy, speculation: 'always', signal: abort.signal } as const;
    const generation = generate(session, textPrompt(ids(70)), options, proposing(ids(70), plain.ids));
    const tokens = generation[Symbol.asyncIterator]();
    for (let i = 0; i < 3; i++) await tokens.next();
    const { passes } = generation.stats;
    abort.abort();
    await assert.rejects(tokens.next(), { name: 'Cancelled' });
    assert.equal(generation.stats.passes, passes);
    const again = await collect(session.generate(textPrompt(ids(70)), { ...greedy, speculation: 'off' }));
    assert.deepEqual(again.ids, plain.ids);
  });

  it('crosses the boundary of LongRoPE as plain decoding does, computing anew once', async () => {
    const factors = (scale: number): number[] => Array.from({ length: 8 }, (_, i) => 1 + scale * i);
    const config = {
      original_max_position_embeddings: 128,
      rope_scaling: { type: 'longrope', short_factor: factors(0.1), long_factor: factors(0.7) },
    };
    const long = await TinySessions.create({ config });
    for (const length of [115, 122, 126, 127, 128, 129]) {
      const plain = await collect(long.session().generate(textPrompt(ids(length)), { ...greedy, speculation: 'off' }));
      const fresh = await TinySessions.create({ config });
      const options = { ...greedy, speculation: 'always' } as const;
      const drafter = mostlyRight(ids(length), plain.ids);
      const drafted = await collect(generate(fresh.session(), textPrompt(ids(length)), options, drafter));
      assertSame({ plain, drafted });
      assert.ok(drafted.stats.tokensAccepted > 0);
      const whole = fresh.steps.filter(({ tokens, totalLength }) => tokens === 16 && totalLength > 128).length;
      assert.equal(whole, 8, 'the first 128 tokens once with the long factors');
      await fresh.dispose();
    }
    await long.dispose();
  });
});

describe('sampling with drafts', () => {
  const VOCABULARY = 5;
  /** Logits of what follows each token: a chain with likely and unlikely successors. */
  const chain = Array.from({ length: VOCABULARY }, (_, id) =>
    Float32Array.from({ length: VOCABULARY }, (_, next) => [1.5, 0.5, 0, -0.5, -1.5][(next + 2 * id) % VOCABULARY]!),
  );
  const probabilities = chain.map((logits) => {
    const weights = [...logits].map((value) => Math.exp(value));
    return weights.map((weight) => weight / weights.reduce((a, b) => a + b));
  });

  function chainSession(): DecodingSession {
    return {
      contextLength: 1e6,
      shortLength: 1e6,
      speculation: new Speculation(),
      reuse: async (prompt) => new Sequence(prompt),
      extend: async (sequence, ids, { last = 1, output }) => {
        sequence.push(ids);
        const logits = Float32Array.from(sequence.ids.slice(-last).flatMap((id) => [...chain[id]!]));
        const values = typeof output === 'string' ? logits : topK(logits, VOCABULARY, output);
        return { values, logits: [], computed: last, stepMs: 1 };
      },
    };
  }

  const sample = (seed: number, speculation: 'always' | 'off', maxTokens: number) =>
    collect(
      generate(chainSession(), textPrompt([0]), {
        ...{ maxTokens, stopIds: new Set<number>(), speculation },
        sampling: { temperature: 1, seed },
      }),
    );

  it('has the distribution of the model (chi-square at 0.1 %)', async () => {
    const { ids: drawn, stats } = await sample(11, 'always', 30_000);
    assert.ok(stats.tokensAccepted > 5000 && stats.tokensDrafted - stats.tokensAccepted > 5000);
    const counts = chain.map(() => new Array<number>(VOCABULARY).fill(0));
    [0, ...drawn].slice(0, -1).forEach((id, i) => counts[id]![drawn[i]!]!++);
    const chiSquare = counts.flatMap((row, id) => {
      const total = row.reduce((a, b) => a + b);
      return row.map(
        (count, next) => (count - total * probabilities[id]![next]!) ** 2 / (total * probabilities[id]![next]!),
      );
    });
    const sum = chiSquare.reduce((a, b) => a + b);
    assert.ok(sum < 45.3, `${sum}, of 20 degrees of freedom`);
  });

  it('the same seed gives what it gives without drafts', async () => {
    for (const seed of [1, 2, 3]) {
      const [drafted, plain] = [await sample(seed, 'always', 500), await sample(seed, 'off', 500)];
      assertSame({ plain, drafted });
    }
  });

  it('numbers that are none behind a rejected token are never seen', async () => {
    const session = chainSession();
    const broken: DecodingSession = {
      ...session,
      extend: async (sequence, ids, options) => {
        const result = await session.extend(sequence, ids, options);
        result.values.fill(NaN, result.values.length / (options.last ?? 1)); // All but the first row.
        return result;
      },
    };
    const options = { ...greedy, speculation: 'always', sampling: { temperature: 0, seed: 1 } } as const;
    const prompt = [0, 3, 0, 2, 0, 4];
    const { ids: right } = await collect(generate(session, textPrompt(prompt), options));
    const decode = (answer: readonly number[], maxTokens: number) =>
      collect(generate(broken, textPrompt(prompt), { ...options, maxTokens }, proposing(prompt, answer)));
    const wrong = right.map((id) => (id + 1) % VOCABULARY);
    const answer = await decode(wrong, 8);
    assert.deepEqual([answer.ids, answer.stats.tokensAccepted], [right.slice(0, 8), 0]);
    assert.ok(answer.stats.tokensDrafted > 0);
    await assert.rejects(decode(right, 8), /contains NaN/);
  });
});

describe('decoding with drafts, on WASM with the starter model', function () {
  this.timeout(60_000);
  // In f32 and by one thread WASM computes a row of attention in one way, whatever rows stand beside it.
  for (const weights of ['f16', 'q8', 'q4'] as const) {
    it(`weights ${weights}: the same ids and log-probabilities`, async () => {
      const model = await loadModel('media/starter', { backend: 'wasm', weights, kv: 'f32', threads: 1 });
      const prompt = model.tokenizer!.encode(
        'export function sum(values: number[]): number {\n  let total = 0;\n  for (',
      );
      for (const sampling of [undefined, { temperature: 0.8, seed: 5 }]) {
        const options = { ...greedy, stopIds: model.stopIds, ...(sampling && { sampling }) };
        const answers = await bothWays(() => model.createSession(), prompt, options);
        assertSame(answers);
        assert.ok(answers.drafted.stats.tokensAccepted > 5);
      }
      await model.dispose();
    });
  }
});

for (const backend of ['reference', 'wasm', 'webgpu'] as Backend[]) {
  describe(`goldens decoded with drafts on ${backend}`, function () {
    this.timeout(120_000);
    before(async function () {
      if (backend !== 'webgpu') return;
      const gpu = (await backendReports({ allowSoftwareGpu: true })).find((report) => report.backend === 'webgpu')!;
      if (gpu.usable) return;
      console.log(`    skipped: ${gpu.reason}`);
      this.skip();
    });

    // Software GPUs are slow: one model of each architecture.
    for (const name of backend === 'webgpu'
      ? ['mini-4k', 'small-step2']
      : ['mini-4k', 'mini-128k', 'medium-gqa', 'small-step2']) {
      it(`${name}: greedy ids`, async () => {
        const [variant] = readGolden(name);
        const options: LoadOptions = { backend, weights: 'f32', kv: 'f32', allowSoftwareGpu: true };
        const model: LoadedModel = await withGolden(name, {}, (folder) => loadModel(folder, options));
        for (const { ids: prompt, greedy: golden } of variant!.prompts) {
          if (!golden) continue;
          const options = { ...greedy, maxTokens: 16, speculation: 'always' } as const;
          const session = model.createSession();
          const drafter = mostlyRight(prompt, golden.ids);
          const answer = await collect(generate(session, textPrompt(prompt), options, drafter));
          assert.deepEqual(answer.ids, golden.ids);
          assert.ok(answer.stats.tokensAccepted > 0 && answer.stats.tokensAccepted < answer.stats.tokensDrafted);
          await session.dispose();
        }
        await model.dispose();
      });
    }
  });
}
