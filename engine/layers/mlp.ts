import type { Ops, Tensor } from '../../kernels/ops.ts';
import type { LlamaConfig } from '../models/llamaConfig.ts';
import type { Weights } from './weights.ts';

/** SwiGLU with one fused gate/up projection. Reference: `Phi3MLP` in modeling_phi3.py. */
export class Mlp {
  readonly #gateUpProj: Tensor; // (2 intermediate, hidden), gate rows first
  readonly #gateUpBias: Tensor | undefined;
  readonly #downProj: Tensor; // (hidden, intermediate)
  readonly #downBias: Tensor | undefined;

  constructor({ biases }: LlamaConfig, weights: Weights) {
    this.#gateUpProj = weights.get('gate_up_proj.weight');
    this.#gateUpBias = biases.mlp ? weights.get('gate_up_proj.bias') : undefined;
    this.#downProj = weights.get('down_proj.weight');
    this.#downBias = biases.mlp ? weights.get('down_proj.bias') : undefined;
  }

  /** residual + mlp(x), (tokens, hidden). */
  forward(ops: Ops, x: Tensor, residual: Tensor): Tensor {
    const gateUp = ops.linear(x, this.#gateUpProj, { bias: this.#gateUpBias }); // (tokens, 2 intermediate)
    return ops.linear(ops.siluMul(gateUp), this.#downProj, { bias: this.#downBias, residual }); // (tokens, hidden)
  }
}
