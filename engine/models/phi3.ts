import type { KvView, Ops, Tensor } from '../../kernels/ops.ts';
import { Attention } from '../layers/attention.ts';
import { Mlp } from '../layers/mlp.ts';
import { ropeTable } from '../layers/rope.ts';
import type { Weights } from '../layers/weights.ts';
import type { Decoder, ForwardOptions, TensorSpec } from './decoder.ts';
import type { Phi3Config } from './phi3Config.ts';

/** The decoder of phi-3-mini, -medium and -3.5-mini. Reference: `Phi3ForCausalLM` in modeling_phi3.py. */
export class Phi3 implements Decoder {
  readonly #embedTokens: Tensor; // (vocabulary, hidden)
  readonly #layers: DecoderLayer[];
  readonly #norm: Tensor; // (hidden)
  readonly #lmHead: Tensor; // (vocabulary, hidden)

  constructor(
    readonly config: Phi3Config,
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
  static tensors(config: Phi3Config): TensorSpec[] {
    const { hiddenSize, intermediateSize, heads, kvHeads, headDim, vocabSize } = config;
    const vocabulary: TensorSpec[] = [
      { name: 'model.embed_tokens.weight', shape: [vocabSize, hiddenSize], role: 'embedding' },
    ];
    if (!config.tied) vocabulary.push({ name: 'lm_head.weight', shape: [vocabSize, hiddenSize], role: 'embedding' });
    const layers = Array.from({ length: config.layers }, (_, n): TensorSpec[] => {
      const matrix = (name: string, out: number, inputs: number): TensorSpec => {
        return { name: `model.layers.${n}.${name}.weight`, shape: [out, inputs], role: 'matrix', layer: n };
      };
      const norm = (name: string): TensorSpec => {
        return { name: `model.layers.${n}.${name}.weight`, shape: [hiddenSize], role: 'vector', layer: n };
      };
      return [
        norm('input_layernorm'),
        matrix('self_attn.qkv_proj', (heads + 2 * kvHeads) * headDim, hiddenSize),
        matrix('self_attn.o_proj', hiddenSize, heads * headDim),
        norm('post_attention_layernorm'),
        matrix('mlp.gate_up_proj', 2 * intermediateSize, hiddenSize),
        matrix('mlp.down_proj', hiddenSize, intermediateSize),
      ];
    });
    return [...vocabulary, ...layers.flat(), { name: 'model.norm.weight', shape: [hiddenSize], role: 'vector' }];
  }
}

class DecoderLayer {
  readonly #inputNorm: Tensor;
  readonly #attention: Attention;
  readonly #postAttentionNorm: Tensor;
  readonly #mlp: Mlp;

  readonly #config: Phi3Config;

  constructor(config: Phi3Config, layer: number, weights: Weights) {
    this.#config = config;

    this.#inputNorm = weights.get('input_layernorm.weight');
    this.#attention = new Attention(config, layer, weights.at('self_attn.'));
    this.#postAttentionNorm = weights.get('post_attention_layernorm.weight');
    this.#mlp = new Mlp(weights.at('mlp.'));
  }

  forward(ops: Ops, x: Tensor, rope: Tensor, kv: KvView): Tensor {
    const eps = this.#config.rmsNormEps;
    const attended = this.#attention.forward(ops, ops.rmsNorm(x, this.#inputNorm, eps), rope, kv, x);
    return this.#mlp.forward(ops, ops.rmsNorm(attended, this.#postAttentionNorm, eps), attended);
  }
}
