import type { KvView, Ops, Tensor } from '../../kernels/ops.ts';
import { Attention } from '../layers/attention.ts';
import { Mlp } from '../layers/mlp.ts';
import { ropeTable } from '../layers/rope.ts';
import type { TensorSource } from '../weights/tensorSource.ts';
import type { Phi3Config } from './config.ts';

/** Which tensors a checkpoint must hold. A matrix is (out, in) and may be quantised, a vector stays f32. */
export interface TensorSpec {
  readonly name: string;
  readonly shape: readonly number[];
  readonly role: 'embedding' | 'matrix' | 'vector';
}

/** The decoder of phi-3-mini, -medium and -3.5-mini. Reference: `Phi3ForCausalLM` in modeling_phi3.py. */
export class Phi3 {
  private readonly embedTokens: Tensor; // (vocabulary, hidden)
  private readonly layers: DecoderLayer[];
  private readonly norm: Tensor; // (hidden)
  private readonly lmHead: Tensor; // (vocabulary, hidden)

  constructor(
    readonly config: Phi3Config,
    weights: TensorSource,
  ) {
    const model = weights.at('model.');
    this.embedTokens = model.get('embed_tokens.weight');
    this.layers = Array.from(
      { length: config.layers },
      (_, n) => new DecoderLayer(config, n, model.at(`layers.${n}.`)),
    );
    this.norm = model.get('norm.weight');
    this.lmHead = config.tied ? this.embedTokens : weights.get('lm_head.weight');
  }

  /**
   * Logits of the last `last` of these tokens, (last, vocabulary); the tokens' keys and values go to `kv`. With last 0,
   * as in all but the last chunk of a prefill, the head is not computed and the newest hidden state comes back.
   * totalLength: tokens the sequence is known to reach in this prefill, which chooses the LongRoPE factors.
   */
  forward(ops: Ops, ids: readonly number[], kv: KvView, { last, totalLength }: ForwardOptions): Tensor {
    const { headDim, rmsNormEps } = this.config;
    const rope = ops.input(ropeTable(this.config, kv.length, ids.length, totalLength), [ids.length, headDim]);
    let x = ops.embed(this.embedTokens, ids); // (tokens, hidden)
    for (const layer of this.layers) x = layer.forward(ops, x, rope, kv);
    if (last === 0) return ops.lastRows(x, 1);
    const newest = last < ids.length ? ops.lastRows(x, last) : x; // (last, hidden)
    return ops.linear(ops.rmsNorm(newest, this.norm, rmsNormEps), this.lmHead); // (last, vocabulary)
  }

  /** The tensors of a checkpoint with this configuration. */
  static tensors(config: Phi3Config): TensorSpec[] {
    const { hiddenSize, intermediateSize, heads, kvHeads, headDim, vocabSize } = config;
    const vocabulary: TensorSpec[] = [
      { name: 'model.embed_tokens.weight', shape: [vocabSize, hiddenSize], role: 'embedding' },
    ];
    if (!config.tied) vocabulary.push({ name: 'lm_head.weight', shape: [vocabSize, hiddenSize], role: 'embedding' });
    const layers = Array.from({ length: config.layers }, (_, n): TensorSpec[] => {
      const at = `model.layers.${n}.`;
      return [
        { name: `${at}input_layernorm.weight`, shape: [hiddenSize], role: 'vector' },
        {
          name: `${at}self_attn.qkv_proj.weight`,
          shape: [(heads + 2 * kvHeads) * headDim, hiddenSize],
          role: 'matrix',
        },
        { name: `${at}self_attn.o_proj.weight`, shape: [hiddenSize, heads * headDim], role: 'matrix' },
        { name: `${at}post_attention_layernorm.weight`, shape: [hiddenSize], role: 'vector' },
        { name: `${at}mlp.gate_up_proj.weight`, shape: [2 * intermediateSize, hiddenSize], role: 'matrix' },
        { name: `${at}mlp.down_proj.weight`, shape: [hiddenSize, intermediateSize], role: 'matrix' },
      ];
    });
    return [...vocabulary, ...layers.flat(), { name: 'model.norm.weight', shape: [hiddenSize], role: 'vector' }];
  }
}

export interface ForwardOptions {
  readonly last: number;
  readonly totalLength: number;
}

class DecoderLayer {
  private readonly inputNorm: Tensor;
  private readonly attention: Attention;
  private readonly postAttentionNorm: Tensor;
  private readonly mlp: Mlp;

  constructor(
    private readonly config: Phi3Config,
    layer: number,
    weights: TensorSource,
  ) {
    this.inputNorm = weights.get('input_layernorm.weight');
    this.attention = new Attention(config, layer, weights.at('self_attn.'));
    this.postAttentionNorm = weights.get('post_attention_layernorm.weight');
    this.mlp = new Mlp(weights.at('mlp.'));
  }

  forward(ops: Ops, x: Tensor, rope: Tensor, kv: KvView): Tensor {
    const eps = this.config.rmsNormEps;
    const attended = this.attention.forward(ops, ops.rmsNorm(x, this.inputNorm, eps), rope, kv, x);
    return this.mlp.forward(ops, ops.rmsNorm(attended, this.postAttentionNorm, eps), attended);
  }
}
