import type { Tensor } from '../../kernels/ops.ts';
import { check } from '../../kernels/check.ts';

/** The loaded tensors by their names in the checkpoint, relative to a prefix. */
export class Weights {
  /** All of them, by their whole names. */
  readonly tensors: ReadonlyMap<string, Tensor>;
  readonly #prefix: string;

  constructor(tensors: ReadonlyMap<string, Tensor>, prefix = '') {
    this.tensors = tensors;
    this.#prefix = prefix;
  }

  get(name: string): Tensor {
    const tensor = this.tensors.get(this.#prefix + name);
    check(tensor !== undefined, () => `no tensor ${this.#prefix}${name} was loaded`);
    return tensor;
  }

  /** The tensors below `prefix`, such as 'layers.3.'. */
  at(prefix: string): Weights {
    return new Weights(this.tensors, this.#prefix + prefix);
  }
}
