import assert from 'node:assert/strict';
import { BadModel } from '../../../../engine/errors.ts';
import { type GgufContent, f32 } from '../../../support/engine/ggufFile.ts';
import { tinyGguf, vector, withGgufModel, zeros } from '../../../support/engine/tinyGguf.ts';

const configOf = (content: GgufContent): Promise<Record<string, unknown>> =>
  withGgufModel(content, async (model) => (await model.config()) as Record<string, unknown>);

const short = [1, 1.5, 2, 2.5, 3, 3.5, 4, 4.5];
const long = short.map((value) => 8 * value);
const longRope = (length = 8) => [
  vector('rope_factors_short.weight', short.slice(0, length)),
  vector('rope_factors_long.weight', long.slice(0, length)),
];

/** Metadata of released models whose window the file may not state. */
const phi3Mini4k = { context_length: 4096, block_count: 32 };
const mistral7B = {
  ...{ context_length: 32768, block_count: 32, embedding_length: 4096, feed_forward_length: 14336 },
  ...{ 'attention.head_count': 32, 'attention.head_count_kv': 8, 'rope.dimension_count': 128 },
};

const translations: [name: string, content: GgufContent, expected: object][] = [
  [
    'llama',
    tinyGguf('llama'),
    {
      architectures: ['LlamaForCausalLM'],
      model_type: 'llama',
      hidden_size: 64,
      intermediate_size: 96,
      num_hidden_layers: 2,
      num_attention_heads: 4,
      num_key_value_heads: 2,
      head_dim: 16,
      vocab_size: 128,
      rms_norm_eps: 1e-5,
      max_position_embeddings: 256,
      rope_parameters: { rope_theta: 10000, rope_type: 'default' },
      tie_word_embeddings: false,
      sliding_window: undefined,
      attention_bias: undefined,
    },
  ],
  ['phi3', tinyGguf('phi3'), { architectures: ['Phi3ForCausalLM'], model_type: 'phi3', sliding_window: undefined }],
  ['qwen2', tinyGguf('qwen2'), { architectures: ['Qwen2ForCausalLM'], model_type: 'qwen2', head_dim: 16 }],
  ['qwen3', tinyGguf('qwen3'), { architectures: ['Qwen3ForCausalLM'], model_type: 'qwen3', head_dim: 16 }],
  ['no output.weight: a tied head', tinyGguf('llama', { tied: true }), { tie_word_embeddings: true }],
  [
    'no heads of keys: as many as of queries',
    tinyGguf('llama', { metadata: { 'attention.head_count_kv': undefined } }),
    { num_key_value_heads: 4 },
  ],
  [
    'one count per layer',
    tinyGguf('llama', { metadata: { feed_forward_length: [96, 96] } }),
    { intermediate_size: 96 },
  ],
  [
    'heads of their own size',
    tinyGguf('qwen3', {
      metadata: { 'attention.key_length': 32, 'attention.value_length': 32, 'rope.dimension_count': 32 },
    }),
    { head_dim: 32, hidden_size: 64, num_attention_heads: 4 },
  ],
  [
    'partial rotation',
    tinyGguf('phi3', { metadata: { 'rope.dimension_count': 12 } }),
    { rope_parameters: { rope_theta: 10000, partial_rotary_factor: 0.75, rope_type: 'default' } },
  ],
  [
    'linear scaling',
    tinyGguf('llama', { metadata: { 'rope.scaling.type': 'linear', 'rope.scaling.factor': f32(4) } }),
    { rope_parameters: { rope_theta: 10000, rope_type: 'linear', factor: 4 } },
  ],
  [
    'linear scaling by its old name',
    tinyGguf('llama', { metadata: { 'rope.scale_linear': f32(2) } }),
    { rope_parameters: { rope_theta: 10000, rope_type: 'linear', factor: 2 } },
  ],
  [
    'scaling of type none',
    tinyGguf('llama', { metadata: { 'rope.scaling.type': 'none', 'rope.scaling.finetuned': false } }),
    { rope_parameters: { rope_theta: 10000, rope_type: 'default' } },
  ],
  [
    'scaling of type none: a factor has no effect',
    tinyGguf('llama', { metadata: { 'rope.scaling.type': 'none', 'rope.scaling.factor': f32(4) } }),
    { rope_parameters: { rope_theta: 10000, rope_type: 'default' } },
  ],
  [
    'LongRoPE with its magnitude',
    tinyGguf('phi3', {
      metadata: { 'rope.scaling.original_context_length': 64, 'rope.scaling.attn_factor': f32(1.1902380228042603) },
      tensors: longRope(),
    }),
    {
      rope_parameters: {
        rope_theta: 10000,
        rope_type: 'longrope',
        short_factor: short,
        long_factor: long,
        original_max_position_embeddings: 64,
        attention_factor: 1.190238,
      },
    },
  ],
  [
    "Llama 3's divisors",
    tinyGguf('llama', { tensors: [vector('rope_freqs.weight', short)] }),
    { rope_parameters: { rope_theta: 10000, rope_type: 'factors', factors: short } },
  ],
  [
    "phi-3-mini-4k's window, which Microsoft's file lacks",
    tinyGguf('phi3', { metadata: phi3Mini4k }),
    { sliding_window: 2047 },
  ],
  [
    "phi-3-medium-4k's window",
    tinyGguf('phi3', { metadata: { ...phi3Mini4k, block_count: 40 } }),
    { sliding_window: 2047 },
  ],
  [
    'a window of 0: none',
    tinyGguf('phi3', { metadata: { ...phi3Mini4k, 'attention.sliding_window': 0 } }),
    { sliding_window: undefined },
  ],
  [
    'a stated window',
    tinyGguf('phi3', { metadata: { ...phi3Mini4k, 'attention.sliding_window': 1000 } }),
    { sliding_window: 1000 },
  ],
  [
    'phi-3 with 128K: no window',
    tinyGguf('phi3', {
      metadata: { context_length: 131072, block_count: 32, 'rope.scaling.original_context_length': 4096 },
      tensors: longRope(),
    }),
    { sliding_window: undefined, max_position_embeddings: 131072 },
  ],
  [
    'phi-4: no window and no factors',
    tinyGguf('phi3', {
      metadata: {
        context_length: 16384,
        block_count: 40,
        'attention.sliding_window': 0,
        'rope.scaling.original_context_length': 16384,
      },
    }),
    { sliding_window: undefined },
  ],
  [
    'a window as long as the context: none',
    tinyGguf('llama', { metadata: { 'attention.sliding_window': 256 } }),
    { sliding_window: undefined, model_type: 'llama' },
  ],
  [
    'Llama with a window: Mistral',
    tinyGguf('llama', { metadata: { 'attention.sliding_window': 128 } }),
    { architectures: ['MistralForCausalLM'], model_type: 'mistral', sliding_window: 128 },
  ],
  [
    'Mistral 7B v0.1, whose files lack the window',
    tinyGguf('llama', { metadata: mistral7B }),
    { architectures: ['MistralForCausalLM'], sliding_window: 4096 },
  ],
  [
    'OpenChat, a fine-tune of it',
    tinyGguf('llama', { metadata: { ...mistral7B, context_length: 8192 } }),
    { architectures: ['MistralForCausalLM'], sliding_window: 4096 },
  ],
  [
    'Mistral 7B v0.2: no window',
    tinyGguf('llama', { metadata: { ...mistral7B, 'rope.freq_base': f32(1e6) } }),
    { architectures: ['LlamaForCausalLM'], sliding_window: undefined },
  ],
  [
    'bias of all projections',
    tinyGguf('llama', { tensors: [zeros('blk.0.attn_output.bias', [64])] }),
    { attention_bias: true },
  ],
  [
    'values that change nothing',
    tinyGguf('llama', {
      metadata: {
        expert_count: 0,
        'attention.causal': true,
        logit_scale: f32(1),
        'attention.clamp_kqv': f32(0),
        use_parallel_residual: false,
        'attention.scale': f32(0.25),
        vocab_size: 99,
      },
    }),
    { vocab_size: 128 },
  ],
];

