import assert from 'node:assert/strict';
import { readBlueprint } from '../../../engine/models/architectures.ts';
import type { LlamaConfig } from '../../../engine/models/llamaConfig.ts';
import { SHAPES } from '../../bench/engine/shapes.ts';
import { architectureGolden } from '../../support/engine/architectureGoldens.ts';
import { PUBLISHED } from '../../fixtures/architectures/published.ts';

const LLAMA = architectureGolden('llama').config;
const PHI = architectureGolden('phi-4-mini, long factors').config;
const QWEN = { ...LLAMA, architectures: ['Qwen2ForCausalLM'], model_type: 'qwen2' };
const MISTRAL = architectureGolden('mistral, window').config;
const LLAMA3 = { factor: 8, low_freq_factor: 1, high_freq_factor: 4 };
const ORIGINAL_64 = { original_max_position_embeddings: 64 };
const FACTORS = { short_factor: new Array<number>(6).fill(1), long_factor: new Array<number>(6).fill(2) };

const read = (json: object): LlamaConfig => readBlueprint(json).config as LlamaConfig;

describe('what would be computed otherwise is refused in one line that names the key', () => {
  const refused: readonly (readonly [base: object, change: object, says: RegExp])[] = [
    // Multipliers and caps of other architectures.
    [LLAMA, { logits_scaling: 8 }, /: logits_scaling is 8, /],
    [LLAMA, { embedding_multiplier: 12 }, /: embedding_multiplier is 12, /],
    [LLAMA, { residual_multiplier: 0.22 }, /: residual_multiplier is /],
    [LLAMA, { attention_multiplier: 1 }, /: attention_multiplier is 1, /],
    [LLAMA, { logit_scale: 0.0625 }, /: logit_scale is /],
    [LLAMA, { scale_emb: 12 }, /: scale_emb is /],
    [LLAMA, { scale_depth: 1.4 }, /: scale_depth is /],
    [LLAMA, { dim_model_base: 256 }, /: dim_model_base is /],
    [LLAMA, { final_logit_softcapping: 30 }, /: final_logit_softcapping is /],
    [LLAMA, { attn_logit_softcapping: 50 }, /: attn_logit_softcapping is /],
    [LLAMA, { query_pre_attn_scalar: 256 }, /: query_pre_attn_scalar is /],
    [LLAMA, { clip_qkv: 8 }, /: clip_qkv is /],
    [LLAMA, { lm_head_multiplier: 0.5 }, /: lm_head_multiplier is /],
    [LLAMA, { mup_width_multiplier: 8 }, /: mup_width_multiplier is /],
    // Norms, activations, biases.
    [LLAMA, { hidden_act: 'gelu' }, /: hidden_act: /],
    [LLAMA, { hidden_activation: 'gelu_pytorch_tanh' }, /: hidden_activation is "gelu_pytorch_tanh", /],
    [LLAMA, { norm_type: 'layernorm' }, /: norm_type is /],
    [LLAMA, { layer_norm_eps: 1e-5 }, /: layer_norm_eps is /],
    [LLAMA, { use_qk_norm: true }, /: use_qk_norm is true, /],
    [LLAMA, { qk_layernorm: true }, /: qk_layernorm is true, /],
    [LLAMA, { lm_head_bias: true }, /: lm_head_bias is true, /],
    [LLAMA, { qkv_bias: true }, /: qkv_bias is true, /],
    [PHI, { attention_bias: true }, /: attention_bias is true, /],
    [MISTRAL, { mlp_bias: true }, /: mlp_bias is true, /],
    // Attention.
    [LLAMA, { sliding_window: 4096 }, /: sliding_window is 4096, /],
    [LLAMA, { attention_chunk_size: 8192 }, /: attention_chunk_size is /],
    [LLAMA, { no_rope_layers: [1, 1, 0, 1] }, /: no_rope_layers is \[1,1,0,1\], /],
    [LLAMA, { layer_types: ['full_attention', 'sliding_attention'] }, /: layer_types is /],
    [LLAMA, { is_causal: false }, /: is_causal is false, /],
    [LLAMA, { use_rotary_embeddings: false }, /: use_rotary_embeddings is false, /],
    [LLAMA, { use_rms_norm: false }, /: use_rms_norm is false, /],
    [LLAMA, { causal_mask: false }, /: causal_mask is false, /],
    [LLAMA, { rope: false }, /: rope is false, /],
    [LLAMA, { use_bidirectional_attention: true }, /: use_bidirectional_attention is true, /],
    [LLAMA, { alibi: true }, /: alibi is true, /],
    [LLAMA, { position_embedding_type: 'absolute' }, /: position_embedding_type is /],
    [LLAMA, { rope_interleaved: true }, /: rope_interleaved is true, /],
    [LLAMA, { parallel_attn: true }, /: parallel_attn is true, /],
    [LLAMA, { kv_lora_rank: 512 }, /: kv_lora_rank is /],
    [QWEN, { dual_chunk_attention_config: { chunk_size: 262144 } }, /: dual_chunk_attention_config is /],
    [QWEN, { layer_types: ['full_attention', 'chunked_attention'] }, /: layer_types\.1: /],
    [QWEN, { layer_types: ['full_attention'] }, /: layer_types has 1 entries for 2 layers/],
    [QWEN, { layer_types: ['full_attention', 'sliding_attention'] }, /no sliding_window is in use/],
    [MISTRAL, { layer_types: ['full_attention', 'full_attention'] }, /layer_types has full_attention beside sliding/],
    [MISTRAL, { sliding_window: 0 }, /: sliding_window: /],
    // Experts and other parts.
    [LLAMA, { num_local_experts: 8 }, /: num_local_experts is 8, /],
    [LLAMA, { num_experts_per_tok: 2 }, /: num_experts_per_tok is 2, /],
    [LLAMA, { vision_config: { hidden_size: 8 } }, /: vision_config is /],
    [LLAMA, { per_layer_config: { 1: { head_dim: 8 } } }, /: per_layer_config is /],
    [LLAMA, { quantization_config: { quant_method: 'gptq', bits: 4 } }, /quantised by the method gptq, .*GGUF/],
    [LLAMA, { quantization_config: { bits: 4 } }, /quantised by a method that it does not name/],
    // Rope.
    [
      LLAMA,
      { rope_scaling: { type: 'yarn', factor: 4 } },
      /rope_scaling: the rope_type "yarn" is not supported\. .*without/,
    ],
    [LLAMA, { rope_scaling: { rope_type: 'dynamic', factor: 2 } }, /the rope_type "dynamic" is not supported/],
    [LLAMA, { rope_parameters: { rope_type: 'proportional' } }, /rope_parameters: the rope_type "proportional"/],
    [LLAMA, { rope_scaling: { rope_type: 'toString' } }, /the rope_type "toString" is not supported/],
    [LLAMA, { rope_scaling: { rope_type: 7 } }, /the rope_type 7 is not supported/],
    [LLAMA, { rope_scaling: 'linear' }, /: rope_scaling: /],
    [LLAMA, { rope_scaling: { factor: 2 } }, /: rope_scaling\.factor is not understood here/],
    [LLAMA, { rope_scaling: { type: 'default', mrope_section: [1, 2] } }, /: rope_scaling\.mrope_section is not/],
    [LLAMA, { rope_scaling: { type: 'linear' } }, /: rope_scaling\.factor: it is missing/],
    [LLAMA, { rope_scaling: { type: 'linear', factor: 0 } }, /: rope_scaling\.factor: /],
    [LLAMA, { rope_scaling: { type: 'linear', factor: 2, beta_fast: 32 } }, /: rope_scaling\.beta_fast is not/],
    [
      LLAMA,
      { rope_scaling: { type: 'linear', rope_type: 'llama3', factor: 2 } },
      /rope_type llama3 and the type linear/,
    ],
    [LLAMA, { rope_scaling: { type: 'llama3', factor: 8, low_freq_factor: 1 } }, /\.high_freq_factor: it is missing/],
    [
      LLAMA,
      { rope_scaling: { type: 'llama3', factor: 8, low_freq_factor: 4, high_freq_factor: 4 } },
      /low_freq_factor is not below high_freq_factor/,
    ],
    [
      LLAMA,
      { rope_parameters: { full_attention: { rope_type: 'default' } } },
      /rope_parameters\.full_attention: a rope/,
    ],
    [PHI, { partial_rotary_factor: 0.7, rope_scaling: null }, /partial_rotary_factor 0\.7 rotates 11 of the 16 dim/],
    [LLAMA, { partial_rotary_factor: 0.5 }, /partial_rotary_factor is 0\.5, but this architecture rotates whole heads/],
    [QWEN, { rope_parameters: { partial_rotary_factor: 0.5 } }, /partial_rotary_factor is 0\.5, but this architecture/],
    [LLAMA, { partial_rotary_factor: 2 }, /: partial_rotary_factor: /],
    [
      LLAMA,
      { rope_scaling: { type: 'longrope', ...FACTORS } },
      /: rope_scaling\.original_max_position_embeddings: it is missing/,
    ],
    [LLAMA, { rope_parameters: { rope_type: 'factors', factors: [1, 2] } }, /2 values of factors, .* requires 8/],
    [PHI, { rope_scaling: { type: 'su', ...FACTORS, long_factor: [1] } }, /rope_scaling has 1 values of long_factor/],
    [
      PHI,
      { rope_scaling: { type: 'su', short_factor: FACTORS.short_factor } },
      /rope_scaling\.long_factor: it is missing/,
    ],
    [
      LLAMA,
      { rope_scaling: { type: 'llama3', ...LLAMA3, original_max_position_embeddings: 32 }, ...ORIGINAL_64 },
      /: original_max_position_embeddings is 64, but 32 in rope_scaling; remove the one/,
    ],
    [
      PHI,
      { rope_scaling: { type: 'su', ...FACTORS, original_max_position_embeddings: 1 } },
      /: rope_scaling\.original_max_position_embeddings: /,
    ],
    [PHI, { rope_scaling: { type: 'su', ...FACTORS, long_mscale: 1.2 } }, /: rope_scaling\.long_mscale has no effect/],
    // What a key holds counts too.
    [LLAMA, { text_config: { hidden_size: 32 } }, /: text_config\.hidden_size is 32, /],
    [LLAMA, { llm: { decoder: [{ rope_theta: 500 }] } }, /: llm\.decoder\.0\.rope_theta is 500, /],
    [LLAMA, { a: { a: { a: { a: { a: { a: { a: { a: { a: { a: 1 } } } } } } } } } }, /a\.a is nested too deeply/],
    [LLAMA, { use_post_ln: true }, /: use_post_ln is true, /],
    [LLAMA, { compression_config: { format: 'int-quantized' } }, /: compression_config is /],
    // Sizes.
    [LLAMA, { hidden_size: undefined }, /: hidden_size: it is missing/],
    [LLAMA, { head_dim: 20 }, /: the head size 20 is not a multiple of 8 up to /],
    [LLAMA, { head_dim: 1024 }, /: the head size 1024 is not a multiple of 8 up to /],
    [LLAMA, { eos_token_id: 'end' }, /: eos_token_id: it is neither an id nor a list of ids/],
    // Names.
    [
      LLAMA,
      { architectures: ['GemmaForCausalLM'] },
      /^The architecture GemmaForCausalLM is not supported\. Airgap supports Phi3/,
    ],
    [LLAMA, { architectures: null, model_type: 'gemma' }, /^The model_type "gemma" is not supported\. /],
    [
      LLAMA,
      { architectures: [], model_type: undefined },
      /^config\.json names neither architectures nor a model_type\. /,
    ],
    [LLAMA, { model_type: 'granite' }, /LlamaForCausalLM and the model_type "granite", which do not belong together/],
    [
      LLAMA,
      { architectures: ['Qwen2ForCausalLM'] },
      /Qwen2ForCausalLM and the model_type "llama", which do not belong/,
    ],
    [LLAMA, { architectures: ['toString'] }, /^The architecture toString is not supported/],
  ];
  for (const [base, change, says] of refused) {
    it(`${JSON.stringify(change)}`, () => {
      assert.throws(
        () => readBlueprint({ ...base, ...change }),
        (error: Error) => {
          assert.match(error.message, says);
          assert.doesNotMatch(error.message, /\n/);
          assert.equal(error.name, 'BadModel');
          return true;
        },
      );
    });
  }

  const harmless: readonly object[] = [
    { logits_scaling: 1, embedding_multiplier: 1.0, residual_multiplier: 1, logit_scale: 1 },
    { final_logit_softcapping: null, attn_logit_softcapping: 0, num_local_experts: 0, use_qk_norm: false },
    { sliding_window: null, no_rope_layers: [1, 1], layer_types: ['full_attention', 'full_attention'] },
    {
      use_rms_norm: true,
      use_rope: true,
      is_causal: true,
      position_embedding_type: 'rope',
      quantization_config: null,
      pruned_heads: {},
    },
    { pretraining_tp: 2, _attn_implementation: 'flash_attention_2', id2label: { 0: 'LABEL_0' }, temperature: 0.7 },
    { license: 'mit', my_own_note: 'hello', unsloth_version: '2025.1', language: ['en'] },
    { rope_scaling: { rope_type: 'default' } },
    { rope_scaling: null, partial_rotary_factor: null, rope_parameters: null },
  ];
  for (const keys of harmless) {
    it(`not: ${JSON.stringify(keys)}`, () => assert.deepEqual(read({ ...LLAMA, ...keys }), read(LLAMA)));
  }
});

