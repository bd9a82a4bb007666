import { check } from '../../kernels/check.ts';
import type { Epilogue, Ops, StepResult, Tensor } from '../../kernels/ops.ts';
import type { Weights } from '../layers/weights.ts';

/**
 * Sums the squares of what each matrix is multiplied with, column by column, while a model runs. Neither the model nor
 * the backend knows of it: it stands between them and reads the input of each product back.
 */
export class InputSquares {
  readonly #sums = new Map<string, Float64Array>();

  /** The operations of a backend, observed. `weights` are those of the model, which reads one tensor back per step. */
  observe(ops: Ops, weights: Weights): Ops {
    const names = new Map([...weights.tensors].map(([name, tensor]) => [tensor, name]));
    let inputs: { readonly name: string; readonly x: Tensor }[] = [];
    const linear = (x: Tensor, weight: Tensor, epilogue?: Epilogue): Tensor => {
      inputs.push({ name: names.get(weight)!, x });
      return ops.linear(x, weight, epilogue);
    };
    const step = async (record: () => StepResult): Promise<Float32Array> => {
      const values = await ops.step(() => {
        inputs = []; // Here, since it may be called twice.
        const result = record();
        check('shape' in result, () => 'an observed step reads one tensor back');
        return [...inputs.map(({ x }) => x), result as Tensor];
      });
      let at = 0;
      for (const { name, x } of inputs) {
        const [rows, columns] = x.shape as readonly [number, number];
        this.#add(name, values.subarray(at, (at += rows * columns)), columns);
      }
      return values.subarray(at);
    };
    return replaceMethods(ops, { linear, step });
  }

  /** One number per column of each matrix that was multiplied, by its name. None is 0: see `positive`. */
  sums(): Map<string, Float32Array> {
    return new Map([...this.#sums].map(([name, sums]) => [name, positive(sums)]));
  }

  #add(name: string, values: Float32Array, columns: number): void {
    let sums = this.#sums.get(name);
    if (!sums) this.#sums.set(name, (sums = new Float64Array(columns)));
    for (let row = 0; row < values.length; row += columns) {
      for (let column = 0; column < columns; column++) sums[column]! += values[row + column]! ** 2;
    }
  }
}

/** An object like `target` with other methods. Its own private fields stay reachable for all that are not replaced. */
function replaceMethods<T extends object>(target: T, methods: Partial<T>): T {
  return new Proxy(target, {
    get(_, key) {
      if (Object.hasOwn(methods, key)) return methods[key as keyof T];
      const value: unknown = Reflect.get(target, key, target);
      return typeof value === 'function' ? (value.bind(target) as unknown) : value;
    },
  });
}

/** A column that the text left at 0 counts as the least of the others, since another text may use it. */
function positive(sums: Float64Array): Float32Array {
  const least = sums.reduce((found, sum) => (sum > 0 && sum < found ? sum : found), Infinity);
  return Float32Array.from(sums, (sum) => (sum > 0 ? sum : least === Infinity ? 1 : least));
}
