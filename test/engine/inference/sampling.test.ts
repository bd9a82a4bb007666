/** Drawing from the likeliest tokens gives what drawing from whole rows of logits gives. */
import assert from 'node:assert/strict';
import type { Sampling } from '../../../engine/inference/generationTypes.ts';
import { loadModel } from '../../../engine/load/loadModel.ts';
import type { LoadedModel } from '../../../engine/load/loadedModel.ts';
import { backendReports } from '../../../engine/load/openBackend.ts';
import type { Backend } from '../../../engine/wire/protocol.ts';
import { mulberry32 } from '../../../engine/inference/random.ts';
import { Sampler, candidatesOf } from '../../../engine/inference/sampler.ts';
import type { Session } from '../../../engine/inference/session.ts';
import { topK } from '../../../kernels/reference/topK.ts';
import { MAX_F32 } from '../../../kernels/ops.ts';
import { readGolden, withGolden } from '../../support/engine/golden.ts';
import { TinySessions } from '../../support/engine/tinySessions.ts';
import { textPrompt } from '../../../engine/prompt/prompt.ts';

/** Logits of which a few stand out by `spread`. */
function randomRow(seed: number, length: number, spread: number): Float32Array {
  const next = mulberry32(seed);
  return Float32Array.from({ length }, () => 2 * next() - spread * Math.log(next()));
}

describe('drawing from candidates', () => {
  type Row = [name: string, sampling: Omit<Sampling, 'seed'>, vocabulary: number];
  const settings: Row[] = [
    ['top-p 0.95', { temperature: 1, topP: 0.95 }, 5000],
    ['top-p 0.5, hot', { temperature: 1.7, topP: 0.5 }, 5000],
    ['top-p 0.999, cold', { temperature: 0.1, topP: 0.999 }, 5000],
    ['top-k 20', { temperature: 1, topK: 20 }, 5000],
    ['top-k 1', { temperature: 1, topK: 1 }, 5000],
    ['top-k 256 and top-p', { temperature: 1, topK: 256, topP: 0.8 }, 5000],
    ['min-p', { temperature: 1, minP: 0.05 }, 5000],
    ['min-p and top-p', { temperature: 0.8, minP: 0.02, topP: 0.97 }, 5000],
    ['temperature 0', { temperature: 0 }, 5000],
    ['a temperature near 0', { temperature: 1e-30, topP: 0.9 }, 5000],
    ['fewer tokens than candidates', { temperature: 1, topP: 0.95 }, 50],
    ['as many', { temperature: 1, topP: 0.95 }, 256],
  ];
  for (const [name, sampling, vocabulary] of settings) {
    it(`${name}: the same as from the whole row`, () => {
      let drawn = 0;
      for (const spread of [0.2, 1, 3]) {
        const [whole, few] = [1, 2].map(() => new Sampler({ ...sampling, seed: 9 })) as [Sampler, Sampler];
        for (let i = 0; i < 60; i++) {
          const logits = randomRow(i + 1, vocabulary, spread);
          if (i % 3 === 0) logits.fill(-Infinity, 40); // Few may be chosen.
          if (i % 3 === 1) logits.fill(-MAX_F32, 0, 10); // As phi-3-small's dummy ids.
          const candidates = candidatesOf(topK(logits, vocabulary, askedOf(few, vocabulary)));
          const index = few.pickFrom(candidates);
          assert.equal(few.suffices(candidates), index !== null);
          const id = index === null ? few.pick(logits, []) : candidates.ids[index];
          assert.equal(id, whole.pick(logits, []), `spread ${spread}, row ${i}`);
          drawn += Number(index !== null);
        }
      }
      assert.ok(drawn >= 60, `only ${drawn} of 180 were drawn from candidates`);
    });
  }

  function askedOf(sampler: Sampler, vocabulary: number) {
    const { k, inverseTemperature } = sampler.candidates!;
    return { k: Math.min(k, vocabulary), inverseTemperature };
  }

  it('a flat row needs the whole of it', () => {
    const sampler = new Sampler({ temperature: 1, topP: 0.95, seed: 1 });
    const flat = new Float32Array(5000);
    assert.equal(sampler.pickFrom(candidatesOf(topK(flat, 5000, sampler.candidates!))), null);
  });

  for (const sampling of [
    { temperature: 1 },
    { temperature: 1, topK: 257 },
    { temperature: 1, topK: 257, topP: 0.9 },
    { temperature: 1, topP: 0.9, repetitionPenalty: 1.1 },
    { temperature: 0, repetitionPenalty: 1.1 },
  ]) {
    it(`${JSON.stringify(sampling)} asks for whole rows`, () =>
      assert.equal(new Sampler({ ...sampling, seed: 1 }).candidates, undefined));
  }
});