describe('what config.json leaves out', () => {
  it('phi-3 with factors and no original length has 4096, and the magnitude of the extension', () => {
    const config = read({ ...PHI, original_max_position_embeddings: null, max_position_embeddings: 131072 });
    assert.equal(config.originalMaxPositions, 4096);
    assert.ok(Math.abs(config.longRope!.longMagnitude - 1.1902) < 1e-4);
    assert.equal(config.longRope!.shortMagnitude, config.longRope!.longMagnitude);
  });

  it('magnitudes as given count', () => {
    const magnitudes = (given: object): number[] => {
      const { longRope } = read({ ...PHI, rope_scaling: { type: 'longrope', ...FACTORS, ...given } });
      return [longRope!.shortMagnitude, longRope!.longMagnitude];
    };
    assert.deepEqual(magnitudes({ attention_factor: 1.5 }), [1.5, 1.5]);
    assert.deepEqual(magnitudes({ factor: 1 }), [1, 1]);
  });

  it("the rest is as transformers' configuration classes have it", () => {
    const without = (base: object, ...keys: string[]): LlamaConfig => {
      return read(Object.fromEntries(Object.entries(base).filter(([key]) => !keys.includes(key))));
    };
    assert.equal(without(LLAMA, 'rms_norm_eps').rmsNormEps, 1e-6);
    assert.equal(without(PHI, 'rms_norm_eps').rmsNormEps, 1e-5);
    assert.equal(without(LLAMA, 'rope_theta').ropeTheta, 10000);
    assert.equal(without(LLAMA, 'max_position_embeddings').maxPositions, 2048);
    assert.deepEqual(without(MISTRAL, 'sliding_window', 'max_position_embeddings').windows, [4096, 4096]);
    assert.equal(without({ ...MISTRAL, num_attention_heads: 16, head_dim: 8 }, 'num_key_value_heads').kvHeads, 8);
    assert.equal(read({ ...MISTRAL, num_key_value_heads: null }).kvHeads, 4);
    assert.equal(without(architectureGolden('qwen3').config, 'head_dim').headDim, 128);
  });

  it('a window that is not used or begins beyond the last layer changes nothing', () => {
    const { maxPositions } = read(QWEN);
    for (const keys of [
      { use_sliding_window: false, sliding_window: 8, max_window_layers: 0 },
      { use_sliding_window: true, sliding_window: 8, max_window_layers: 2 },
      { use_sliding_window: true, sliding_window: 8 },
    ])
      assert.deepEqual(read({ ...QWEN, ...keys }).windows, [maxPositions, maxPositions]);
  });

  it('eos_token_id may be a number, a list, null or absent', () => {
    for (const [eos, ids] of [
      [7, [7]],
      [
        [7, 9],
        [7, 9],
      ],
      [null, []],
      [undefined, []],
    ] as const)
      assert.deepEqual(readBlueprint({ ...LLAMA, eos_token_id: eos }).stopIds, ids);
  });
});

