import type { KvView, Ops, Tensor } from '../../kernels/ops.ts';
import type { Phi3Config } from '../models/phi3Config.ts';
import type { Weights } from './weights.ts';

/** Causal self-attention with one fused q/k/v projection. Reference: `Phi3Attention` in modeling_phi3.py. */
export class Attention {
  readonly #qkvProj: Tensor; // ((heads + 2 kvHeads) headDim, hidden)
  readonly #oProj: Tensor; // (hidden, heads headDim)

  readonly #config: Phi3Config;
  readonly #layer: number;

  constructor(config: Phi3Config, layer: number, weights: Weights) {
    this.#config = config;
    this.#layer = layer;

    this.#qkvProj = weights.get('qkv_proj.weight');
    this.#oProj = weights.get('o_proj.weight');
  }

  /** residual + attention(x), (tokens, hidden). Stores this step's keys and values in `kv`. rope: (tokens, headDim). */
  forward(ops: Ops, x: Tensor, rope: Tensor, kv: KvView, residual: Tensor): Tensor {
    const qkv = ops.linear(x, this.#qkvProj); // (tokens, (heads + 2 kvHeads) headDim)
    const q = ops.appendKv(qkv, rope, kv, this.#layer, { ...this.#config, order: 'byKind' }); // (tokens, heads headDim)
    const mixed = ops.attention(q, kv, this.#layer, { ...this.#config, scale: 1 / Math.sqrt(this.#config.headDim) }); // (tokens, heads headDim)
    return ops.linear(mixed, this.#oProj, { residual }); // (tokens, hidden)
  }
}
