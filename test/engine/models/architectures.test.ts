import assert from 'node:assert/strict';
import { loadModel } from '../../../engine/load/loadModel.ts';
import type { LoadedModel } from '../../../engine/load/loadedModel.ts';
import { backendReports } from '../../../engine/load/openBackend.ts';
import { textPrompt } from '../../../engine/prompt/prompt.ts';
import type { Backend } from '../../../engine/wire/protocol.ts';
import { assertWithin } from '../../support/close.ts';
import {
  ARCHITECTURE_GOLDENS,
  type ArchitectureGolden,
  architectureGolden,
  goldenFolder,
  goldenTensors,
  joined,
  split,
} from '../../support/engine/architectureGoldens.ts';
import type { TinyFolder, TinyTensor } from '../../support/engine/tinyModel.ts';

/** Logits may differ by so much of their standard deviation. */
const OF_SPREAD = 1e-3;

async function logits(folder: TinyFolder, ids: readonly number[], backend: Backend, chunk: number) {
  const model = await loadModel(folder.path, { backend, weights: 'f32', kv: 'f32', allowSoftwareGpu: true });
  try {
    return await logitsOf(model, ids, chunk);
  } finally {
    await model.dispose();
    folder.remove();
  }
}

/** Logits at all positions. */
async function logitsOf(model: LoadedModel, ids: readonly number[], chunkTokens: number): Promise<Float32Array> {
  const session = model.createSession();
  const { values } = await session.run(textPrompt([...ids]), { output: 'logits', last: ids.length, chunkTokens });
  await session.dispose();
  return values;
}

function assertGolden(got: Float32Array, { positions, logits: want }: ArchitectureGolden, label: string): void {
  want.forEach((row, i) => {
    const position = positions[i]!;
    const mean = row.reduce((a, b) => a + b, 0) / row.length;
    const spread = Math.sqrt(row.reduce((sum, value) => sum + (value - mean) ** 2, 0) / row.length);
    const values = got.subarray(position * row.length, (position + 1) * row.length);
    assertWithin(values, row, OF_SPREAD * spread, `${label}, position ${position}`);
  });
}

for (const backend of ['reference', 'wasm', 'webgpu'] as const) {
  describe(`architectures on ${backend}, beside transformers`, function () {
    this.timeout(120_000);

    before(async function () {
      const report = (await backendReports({ allowSoftwareGpu: true })).find((r) => r.backend === backend);
      if (!report || report.usable) return;
      console.log(`    skipped: ${report.reason}`);
      this.skip();
    });

    for (const golden of ARCHITECTURE_GOLDENS) {
      it(`${golden.name}: the logits, whole and in chunks`, async () => {
        for (const chunk of [64, 7]) {
          assertGolden(await logits(goldenFolder(golden), golden.ids, backend, chunk), golden, `chunks of ${chunk}`);
        }
      });
    }
  });
}