describe('published configurations are read', () => {
  const published = {
    ...PUBLISHED,
    'phi-3-mini': { json: SHAPES['phi-3-mini']!, parameters: 3_821_079_552 },
    'phi-3-medium': { json: SHAPES['phi-3-medium']!, parameters: 13_960_238_080 },
  };
  for (const [name, { json, parameters }] of Object.entries(published)) {
    it(`${name}: ${parameters} parameters`, () => {
      const { tensors } = readBlueprint(json);
      const values = tensors.reduce((sum, { shape }) => sum + shape.reduce((a, b) => a * b, 1), 0);
      assert.equal(values, parameters);
    });
  }

  it('what sets them apart', () => {
    const of = (name: string): LlamaConfig => read(PUBLISHED[name]!.json);
    const { headDim, rotaryDim, longRope } = of('Phi-4-mini-instruct');
    assert.deepEqual([headDim, rotaryDim, longRope!.shortFactor.length], [128, 96, 48]);
    assert.equal(of('phi-4').longRope, null);
    assert.deepEqual(of('Mistral-7B-Instruct-v0.1').windows.slice(-1), [4096]);
    assert.deepEqual(of('Qwen2.5-Coder-1.5B-Instruct').windows.slice(-1), [32768]);
    assert.deepEqual(of('Qwen2.5-Coder-1.5B-Instruct').biases, { qkv: true, o: false, mlp: false });
    assert.ok(of('Qwen3-0.6B').headNorms);
    assert.deepEqual(readBlueprint(PUBLISHED['Llama-3.2-1B-Instruct']!.json).stopIds, [128001, 128008, 128009]);
    const factors = of('Llama-3.2-1B-Instruct').ropeFactors!;
    assert.deepEqual([factors[0], factors.at(-1)], [1, 32]);
  });
});