const refusals: [name: string, content: GgufContent, says: RegExp][] = [
  [
    'another architecture',
    { metadata: { 'general.architecture': 'gemma3' }, tensors: [] },
    /has the architecture gemma3, which is not supported; phi3, llama, qwen2, qwen3 are/,
  ],
  ['no architecture', { metadata: {}, tensors: [] }, /general\.architecture is missing/],
  ['a LoRA adapter', tinyGguf('llama', { general: { 'general.type': 'adapter' } }), /is a LoRA adapter; merge it/],
  [
    'the image part of a model',
    { metadata: { 'general.architecture': 'clip' }, tensors: [] },
    /is only the image part of a model; choose the file of its language model, or, .* a folder of phi-3-vision/,
  ],
  ['a vocabulary', { ...tinyGguf('llama'), tensors: [] }, /contains no weights of a model/],
  ['experts', tinyGguf('llama', { metadata: { expert_count: 8, expert_used_count: 2 } }), /is a mixture of experts/],
  [
    'a key that is missing',
    tinyGguf('llama', { metadata: { block_count: undefined } }),
    /llama\.block_count is missing/,
  ],
  [
    'a key of another type',
    tinyGguf('llama', { metadata: { block_count: 'two' } }),
    /llama\.block_count is not a whole number/,
  ],
  [
    'a count that is none',
    tinyGguf('llama', { metadata: { context_length: f32(0.5) } }),
    /llama\.context_length is not a whole number/,
  ],
  [
    'an epsilon that is none',
    tinyGguf('llama', { metadata: { 'attention.layer_norm_rms_epsilon': f32(NaN) } }),
    /layer_norm_rms_epsilon is not a finite number/,
  ],
  [
    'no epsilon',
    tinyGguf('llama', { metadata: { 'attention.layer_norm_rms_epsilon': undefined } }),
    /layer_norm_rms_epsilon is missing/,
  ],
  [
    'layers of several sizes',
    tinyGguf('llama', { metadata: { feed_forward_length: [96, 64] } }),
    /feed_forward_length differs between layers/,
  ],
  ['no heads', tinyGguf('llama', { metadata: { 'attention.head_count': 0 } }), /head_count is 0/],
  [
    'heads that do not divide',
    tinyGguf('llama', { metadata: { 'attention.head_count': 5 } }),
    /64, which is not divisible by 5 heads/,
  ],
  [
    'values of another length than keys',
    tinyGguf('qwen3', { metadata: { 'attention.value_length': 8 } }),
    /value_length is 8, but keys have 16/,
  ],
  [
    'soft-capping',
    tinyGguf('qwen2', { metadata: { attn_logit_softcapping: f32(50) } }),
    /qwen2\.attn_logit_softcapping is 50, which is not supported/,
  ],
  ['a scale of logits', tinyGguf('llama', { metadata: { logit_scale: f32(0.5) } }), /llama\.logit_scale is 0\.5/],
  [
    'a scale of the residual stream',
    tinyGguf('llama', { metadata: { residual_scale: f32(0.22) } }),
    /residual_scale is 0\.2/,
  ],
  ['a scale of the embedding', tinyGguf('llama', { metadata: { embedding_scale: f32(12) } }), /embedding_scale is 12/],
  [
    'another scale of attention',
    tinyGguf('llama', { metadata: { 'attention.scale': f32(0.1) } }),
    /attention\.scale is 0\.1/,
  ],
  [
    'an unknown key',
    tinyGguf('llama', { metadata: { 'attention.novelty': 'yes' } }),
    /llama\.attention\.novelty is set, which is not supported/,
  ],
  [
    'pooling, as embedding models have it',
    tinyGguf('qwen3', { metadata: { pooling_type: 3 } }),
    /qwen3\.pooling_type is 3/,
  ],
  [
    'attention that is not causal',
    tinyGguf('qwen3', { metadata: { 'attention.causal': false } }),
    /attention\.causal is false/,
  ],
  [
    'YaRN',
    tinyGguf('qwen2', { metadata: { 'rope.scaling.type': 'yarn', 'rope.scaling.factor': f32(4) } }),
    /rope\.scaling\.type is yarn, which is not supported; linear and longrope are/,
  ],
  [
    'a part of YaRN, for which 1 is not nothing',
    tinyGguf('qwen2', { metadata: { 'rope.scaling.yarn_ext_factor': f32(1) } }),
    /yarn_ext_factor is 1, which is not supported/,
  ],
  [
    'LongRoPE without factors',
    tinyGguf('phi3', { metadata: { 'rope.scaling.type': 'longrope' } }),
    /is longrope, but the file has no factors/,
  ],
  [
    'phi-3 with 128K from an old converter',
    tinyGguf('phi3', { metadata: { context_length: 131072, block_count: 32 } }),
    /has a context of 131072 tokens but no LongRoPE factors .* an old converter/,
  ],
  [
    'phi-3 with an extended context and no factors',
    tinyGguf('phi3', { metadata: { context_length: 8192, 'rope.scaling.original_context_length': 4096 } }),
    /has a context of 8192 tokens but no LongRoPE factors/,
  ],
  [
    'one list of factors',
    tinyGguf('phi3', { metadata: { 'rope.scaling.original_context_length': 64 }, tensors: longRope().slice(0, 1) }),
    /has rope_factors_short but not rope_factors_long/,
  ],
  [
    'factors and no original context',
    tinyGguf('phi3', { tensors: longRope() }),
    /original_context_length is missing or wrong/,
  ],
  [
    'factors beside linear scaling',
    tinyGguf('llama', { metadata: { 'rope.scaling.factor': f32(2) }, tensors: [vector('rope_freqs.weight', short)] }),
    /scaling\.factor stands beside factors of each frequency/,
  ],
  [
    'a magnitude and no factors',
    tinyGguf('phi3', { metadata: { 'rope.scaling.attn_factor': f32(1.2) } }),
    /attn_factor is 1\.2, but the file has no LongRoPE factors/,
  ],
  [
    'factors that are not positive',
    tinyGguf('llama', { tensors: [vector('rope_freqs.weight', [1, 0, 1, 1, 1, 1, 1, 1])] }),
    /rope_freqs\.weight contains values that are not positive/,
  ],
  [
    'factors of two dimensions',
    tinyGguf('llama', { tensors: [zeros('rope_freqs.weight', [2, 4])] }),
    /rope_freqs\.weight has the shape \(2, 4\)/,
  ],
  [
    'a rotation of more than a head',
    tinyGguf('phi3', { metadata: { 'rope.dimension_count': 32 } }),
    /dimension_count is 32, but a head has 16/,
  ],
  [
    'partial rotation, which only phi-3 has',
    tinyGguf('qwen2', { metadata: { 'rope.dimension_count': 8 } }),
    /dimension_count is 8 of 16, which is not supported for qwen2/,
  ],
  [
    'partial rotation of interleaved rows',
    tinyGguf('llama', { metadata: { 'rope.dimension_count': 8 } }),
    /dimension_count is 8 of 16, which is not supported for llama/,
  ],
  [
    'a window where none is supported',
    tinyGguf('qwen2', { metadata: { 'attention.sliding_window': 128 } }),
    /sliding_window is 128, which is not supported for qwen2/,
  ],
  [
    'old blocks',
    tinyGguf('llama', { general: { 'general.quantization_version': 1 } }),
    /quantization_version is 1, but 2 is supported/,
  ],
];