describe('spellings of one model', () => {
  const {
    rope_scaling: scaling,
    partial_rotary_factor: partial,
    ...plain
  } = architectureGolden('phi-4-mini, long factors').config as Record<string, object>;
  const { original_max_position_embeddings: original, rope_theta: theta, ...bare } = plain as Record<string, unknown>;
  const factors = { ...(scaling as Record<string, unknown>) };
  delete factors['type'];
  const block = { rope_type: 'longrope', ...factors };
  const spellings: Readonly<Record<string, object>> = {
    'rope_parameters of transformers 5, nothing beside it': {
      ...bare,
      rope_parameters: {
        ...block,
        rope_theta: theta,
        partial_rotary_factor: partial,
        original_max_position_embeddings: original,
      },
    },
    'rope_scaling beside rope_parameters, of which it wins': {
      ...plain,
      partial_rotary_factor: partial,
      rope_scaling: scaling,
      rope_parameters: { rope_type: 'default', rope_theta: 500 },
    },
    'an empty rope_scaling beside rope_parameters': {
      ...plain,
      partial_rotary_factor: partial,
      rope_scaling: {},
      rope_parameters: block,
    },
    'a stale rope_theta beside the block': {
      ...plain,
      rope_theta: 500,
      partial_rotary_factor: partial,
      rope_parameters: { ...block, rope_theta: theta },
    },
    'rope_type for type': { ...plain, partial_rotary_factor: partial, rope_scaling: block },
    'su for longrope': { ...plain, partial_rotary_factor: partial, rope_scaling: { type: 'su', ...factors } },
    'both names of the type, of one meaning': {
      ...plain,
      partial_rotary_factor: partial,
      rope_scaling: { ...block, type: 'su' },
    },
    'the original length in the block only': {
      ...bare,
      partial_rotary_factor: partial,
      rope_scaling: { ...block, original_max_position_embeddings: original },
    },
    'a stale original length beside the block': {
      ...bare,
      original_max_position_embeddings: 64,
      partial_rotary_factor: partial,
      rope_scaling: { ...block, original_max_position_embeddings: original },
    },
    'the partial rotation in the block only': {
      ...plain,
      partial_rotary_factor: null,
      rope_scaling: { ...block, partial_rotary_factor: partial },
    },
    'null for what is absent': {
      ...plain,
      partial_rotary_factor: partial,
      rope_scaling: { ...block, attention_factor: null, factor: null, rope_theta: null },
      rope_parameters: null,
      sliding_window: null,
      hidden_act: null,
      quantization_config: null,
    },
    'factor and attention_factor as they would be computed': {
      ...plain,
      partial_rotary_factor: partial,
      rope_scaling: { ...block, factor: 8, attention_factor: Math.sqrt(1 + Math.log(8) / Math.log(16)) },
    },
    'swish for silu': { ...plain, partial_rotary_factor: partial, rope_scaling: scaling, hidden_act: 'swish' },
    'no architectures': { ...plain, partial_rotary_factor: partial, rope_scaling: scaling, architectures: null },
    'keys that do not bear on the logits': {
      ...plain,
      partial_rotary_factor: partial,
      rope_scaling: scaling,
      ...{ torch_dtype: 'bfloat16', dtype: 'float16', use_cache: false, initializer_range: 1, attention_dropout: 0.1 },
      ...{ full_attn_mod: 1, interpolate_factor: 1, lm_head_bias: false, mlp_bias: false, attention_bias: false },
      ...{ auto_map: { AutoConfig: 'a.b' }, unsloth_version: '2024.9', tokenizer_class: 'GPT2Tokenizer' },
    },
  };
  const golden = architectureGolden('phi-4-mini, long factors');
  for (const [name, config] of Object.entries(spellings)) {
    it(`${name}: the same logits`, async () => {
      assertGolden(await logits(goldenFolder(golden, { config }), golden.ids, 'reference', 64), golden, name);
    });
  }

  for (const golden of ARCHITECTURE_GOLDENS) {
    it(`${golden.name} as transformers 5 saves it: the same logits`, async () => {
      const folder = goldenFolder(golden, { config: golden.saved });
      assertGolden(await logits(folder, golden.ids, 'reference', 64), golden, golden.name);
    });
  }
});

describe('ways to store one model', () => {
  const phi = architectureGolden('phi-4-mini, long factors');
  const mistral = architectureGolden('mistral, window');
  const biased = architectureGolden('llama, own head size, all biases, tied');
  const phi3 = { architectures: ['Phi3ForCausalLM'], model_type: 'phi3' };
  const asMistral = { architectures: ['MistralForCausalLM'], model_type: 'mistral', sliding_window: null };
  const ways: readonly (readonly [string, ArchitectureGolden, object, readonly TinyTensor[]])[] = [
    ['phi-3 with q, k, v and gate, up apart', phi, phi.config, split(goldenTensors(phi), [64, 32])],
    ['phi-3 under the name of Mistral', phi, { ...phi.config, ...asMistral }, split(goldenTensors(phi), [64, 32])],
    ['Mistral as phi-3, joined', mistral, { ...mistral.config, ...phi3 }, joined(goldenTensors(mistral))],
    ['Llama with joined biases', biased, biased.config, joined(goldenTensors(biased))],
  ];
  for (const [name, golden, config, tensors] of ways) {
    for (const backend of ['reference', 'wasm'] as const) {
      it(`${name}, on ${backend}: the same logits`, async () => {
        const folder = goldenFolder(golden, { config, tensors: [...tensors] });
        assertGolden(await logits(folder, golden.ids, backend, 64), golden, name);
      });
    }
  }
});

describe('a head that is stored although config.json calls it tied', () => {
  const golden = architectureGolden('llama');
  const tied = { ...golden.config, tie_word_embeddings: true };

  it('counts where it differs from the embedding, as in transformers 5', async () => {
    const folder = goldenFolder(golden, { config: tied });
    assertGolden(await logits(folder, golden.ids, 'reference', 64), golden, golden.name);
  });

  it('is a copy otherwise', async () => {
    const own = architectureGolden('llama, own head size, all biases, tied');
    const tensors = goldenTensors(own);
    const embedding = tensors.find(({ name }) => name === 'model.embed_tokens.weight')!;
    const folder = goldenFolder(own, { tensors: [...tensors, { ...embedding, name: 'lm_head.weight' }] });
    assertGolden(await logits(folder, own.ids, 'reference', 64), own, own.name);
  });
});

