import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { logSumExp } from '../../engine/inference/sampler.ts';
import { type LoadOptions, loadModel } from '../../engine/load/loadModel.ts';
import type { LoadedModel } from '../../engine/load/loadedModel.ts';
import { textPrompt } from '../../engine/prompt/prompt.ts';
import { gpuReport } from '../../kernels/gpu/gpuOps.ts';

interface Answer {
  readonly prompt?: string;
  readonly question?: string;
  readonly ids: number[];
  readonly greedy: readonly number[];
}

interface Golden {
  readonly continuations: readonly Answer[];
  readonly chats: readonly Answer[];
  readonly perplexity: readonly { file: string; window: number; predicted: number; perplexity: number }[];
}

const WEIGHTS = process.env['AIRGAP_SMOLLM2'];
const END = 2; // <|im_end|>

/** See test/fixtures/smollm2/README.md. */
describe('SmolLM2 as its GGUF file is, beside transformers', function () {
  this.timeout(900_000);
  const golden = JSON.parse(readFileSync('test/fixtures/smollm2/golden.json', 'utf8')) as Golden;

  before(function () {
    if (WEIGHTS) return;
    console.log('    skipped: AIRGAP_SMOLLM2 does not name the weights');
    this.skip();
  });

  const withModel = async (options: Partial<LoadOptions>, use: (model: LoadedModel) => Promise<void>) => {
    const model = await loadModel(WEIGHTS!, { backend: 'wasm', ...options });
    try {
      await use(model);
    } finally {
      await model.dispose();
    }
  };

  it('all greedy answers are equal with f32 weights', () =>
    withModel({ weights: 'f32', kv: 'f32' }, async (model) => {
      for (const { prompt, question, ids, greedy } of [...golden.continuations, ...golden.chats]) {
        const session = model.createSession();
        const got: number[] = [];
        const stopIds = new Set<number>();
        for await (const { id } of session.generate(textPrompt(ids), { maxTokens: greedy.length, stopIds }))
          got.push(id);
        await session.dispose();
        assert.deepEqual(got, greedy, prompt ?? question);
      }
    }));

  it('greedy answers are equal on WebGPU', async function () {
    const { usable, reason } = await gpuReport({ allowSoftware: true });
    if (!usable) {
      console.log(`      skipped: ${reason}`);
      return this.skip();
    }
    // One prefill of prompt and answer chooses each token as decoding does, in a fraction of the time on a software GPU.
    const answers = [golden.continuations[0]!, golden.continuations[10]!, golden.continuations[2]!, golden.chats[2]!];
    await withModel({ backend: 'webgpu', allowSoftwareGpu: true, weights: 'f32', kv: 'f32' }, async (model) => {
      for (const { prompt, question, ids, greedy } of answers) {
        const session = model.createSession();
        const { values } = await session.run(textPrompt([...ids, ...greedy.slice(0, -1)]), {
          output: 'argmax',
          last: greedy.length,
        });
        await session.dispose();
        const chosen = greedy.map((_, i) => values[2 * i]!); // a row is an id and its log-probability
        assert.deepEqual(chosen, greedy, prompt ?? question);
      }
    });
  });

  it('it stops at the end of an answer', () => withModel({}, async (model) => assert.ok(model.stopIds.has(END))));

  it('the perplexities in the default format are within 1 %', () =>
    withModel({}, async (model) => {
      console.log(`      formats: ${model.weights}`);
      for (const { file, window, predicted, perplexity } of golden.perplexity) {
        const text = file === 'prose.md' ? 'smollm2/prose.txt' : file.replace('..', 'golden');
        const ids = model.tokenizer!.encode(readFileSync(`test/fixtures/${text}`, 'utf8'));
        const measured = await perplexityOf(model, ids, window);
        assert.equal(measured.predicted, predicted, file);
        const off = measured.perplexity / perplexity - 1;
        console.log(`      ${file}: ${measured.perplexity.toFixed(4)}, ${(100 * off).toFixed(3)} % off`);
        assert.ok(Math.abs(off) < 0.01, `${file}: ${measured.perplexity}, wanted ${perplexity}`);
      }
    }));
});

async function perplexityOf(model: LoadedModel, ids: readonly number[], window: number) {
  let negative = 0;
  let predicted = 0;
  for (let from = 0; from < ids.length; from += window) {
    const part = ids.slice(from, from + window);
    if (part.length < 2) continue;
    const session = model.createSession();
    const { values } = await session.run(textPrompt(part), { output: 'logits', last: part.length });
    await session.dispose();
    const width = values.length / part.length;
    for (let i = 1; i < part.length; i++) {
      const row = values.subarray((i - 1) * width, i * width);
      negative += logSumExp(row) - row[part[i]!]!;
      predicted++;
    }
  }
  return { perplexity: Math.exp(negative / predicted), predicted };
}