describe('GGUF metadata becomes config.json', () => {
  for (const [name, content, expected] of translations) {
    it(name, async () => {
      const config = await configOf(content);
      assert.deepEqual(Object.fromEntries(Object.keys(expected).map((key) => [key, config[key]])), expected);
    });
  }

  it('partial rotation of every head size and even number of dimensions', async () => {
    for (let headDim = 8; headDim <= 128; headDim += 8) {
      for (let rotated = 2; rotated < headDim; rotated += headDim < 128 ? 2 : 14) {
        const metadata = {
          ...{ 'attention.key_length': headDim, 'attention.value_length': headDim, 'rope.dimension_count': rotated },
        };
        const { rope_parameters: rope } = await configOf(tinyGguf('phi3', { metadata }));
        const { partial_rotary_factor: share } = rope as { partial_rotary_factor: number };
        assert.equal(Math.floor(headDim * share), rotated, `${rotated} of ${headDim}`);
      }
    }
  });

  for (const [name, content, says] of refusals) {
    it(`refused: ${name}`, () =>
      assert.rejects(configOf(content), (error: Error) => {
        assert.ok(error instanceof BadModel, error.stack);
        assert.match(error.message, says);
        assert.match(error.message, /^tiny\.gguf[^\n]+\.$/);
        return true;
      }));
  }
});
