import assert from 'node:assert/strict';
import { type LoadOptions, loadModel } from '../../../engine/load/loadModel.ts';
import type { LoadedModel } from '../../../engine/load/loadedModel.ts';
import { backendReports } from '../../../engine/load/openBackend.ts';
import type { Backend } from '../../../engine/wire/protocol.ts';
import type { KvDType } from '../../../kernels/ops.ts';
import { assertWithin } from '../close.ts';
import { type GoldenPrompt, type GoldenVariant, readGolden, withGolden } from './golden.ts';
import { textPrompt } from '../../../engine/prompt/prompt.ts';

type GpuLimits = Pick<LoadOptions, 'baselineGpu'>;

/** Tolerances on logits from test/fixtures/golden/README.md; of an 8-bit cache it says nothing, as coarse as bf16. */
const TOLERANCE: Record<KvDType, number> = { f32: 1e-3, f16: 2e-2, q8: 0.3 };
/** WASM rounds activations to 8 bits before products with q8 and q4 weights, as coarse as bf16: the same bound. */
const ACTIVATIONS_Q8 = 0.3;
/** Below this margin between the best two logits the arg max is not compared: rounding may decide. */
const NEAR_TIE = 0.01;
/** Longer prompts are not taken a token at a time. */
const LONG = 1000;

/** Every configuration of these models for which `take` holds, on one backend; on a GPU, also `at` baseline limits. */
export function describeGoldens(
  backend: Backend,
  models: readonly string[],
  take: (config: string) => boolean,
  at: GpuLimits = {},
): void {
  describe(`goldens on ${backend}${at.baselineGpu ? ' at baseline limits, with an f16 cache' : ''}`, function () {
    this.timeout(300_000);

    before(async function () {
      if (backend !== 'webgpu') return;
      const gpu = (await backendReports({ allowSoftwareGpu: true })).find((report) => report.backend === 'webgpu')!;
      if (gpu.usable) return;
      console.log(`    skipped: ${gpu.reason}`);
      this.skip();
    });

    for (const name of models) {
      for (const variant of readGolden(name).filter(({ config }) => take(config))) {
        describe(`${name}, ${variant.config}`, () => goldenCases(backend, name, variant, at));
      }
    }
  });
}

/** Tokens per step; one at a time is slow on the reference and on a software GPU, which decode in the greedy cases. */
function chunks(backend: Backend, { ids }: GoldenPrompt): number[] {
  if (ids.length > LONG) return backend === 'wasm' ? [256, 61] : [256];
  return backend === 'wasm' ? [256, 64, 7, 1] : [256, ids.length > 100 ? 37 : 7];
}

/** Formats do not depend on the model: where loops or a software GPU are slow, some models try them. */
function kvFormats(backend: Backend, name: string, { baselineGpu }: GpuLimits): KvDType[] {
  if (baselineGpu) return ['f16'];
  const all: KvDType[] = ['f32', 'f16', 'q8'];
  if (backend === 'wasm' || name === 'mini-4k' || (backend === 'reference' && name === 'small-step2')) return all;
  return ['f32'];
}

