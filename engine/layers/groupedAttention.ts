import type { KvView, Ops, Sparsity, Tensor } from '../../kernels/ops.ts';
import type { Phi3SmallConfig } from '../models/phi3SmallConfig.ts';
import type { Weights } from './weights.ts';

/**
 * Grouped-query attention of phi-3-small, block-sparse or dense by layer. Reference: `Phi3SmallSelfAttention` in
 * modeling_phi3_small.py.
 */
export class GroupedAttention {
  readonly #queryKeyValue: Tensor; // ((heads + 2 kvHeads) headDim, hidden), group by group
  readonly #queryKeyValueBias: Tensor;
  readonly #dense: Tensor; // (hidden, heads headDim)
  readonly #denseBias: Tensor;
  readonly #sparsity: Sparsity | undefined;

  readonly #config: Phi3SmallConfig;
  readonly #layer: number;

  constructor(config: Phi3SmallConfig, layer: number, weights: Weights) {
    this.#config = config;
    this.#layer = layer;

    this.#queryKeyValue = weights.get('query_key_value.weight');
    this.#queryKeyValueBias = weights.get('query_key_value.bias');
    this.#dense = weights.get('dense.weight');
    this.#denseBias = weights.get('dense.bias');
    this.#sparsity = (layer + 1) % config.denseEvery === 0 ? undefined : config.sparsity;
  }

  /** residual + attention(x), (tokens, hidden). Stores this step's keys and values in `kv`. rope: (tokens, headDim). */
  forward(ops: Ops, x: Tensor, rope: Tensor, kv: KvView, residual: Tensor): Tensor {
    const { heads, kvHeads, headDim, attentionScale: scale, maxPositions: window } = this.#config;
    const layer = this.#layer;
    const sparsity = this.#sparsity;
    const qkv = ops.linear(x, this.#queryKeyValue, { bias: this.#queryKeyValueBias });
    const q = ops.appendKv(qkv, rope, kv, layer, { heads, kvHeads, headDim, order: 'byGroup' });
    const mixed = ops.attention(q, kv, layer, { heads, kvHeads, headDim, scale, window, sparsity });
    return ops.linear(mixed, this.#dense, { bias: this.#denseBias, residual }); // (tokens, hidden)
  }
}
