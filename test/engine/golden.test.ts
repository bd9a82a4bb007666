import assert from 'node:assert/strict';
import { rmSync } from 'node:fs';
import { type LoadedModel, type LoadOptions, backendReports, loadModel } from '../../engine/load.ts';
import type { Backend } from '../../engine/protocol.ts';
import type { WeightDType } from '../../kernels/ops.ts';
import { assertWithin } from '../support/close.ts';
import { type GoldenPrompt, folderWithConfig, goldenFolder, readGolden } from '../support/golden.ts';

const MODELS = ['mini-4k', 'mini-128k', 'medium-gqa'];
const BACKENDS: Backend[] = ['reference', 'wasm', 'webgpu'];
/** Tolerances on logits from test/fixtures/golden/README.md. */
const TOLERANCE = {
  f32: 1e-3,
  f16: 2e-2,
  /** WASM rounds activations to 8 bits before products with q8 and q4 weights, as coarse as bf16: the same bound. */
  activationsQ8: 0.3,
} as const;
/** Tokens per step; one at a time is slow on the reference and on a software GPU, which decode in the greedy cases. */
const CHUNKS: Record<Backend, number[]> = { reference: [256, 7], wasm: [256, 64, 7, 1], webgpu: [256, 7] };
/** Below this margin between the best two logits the arg max is not compared: rounding may decide. */
const NEAR_TIE = 0.01;

for (const backend of BACKENDS) {
  describe(`goldens on ${backend}`, function () {
    this.timeout(120_000);

    before(async function () {
      if (backend !== 'webgpu') return;
      const gpu = (await backendReports({ allowSoftwareGpu: true })).find((report) => report.backend === 'webgpu')!;
      if (gpu.usable) return;
      console.log(`    skipped: ${gpu.reason}`);
      this.skip();
    });

    for (const name of MODELS) describe(name, () => goldenCases(backend, name));

    it('sliding window: position p sees s iff p - s < window', async () => {
      const { config_override, entries } = readGolden('mini-4k').sliding_window_variants!;
      const folder = folderWithConfig('mini-4k', config_override);
      try {
        const prompt = entries.find((entry) => entry.convention === 'lt')!;
        await using(folder, { backend, weights: 'f32', kv: 'f32' }, async (model) => {
          for (const chunkTokens of [40, 3]) await comparePrompt(model, prompt, chunkTokens, TOLERANCE.f32);
          assert.deepEqual(await greedy(model, prompt.ids, 16), prompt.greedy_numpy_f64!.ids);
        });
      } finally {
        rmSync(folder, { recursive: true });
      }
    });

    it('LongRoPE: crossing the boundary while decoding recomputes with the long factors', async () => {
      const { ids, recompute } = readGolden('mini-128k').crossing_original_max_position!;
      await using(goldenFolder('mini-128k'), { backend, weights: 'f32', kv: 'f32' }, async (model) => {
        assert.deepEqual(await greedy(model, ids, recompute.ids.length), recompute.ids);
      });
    });
  });
}

/** A software GPU compiles and computes slowly: formats, which do not depend on the model, are tried on one model each. */
function slow(backend: Backend): boolean {
  return backend === 'webgpu';
}

function goldenCases(backend: Backend, name: string): void {
  const { prompts } = readGolden(name);
  for (const kv of slow(backend) && name !== 'mini-4k' ? (['f32'] as const) : (['f32', 'f16'] as const)) {
    describe(`weights f32, KV cache ${kv}`, () => {
      let model: LoadedModel;
      before(async () => {
        model = await loadModel(goldenFolder(name), { backend, weights: 'f32', kv, allowSoftwareGpu: true });
      });
      after(async () => {
        await model.dispose();
      });

      for (const prompt of prompts) {
        for (const chunkTokens of CHUNKS[backend]) {
          it(`${prompt.name}, ${chunkTokens} tokens at a time`, () =>
            comparePrompt(model, prompt, chunkTokens, TOLERANCE[kv]));
        }
        if (prompt.greedy) {
          it(`${prompt.name}, greedy`, async () => {
            assert.deepEqual(await greedy(model, prompt.ids, 16), prompt.greedy!.ids);
          });
        }
      }

      it('truncated and extended again', async () => {
        const prompt = prompts.at(-1)!;
        const session = model.createSession();
        const other = prompt.ids.map((id, i) => (i < 3 ? id : (id + 1) % 300));
        await session.run(prompt.ids, { output: 'top1' });
        await session.run(other, { output: 'top1' });
        const cut = await session.run(prompt.ids.slice(0, -4), { output: 'top1' });
        assert.equal(cut.reused, 3);
        const { values, reused } = await session.run(prompt.ids, { output: 'logits', last: 4 });
        assert.equal(reused, prompt.ids.length - 4);
        assertWithin(values, prompt.logits.flat(), TOLERANCE[kv]);
        await session.dispose();
      });
    });
  }

  const quantised: WeightDType[] = ['f16', 'q8', 'q4'];
  for (const weights of backend === 'reference' || (slow(backend) && name !== 'medium-gqa') ? [] : quantised) {
    it(`weights ${weights}: as the reference with the same dequantised weights`, async () => {
      const prompt = prompts.at(-1)!;
      const want = await logits('reference', name, weights, prompt.ids);
      const got = await logits(backend, name, weights, prompt.ids);
      const rounds = backend === 'wasm' && weights !== 'f16';
      assertWithin(got, want, rounds ? TOLERANCE.activationsQ8 : TOLERANCE.f32);
    });
  }
}

async function comparePrompt(
  model: LoadedModel,
  prompt: GoldenPrompt,
  chunkTokens: number,
  tolerance: number,
): Promise<void> {
  const session = model.createSession();
  const { values } = await session.run(prompt.ids, { output: 'logits', last: prompt.ids.length, chunkTokens });
  const width = model.config.vocabSize;
  prompt.logits_positions.forEach((position, i) => {
    const row = values.subarray(position * width, (position + 1) * width);
    assertWithin(row, prompt.logits[i]!, tolerance, `logits at ${position}`);
  });
  prompt.argmax_all_positions.forEach((id, position) => {
    if (prompt.top1_top2_margin_all_positions[position]! < NEAR_TIE) return;
    const row = values.subarray(position * width, (position + 1) * width);
    assert.equal(row.indexOf(Math.max(...row)), id, `arg max at ${position}`);
  });
  await session.dispose();
}

async function greedy(model: LoadedModel, prompt: readonly number[], maxTokens: number): Promise<number[]> {
  const session = model.createSession();
  const ids: number[] = [];
  for await (const { id } of session.generate(prompt, { maxTokens, stopIds: new Set() })) ids.push(id);
  await session.dispose();
  return ids;
}

async function logits(
  backend: Backend,
  name: string,
  weights: WeightDType,
  ids: readonly number[],
): Promise<Float32Array> {
  return using(goldenFolder(name), { backend, weights, kv: 'f32' }, async (model) => {
    return (await model.createSession().run(ids, { output: 'logits', last: 4 })).values;
  });
}

async function using<T>(folder: string, options: LoadOptions, work: (model: LoadedModel) => Promise<T>): Promise<T> {
  const model = await loadModel(folder, { ...options, allowSoftwareGpu: true });
  try {
    return await work(model);
  } finally {
    await model.dispose();
  }
}