describe('positions', () => {
  const border = 16;
  const phi = architectureGolden('phi-4-mini, long factors');
  const mistral = architectureGolden('mistral, window');
  const width = phi.logits[0]!.length;
  const withModel = async (golden: ArchitectureGolden, use: (model: LoadedModel) => Promise<void>): Promise<void> => {
    const folder = goldenFolder(golden);
    const model = await loadModel(folder.path, { backend: 'wasm', weights: 'f32', kv: 'f32' });
    try {
      await use(model);
    } finally {
      await model.dispose();
      folder.remove();
    }
  };
  const last = (values: Float32Array): Float32Array => values.subarray(values.length - width);

  it('LongRoPE crossed while answering: at and around the original length the logits of one prefill of the whole', () =>
    withModel(phi, async (model) => {
      // Lengths that one session reaches one after another; a shorter one is a chat that was cut back.
      for (const lengths of [
        [border - 1, border, border + 1, border + 2],
        [border, border + 1],
        [border + 1, border + 2],
        [30, border, border - 4, border + 1],
        [border - 2, 40, border - 1],
      ]) {
        const session = model.createSession();
        for (const length of lengths) {
          const ids = phi.ids.slice(0, length);
          const { values } = await session.run(textPrompt([...ids]), { output: 'logits', last: 1 });
          const whole = last(await logitsOf(model, ids, 64));
          assertWithin(values, whole, 1e-4, `${lengths.join(', ')}: at ${length}`);
        }
        await session.dispose();
      }
    }));

  it('LongRoPE goes by the length of the text: under any context length the same logits', async () => {
    const folder = goldenFolder(phi);
    const ids = phi.ids.slice(0, 12);
    const seen: Float32Array[] = [];
    for (const contextLength of [16, 17, 64, undefined]) {
      const model = await loadModel(folder.path, { backend: 'wasm', weights: 'f32', contextLength });
      assert.equal(model.info.contextLength, contextLength ?? 128);
      seen.push(await logitsOf(model, ids, 64));
      await model.dispose();
    }
    for (const values of seen) assert.deepEqual(values, seen[0]);
    folder.remove();
  });

  it('a window: whole, in chunks, token by token and after a cut the same logits around its length', () =>
    withModel(mistral, async (model) => {
      const window = 8;
      for (const length of [window - 1, window, window + 1, 2 * window, 2 * window + 1]) {
        const ids = mistral.ids.slice(0, length);
        const whole = await logitsOf(model, ids, 64);
        for (const chunk of [1, 3, window - 1, window, window + 1]) {
          assertWithin(await logitsOf(model, ids, chunk), whole, 1e-4, `${length} tokens, ${chunk} at a time`);
        }
        const session = model.createSession();
        await session.run(textPrompt([...mistral.ids]), { output: 'argmax' });
        const changed = [...ids.slice(0, -1), (ids.at(-1)! + 1) % width];
        await session.run(textPrompt(changed), { output: 'argmax' });
        const { values } = await session.run(textPrompt([...ids]), { output: 'logits', last: 1 });
        assertWithin(values, last(whole), 1e-4, `${length} tokens after a cut`);
        await session.dispose();
      }
    }));

  it('rope, window and norms show in these logits: without them they are others', async () => {
    const changes: readonly (readonly [string, object])[] = [
      ['llama, rope of Llama 3', { rope_scaling: null }],
      ['llama, linear rope', { rope_scaling: null }],
      ['mistral, window', { sliding_window: 9 }],
      ['qwen2, window in the second layer', { max_window_layers: 0 }],
      ['phi-4-mini, short factors', { rope_scaling: null }],
      ['phi-4-mini, long factors', { original_max_position_embeddings: 64 }],
    ];
    for (const [name, change] of changes) {
      const golden = architectureGolden(name);
      const folder = goldenFolder(golden, { config: { ...golden.config, ...change } });
      const got = last(await logits(folder, golden.ids, 'reference', 64));
      assert.throws(() => assertWithin(got, golden.logits.at(-1)!, 0.05), name);
    }
  });
});
