import type { Ops, Tensor } from '../../kernels/ops.ts';
import type { Weights } from './weights.ts';

/** SwiGLU with one fused gate/up projection. Reference: `Phi3MLP` in modeling_phi3.py. */
export class Mlp {
  readonly #gateUpProj: Tensor; // (2 intermediate, hidden), gate rows first
  readonly #downProj: Tensor; // (hidden, intermediate)

  constructor(weights: Weights) {
    this.#gateUpProj = weights.get('gate_up_proj.weight');
    this.#downProj = weights.get('down_proj.weight');
  }

  /** residual + mlp(x), (tokens, hidden). */
  forward(ops: Ops, x: Tensor, residual: Tensor): Tensor {
    const gateUp = ops.linear(x, this.#gateUpProj); // (tokens, 2 intermediate)
    return ops.linear(ops.siluMul(gateUp), this.#downProj, { residual }); // (tokens, hidden)
  }
}
