import type { KvView, Ops, Tensor } from '../../kernels/ops.ts';
import { GroupedAttention } from '../layers/groupedAttention.ts';
import { GegeluMlp } from '../layers/gegeluMlp.ts';
import { ropeTable } from '../layers/rope.ts';
import type { Weights } from '../layers/weights.ts';
import type { Decoder, ForwardOptions, TensorSpec } from './decoder.ts';
import type { Phi3SmallConfig } from './phi3SmallConfig.ts';

/** The decoder of phi-3-small. Reference: `Phi3SmallForCausalLM` in modeling_phi3_small.py. */
export class Phi3Small implements Decoder {
  readonly #embedTokens: Tensor; // (vocabulary, hidden); also the head
  readonly #layers: DecoderLayer[];
  readonly #finalNorm: Norm;
  /** (vocabulary): 0 for the dummy ids, 1 for the others. */
  readonly #keptIds: Tensor;

  /** `ops` stores the tensors that are derived from the configuration. */
  constructor(
    readonly config: Phi3SmallConfig,
    weights: Weights,
    ops: Ops,
  ) {
    const model = weights.at('model.');
    this.#embedTokens = model.get('embed_tokens.weight');
    this.#layers = Array.from(
      { length: config.layers },
      (_, n) => new DecoderLayer(config, n, model.at(`layers.${n}.`)),
    );
    this.#finalNorm = new Norm(config, model.at('final_layernorm.'));
    const kept = new Float32Array(config.vocabSize).fill(1);
    for (const id of config.dummyIds) kept[id] = 0;
    this.#keptIds = ops.upload(kept, [config.vocabSize]);
  }

  embed(ops: Ops, ids: readonly number[]): Tensor {
    return ops.embed(this.#embedTokens, ids, this.config.embeddingScale); // (tokens, hidden)
  }

  forward(ops: Ops, embeddings: Tensor, kv: KvView, { last, totalLength }: ForwardOptions): Tensor {
    const { headDim, logitDivisor } = this.config;
    const tokens = embeddings.shape[0]!;
    const rope = ops.input(ropeTable(this.config, kv.length, tokens, totalLength), [tokens, headDim]);
    let x = embeddings; // (tokens, hidden)
    for (const layer of this.#layers) x = layer.forward(ops, x, rope, kv);
    if (last === 0) return ops.lastRows(x, 1);
    const newest = last < tokens ? ops.lastRows(x, last) : x; // (last, hidden)
    const logits = ops.linear(this.#finalNorm.forward(ops, newest), this.#embedTokens); // (last, vocabulary)
    return ops.maskedScale(logits, this.#keptIds, 1 / logitDivisor);
  }

  /** The tensors that a checkpoint of this configuration contains. */
  static tensors(config: Phi3SmallConfig): TensorSpec[] {
    const { hiddenSize, intermediateSize, heads, kvHeads, headDim, vocabSize } = config;
    const layers = Array.from({ length: config.layers }, (_, n): TensorSpec[] => {
      const at = `model.layers.${n}.`;
      return [
        ...norm(`${at}input_layernorm`, hiddenSize, n),
        ...biased(`${at}self_attn.query_key_value`, (heads + 2 * kvHeads) * headDim, hiddenSize, n),
        ...biased(`${at}self_attn.dense`, hiddenSize, heads * headDim, n),
        ...norm(`${at}post_attention_layernorm`, hiddenSize, n),
        ...biased(`${at}mlp.up_proj`, 2 * intermediateSize, hiddenSize, n),
        ...biased(`${at}mlp.down_proj`, hiddenSize, intermediateSize, n),
      ];
    });
    return [
      { name: 'model.embed_tokens.weight', shape: [vocabSize, hiddenSize], role: 'embedding' },
      ...layers.flat(),
      ...norm('model.final_layernorm', hiddenSize),
    ];
  }
}

function biased(name: string, out: number, inputs: number, layer: number): TensorSpec[] {
  return [
    { name: `${name}.weight`, shape: [out, inputs], role: 'matrix', layer },
    { name: `${name}.bias`, shape: [out], role: 'bias', layer },
  ];
}

function norm(name: string, width: number, layer?: number): TensorSpec[] {
  const where = layer === undefined ? {} : { layer };
  return [
    { name: `${name}.weight`, shape: [width], role: 'vector', ...where },
    { name: `${name}.bias`, shape: [width], role: 'bias', ...where },
  ];
}

class DecoderLayer {
  readonly #inputNorm: Norm;
  readonly #attention: GroupedAttention;
  readonly #postAttentionNorm: Norm;
  readonly #mlp: GegeluMlp;

  constructor(config: Phi3SmallConfig, layer: number, weights: Weights) {
    this.#inputNorm = new Norm(config, weights.at('input_layernorm.'));
    this.#attention = new GroupedAttention(config, layer, weights.at('self_attn.'));
    this.#postAttentionNorm = new Norm(config, weights.at('post_attention_layernorm.'));
    this.#mlp = new GegeluMlp(config, weights.at('mlp.'));
  }

  forward(ops: Ops, x: Tensor, rope: Tensor, kv: KvView): Tensor {
    const attended = this.#attention.forward(ops, this.#inputNorm.forward(ops, x), rope, kv, x);
    return this.#mlp.forward(ops, this.#postAttentionNorm.forward(ops, attended), attended);
  }
}

class Norm {
  readonly #weight: Tensor;
  readonly #bias: Tensor;

  readonly #config: Phi3SmallConfig;

  constructor(config: Phi3SmallConfig, weights: Weights) {
    this.#config = config;

    this.#weight = weights.get('weight');
    this.#bias = weights.get('bias');
  }

  forward(ops: Ops, x: Tensor): Tensor {
    return ops.layerNorm(x, this.#weight, this.#bias, this.#config.layerNormEps);
  }
}