function goldenCases(backend: Backend, name: string, variant: GoldenVariant, at: GpuLimits): void {
  const { config, prompts, sliding_window_variants: sliding, crossing_original_max_position: crossing } = variant;
  const load = async <T>(
    options: Partial<LoadOptions>,
    use: (model: LoadedModel) => Promise<T>,
    override = {},
  ): Promise<T> => {
    const model = await open(name, { config, override }, { backend, weights: 'f32', kv: 'f32', ...at, ...options });
    try {
      return await use(model);
    } finally {
      await model.dispose();
    }
  };

  for (const kv of kvFormats(backend, name, at)) {
    describe(`KV cache ${kv}`, () => {
      let model: LoadedModel;
      before(async () => {
        model = await open(name, { config }, { backend, weights: 'f32', kv, ...at });
      });
      after(() => model?.dispose());

      for (const prompt of prompts) {
        it(`${prompt.name}: logits for any chunking`, async () => {
          for (const chunkTokens of chunks(backend, prompt)) {
            await comparePrompt(model, prompt, chunkTokens, TOLERANCE[kv]);
          }
        });
        if (prompt.greedy) {
          it(`${prompt.name}: greedy ids`, async () => {
            assert.deepEqual(await greedy(model, prompt.ids, 16), prompt.greedy!.ids);
          });
        }
      }
      const last = prompts.at(-1)!;
      if (backend === 'wasm' || last.ids.length <= LONG) {
        it('truncated and extended again', () => truncateAndExtend(model, last, TOLERANCE[kv]));
      }
    });
  }

  const tryWeights =
    config === 'config.json' && (backend === 'wasm' || (backend === 'webgpu' && name === 'medium-gqa'));
  for (const weights of tryWeights ? (['f16', 'q8', 'q4'] as const) : []) {
    it(`weights ${weights}: as the reference with the same dequantised weights`, async () => {
      const { ids } = prompts.at(-1)!;
      const lastLogits = async (model: LoadedModel): Promise<Float32Array> =>
        (await model.createSession().run(textPrompt(ids), { output: 'logits', last: 4 })).values;
      const want = await load({ backend: 'reference', weights }, lastLogits);
      const got = await load({ weights }, lastLogits);
      const rounds = backend === 'wasm' && weights !== 'f16';
      assertWithin(got, want, rounds ? ACTIVATIONS_Q8 : TOLERANCE.f32);
    });
  }

  if (sliding) {
    it('sliding window: position p sees s iff p - s < window', () => {
      const prompt = sliding.entries.find((entry) => entry.convention === 'lt')!;
      const compare = async (model: LoadedModel): Promise<void> => {
        for (const chunkTokens of [40, 3]) await comparePrompt(model, prompt, chunkTokens, TOLERANCE.f32);
        assert.deepEqual(await greedy(model, prompt.ids, 16), prompt.greedy_numpy_f64!.ids);
      };
      return load({}, compare, sliding.config_override);
    });
  }

  if (crossing) {
    it('LongRoPE: crossing the boundary while decoding recomputes with the long factors', () =>
      load({}, async (model) => {
        const { ids, recompute } = crossing;
        assert.deepEqual(await greedy(model, ids, recompute.ids.length), recompute.ids);
      }));
  }
}

async function comparePrompt(
  model: LoadedModel,
  prompt: GoldenPrompt,
  chunkTokens: number,
  tolerance: number,
): Promise<void> {
  const session = model.createSession();
  const { values } = await session.run(textPrompt(prompt.ids), {
    output: 'logits',
    last: prompt.ids.length,
    chunkTokens,
  });
  const width = model.config.vocabSize;
  prompt.logits_positions.forEach((position, i) => {
    const row = values.subarray(position * width, (position + 1) * width);
    assertWithin(row, prompt.logits[i]!, tolerance, `${chunkTokens} at a time: logits at ${position}`);
  });
  const nearTie = Math.max(NEAR_TIE, tolerance);
  prompt.argmax_all_positions.forEach((id, position) => {
    if (prompt.top1_top2_margin_all_positions[position]! < nearTie) return;
    const row = values.subarray(position * width, (position + 1) * width);
    assert.equal(row.indexOf(Math.max(...row)), id, `${chunkTokens} at a time: arg max at ${position}`);
  });
  await session.dispose();
}

async function truncateAndExtend(model: LoadedModel, prompt: GoldenPrompt, tolerance: number): Promise<void> {
  const session = model.createSession();
  const other = prompt.ids.map((id, i) => (i < 3 ? id : (id + 1) % 300));
  await session.run(textPrompt(prompt.ids), { output: 'argmax' });
  await session.run(textPrompt(other), { output: 'argmax' });
  const cut = await session.run(textPrompt(prompt.ids.slice(0, -4)), { output: 'argmax' });
  assert.equal(cut.reused, 3);
  const { values, reused } = await session.run(textPrompt(prompt.ids), { output: 'logits', last: 4 });
  assert.equal(reused, prompt.ids.length - 4);
  assertWithin(values, prompt.logits.slice(-4).flat(), tolerance);
  await session.dispose();
}

async function greedy(model: LoadedModel, prompt: readonly number[], maxTokens: number): Promise<number[]> {
  const session = model.createSession();
  const ids: number[] = [];
  for await (const { id } of session.generate(textPrompt(prompt), { maxTokens, stopIds: new Set() })) ids.push(id);
  await session.dispose();
  return ids;
}

/** The weights are read when it resolves; the folder may go. */
function open(
  name: string,
  changes: { config: string; override?: Record<string, unknown> },
  options: LoadOptions,
): Promise<LoadedModel> {
  return withGolden(name, changes, (folder) => loadModel(folder, { ...options, allowSoftwareGpu: true }));
}
