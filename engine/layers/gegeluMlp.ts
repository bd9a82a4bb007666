import type { Ops, Tensor } from '../../kernels/ops.ts';
import type { Phi3SmallConfig } from '../models/phi3SmallConfig.ts';
import type { Weights } from './weights.ts';

/** The MLP of phi-3-small, gate and linear rows interleaved. Reference: `Phi3SmallMLP` in modeling_phi3_small.py. */
export class GegeluMlp {
  readonly #upProj: Tensor; // (2 intermediate, hidden)
  readonly #upBias: Tensor;
  readonly #downProj: Tensor; // (hidden, intermediate)
  readonly #downBias: Tensor;

  readonly #config: Phi3SmallConfig;

  constructor(config: Phi3SmallConfig, weights: Weights) {
    this.#config = config;

    this.#upProj = weights.get('up_proj.weight');
    this.#upBias = weights.get('up_proj.bias');
    this.#downProj = weights.get('down_proj.weight');
    this.#downBias = weights.get('down_proj.bias');
  }

  /** residual + mlp(x), (tokens, hidden). */
  forward(ops: Ops, x: Tensor, residual: Tensor): Tensor {
    const up = ops.linear(x, this.#upProj, { bias: this.#upBias }); // (tokens, 2 intermediate)
    const mixed = ops.gegelu(up, this.#config.gegeluLimit); // (tokens, intermediate)
    return ops.linear(mixed, this.#downProj, { bias: this.#downBias, residual });
  }
}