const sampled: Omit<Sampling, 'seed'>[] = [
  { temperature: 0.05, topP: 0.9 },
  { temperature: 0.4, topP: 0.8 },
  { temperature: 1, topP: 0.95 },
  { temperature: 1, topK: 40 },
];

interface Drawn {
  readonly ids: number[];
  readonly logprobs: number[];
}

/** Token by token from the logits. */
async function fromWholeRows(session: Session, prompt: readonly number[], sampling: Sampling): Promise<Drawn> {
  const sampler = new Sampler(sampling);
  const drawn: Drawn = { ids: [], logprobs: [] };
  while (drawn.ids.length < 12) {
    const tokens = [...prompt, ...drawn.ids];
    const { values } = await session.run(textPrompt(tokens), { output: 'logits' });
    const id = sampler.pick(values, tokens);
    drawn.ids.push(id);
    drawn.logprobs.push(values[id]! - Math.log(values.reduce((total, value) => total + Math.exp(value), 0)));
  }
  return drawn;
}

async function assertAsWholeRows(open: () => Session, prompt: readonly number[], sampling: Sampling): Promise<void> {
  const whole = open();
  const want = await fromWholeRows(whole, prompt, sampling);
  await whole.dispose();
  const label = JSON.stringify(sampling);
  for (const speculation of ['off', 'always'] as const) {
    const session = open();
    const drawn: Drawn = { ids: [], logprobs: [] };
    const options = { maxTokens: 12, stopIds: new Set<number>(), sampling, speculation, related: [want.ids] };
    for await (const { id, logprob } of session.generate(textPrompt(prompt), options)) {
      drawn.ids.push(id);
      drawn.logprobs.push(logprob);
    }
    await session.dispose();
    assert.deepEqual(drawn.ids, want.ids, label);
    drawn.logprobs.forEach((logprob, i) => assert.ok(Math.abs(logprob - want.logprobs[i]!) < 1e-4, label));
  }
}

for (const backend of ['reference', 'wasm', 'webgpu'] as Backend[]) {
  describe(`goldens sampled on ${backend}`, function () {
    this.timeout(120_000);
    before(async function () {
      if (backend !== 'webgpu') return;
      const gpu = (await backendReports({ allowSoftwareGpu: true })).find((report) => report.backend === 'webgpu')!;
      if (gpu.usable) return;
      console.log(`    skipped: ${gpu.reason}`);
      this.skip();
    });

    for (const name of ['mini-4k', 'small-step2']) {
      it(`${name}: as from whole rows`, async () => {
        const options = { backend, weights: 'f32', kv: 'f32', allowSoftwareGpu: true, threads: 1 } as const;
        const model: LoadedModel = await withGolden(name, {}, (folder) => loadModel(folder, options));
        const { ids: prompt } = readGolden(name)[0]!.prompts[0]!;
        for (const [seed, sampling] of sampled.entries())
          await assertAsWholeRows(() => model.createSession(), prompt, { ...sampling, seed });
        await model.dispose();
      });
    }
  });
}

describe('what a sampled token reads back', () => {
  let tiny: TinySessions;
  beforeEach(async () => {
    tiny = await TinySessions.create();
  });
  afterEach(() => tiny.dispose());

  const prompt = [5, 6, 7, 8, 9, 10];
  const output = (sufficing: boolean) => ({ k: 3, inverseTemperature: 1, suffices: () => sufficing });

  it('is the candidates, without logits where they suffice', async () => {
    const { values, logits } = await tiny.session().run(textPrompt(prompt), { output: output(true), last: 2 });
    assert.equal(values.length, 2 * 8);
    assert.deepEqual(logits, [null, null]);
  });

  for (const chunkTokens of [1, 4, 16]) {
    it(`is the logits too where they do not, and the model runs once (${chunkTokens} tokens a step)`, async () => {
      const want = await tiny.session().run(textPrompt(prompt), { output: 'logits', last: 3, chunkTokens });
      tiny.computed();
      const lone = await TinySessions.create();
      const { values, logits } = await lone
        .session()
        .run(textPrompt(prompt), { output: output(false), last: 3, chunkTokens });
      assert.equal(lone.computed(), prompt.length);
      assert.equal(values.length, 3 * 8);
      assert.deepEqual(
        logits.flatMap((row) => [...row!]),
        [...want.values],
      );
      await lone.dispose();
    });
  }
});
