import type { KvView, Ops, Tensor } from '../../kernels/ops.ts';
import { Attention } from '../layers/attention.ts';
import { Mlp } from '../layers/mlp.ts';
import { ropeTable, rotaryOrder } from '../layers/rope.ts';
import type { Weights } from '../layers/weights.ts';
import type { Decoder, ForwardOptions, TensorPart, TensorSpec } from './decoder.ts';
import type { LlamaConfig } from './llamaConfig.ts';

/**
 * The decoder of Llama and of the models that differ from it in details only, such as Phi-3, Mistral, Qwen2 and Qwen3:
 * RMS norms, grouped-query attention with rope, SwiGLU. Reference: `LlamaForCausalLM` in modeling_llama.py and its
 * siblings. q, k, v and gate, up are joined, as Phi-3 stores them.
 */
export class Llama implements Decoder {
  readonly #embedTokens: Tensor; // (vocabulary, hidden)
  readonly #layers: DecoderLayer[];
  readonly #norm: Tensor; // (hidden)
  readonly #lmHead: Tensor; // (vocabulary, hidden)

  constructor(
    readonly config: LlamaConfig,
    weights: Weights,
  ) {
    const model = weights.at('model.');
    this.#embedTokens = model.get('embed_tokens.weight');
    this.#layers = Array.from(
      { length: config.layers },
      (_, n) => new DecoderLayer(config, n, model.at(`layers.${n}.`)),
    );
    this.#norm = model.get('norm.weight');
    this.#lmHead = config.tied ? this.#embedTokens : weights.get('lm_head.weight');
  }

  embed(ops: Ops, ids: readonly number[]): Tensor {
    return ops.embed(this.#embedTokens, ids); // (tokens, hidden)
  }

  forward(ops: Ops, embeddings: Tensor, kv: KvView, { last, totalLength }: ForwardOptions): Tensor {
    const { headDim, rmsNormEps } = this.config;
    const tokens = embeddings.shape[0]!;
    const rope = ops.input(ropeTable(this.config, kv.length, tokens, totalLength), [tokens, headDim]);
    let x = embeddings; // (tokens, hidden)
    for (const layer of this.#layers) x = layer.forward(ops, x, rope, kv);
    if (last === 0) return ops.lastRows(x, 1);
    const newest = last < tokens ? ops.lastRows(x, last) : x; // (last, hidden)
    return ops.linear(ops.rmsNorm(newest, this.#norm, rmsNormEps), this.#lmHead); // (last, vocabulary)
  }

  /** The tensors that a checkpoint of this configuration contains. */
  static tensors(config: LlamaConfig): TensorSpec[] {
    const { hiddenSize, vocabSize } = config;
    const vocabulary: TensorSpec[] = [
      { name: 'model.embed_tokens.weight', shape: [vocabSize, hiddenSize], role: 'embedding' },
    ];
    if (!config.tied) vocabulary.push({ name: 'lm_head.weight', shape: [vocabSize, hiddenSize], role: 'embedding' });
    const layers = Array.from({ length: config.layers }, (_, n) => layerTensors(config, n));
    return [...vocabulary, ...layers.flat(), { name: 'model.norm.weight', shape: [hiddenSize], role: 'vector' }];
  }
}

function layerTensors(config: LlamaConfig, layer: number): TensorSpec[] {
  const { hiddenSize, intermediateSize, heads, kvHeads, headDim, rotaryDim, biases, headNorms } = config;
  const at = `model.layers.${layer}.`;
  const headOrder = rotaryOrder(headDim, rotaryDim);
  const norm = (name: string): TensorSpec => {
    return { name: `${at}${name}.weight`, shape: [hiddenSize], role: 'vector', layer };
  };
  const headNorm = (name: string): TensorSpec => {
    const own = `${at}self_attn.${name}.weight`;
    return { name: own, shape: [headDim], role: 'vector', layer, parts: [{ name: own, rows: headDim, headOrder }] };
  };
  /** A projection of `inputs` inputs whose rows are the parts', and its bias. */
  const projection = (name: string, inputs: number, biased: boolean, parts: readonly TensorPart[]): TensorSpec[] => {
    const of = (suffix: string, shape: number[], role: 'matrix' | 'bias'): TensorSpec => {
      const named = parts.map((part) => ({ ...part, name: `${at}${part.name}.${suffix}` }));
      return { name: `${at}${name}.${suffix}`, shape, role, layer, parts: named };
    };
    const rows = parts.reduce((sum, part) => sum + part.rows, 0);
    return [of('weight', [rows, inputs], 'matrix'), ...(biased ? [of('bias', [rows], 'bias')] : [])];
  };
  const whole = (name: string, inputs: number, biased: boolean): TensorSpec[] => {
    return projection(name, inputs, biased, [{ name, rows: hiddenSize }]);
  };
  return [
    norm('input_layernorm'),
    ...projection('self_attn.qkv_proj', hiddenSize, biases.qkv, [
      { name: 'self_attn.q_proj', rows: heads * headDim, headOrder },
      { name: 'self_attn.k_proj', rows: kvHeads * headDim, headOrder },
      { name: 'self_attn.v_proj', rows: kvHeads * headDim },
    ]),
    ...(headNorms ? [headNorm('q_norm'), headNorm('k_norm')] : []),
    ...whole('self_attn.o_proj', heads * headDim, biases.o),
    norm('post_attention_layernorm'),
    ...projection('mlp.gate_up_proj', hiddenSize, biases.mlp, [
      { name: 'mlp.gate_proj', rows: intermediateSize },
      { name: 'mlp.up_proj', rows: intermediateSize },
    ]),
    ...whole('mlp.down_proj', intermediateSize, biases.mlp),
  ];
}

class DecoderLayer {
  readonly #inputNorm: Tensor;
  readonly #attention: Attention;
  readonly #postAttentionNorm: Tensor;
  readonly #mlp: Mlp;

  readonly #config: LlamaConfig;

  constructor(config: LlamaConfig, layer: number, weights: Weights) {
    this.#config = config;

    this.#inputNorm = weights.get('input_layernorm.weight');
    this.#attention = new Attention(config, layer, weights.at('self_attn.'));
    this.#postAttentionNorm = weights.get('post_attention_layernorm.weight');
    this.#mlp = new Mlp(config, weights.at('mlp.'));
  }

  forward(ops: Ops, x: Tensor, rope: Tensor, kv: KvView): Tensor {
    const eps = this.#config.rmsNormEps;
    const attended = this.#attention.forward(ops, ops.rmsNorm(x, this.#inputNorm, eps), rope, kv, x);
    return this.#mlp.forward(ops, ops.rmsNorm(attended, this.#postAttentionNorm, eps), attended);
  }
}
