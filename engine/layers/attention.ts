import type { AttentionOptions, AttentionShape, KvView, Ops, QkvOrder, Tensor } from '../../kernels/ops.ts';
import type { LlamaConfig } from '../models/llamaConfig.ts';
import type { Weights } from './weights.ts';

/**
 * Causal self-attention with one fused q/k/v projection. References: `Phi3Attention` in modeling_phi3.py, and for the
 * norms of the heads `Qwen3Attention` in modeling_qwen3.py.
 */
export class Attention {
  readonly #qkvProj: Tensor; // ((heads + 2 kvHeads) headDim, hidden)
  readonly #qkvBias: Tensor | undefined;
  readonly #headNorms: { readonly q: Tensor; readonly k: Tensor } | undefined; // (headDim) each
  readonly #oProj: Tensor; // (hidden, heads headDim)
  readonly #oBias: Tensor | undefined;

  readonly #shape: AttentionShape & { readonly order: QkvOrder };
  readonly #options: AttentionOptions;
  readonly #eps: number;
  readonly #layer: number;

  constructor(config: LlamaConfig, layer: number, weights: Weights) {
    const { biases, heads, kvHeads, headDim, windows, rmsNormEps } = config;
    this.#shape = { heads, kvHeads, headDim, order: 'byKind' };
    this.#options = { heads, kvHeads, headDim, scale: 1 / Math.sqrt(headDim), window: windows[layer]! };
    this.#eps = rmsNormEps;
    this.#layer = layer;
    this.#qkvProj = weights.get('qkv_proj.weight');
    this.#qkvBias = biases.qkv ? weights.get('qkv_proj.bias') : undefined;
    this.#headNorms = config.headNorms
      ? { q: weights.get('q_norm.weight'), k: weights.get('k_norm.weight') }
      : undefined;
    this.#oProj = weights.get('o_proj.weight');
    this.#oBias = biases.o ? weights.get('o_proj.bias') : undefined;
  }

  /** residual + attention(x), (tokens, hidden). Stores this step's keys and values in `kv`. rope: (tokens, headDim). */
  forward(ops: Ops, x: Tensor, rope: Tensor, kv: KvView, residual: Tensor): Tensor {
    const layer = this.#layer;
    const projected = ops.linear(x, this.#qkvProj, { bias: this.#qkvBias }); // (tokens, (heads + 2 kvHeads) headDim)
    const qkv = this.#headNorms ? ops.headNorm(projected, this.#headNorms, this.#shape, this.#eps) : projected;
    const q = ops.appendKv(qkv, rope, kv, layer, this.#shape); // (tokens, heads headDim)
    const mixed = ops.attention(q, kv, layer, this.#options); // (tokens, heads headDim)
    return ops.linear(mixed, this.#oProj, { bias: this.#oBias, residual }); // (tokens, hidden)
  }
}
