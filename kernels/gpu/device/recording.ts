import { check } from '../../check.ts';
import { type Kernel, MOST_GROUPS, type Scalar } from './kernel.ts';
import type { DispatchBudget } from './dispatchBudget.ts';
import type { HeldBuffer } from './memory.ts';
import { type GpuTensor, Storage, values } from './tensor.ts';

export interface Dispatch {
  readonly kernel: Kernel;
  readonly storages: readonly Storage[];
  readonly params: readonly Scalar[];
  readonly grid: readonly [number, number, number];
  /** Turns that each workgroup takes of its most expensive loop, where the number varies from step to step. */
  readonly turns: number;
}

interface CopyRange {
  readonly fromByte?: number;
  readonly toByte?: number;
  readonly bytes: number;
}

interface Copy extends CopyRange {
  readonly from: Storage;
  readonly to: Storage;
}

export type Operation = Dispatch | Copy;

/** The operations of a step: recorded while `record` runs, then given buffers, then encoded. */
export class Recording {
  readonly operations: Operation[] = [];
  readonly inputs: { storage: Storage; data: Float32Array<ArrayBuffer> | Uint32Array<ArrayBuffer> }[] = [];
  readonly #scratch = new Set<Storage>();
  readonly budget: DispatchBudget;
  readonly #ids: { list: readonly number[]; storage: Storage }[] = [];

  constructor(budget: DispatchBudget) {
    this.budget = budget;
    budget.begin();
  }

  tensor(shape: readonly number[]): GpuTensor {
    return { shape, dtype: 'f32', storage: this.storage(values(shape) * 4) };
  }

  storage(bytes: number): Storage {
    const storage = new Storage(bytes);
    this.#scratch.add(storage);
    return storage;
  }

  input(data: Float32Array, shape: readonly number[]): GpuTensor {
    check(data.length === values(shape), () => `input: ${data.length} values for (${shape})`);
    const tensor = this.tensor(shape);
    this.inputs.push({ storage: tensor.storage, data: new Float32Array(data) });
    return tensor;
  }

  /** Token or page ids. The same list is uploaded once. */
  indices(list: readonly number[]): Storage {
    const known = this.#ids.find((other) => sameList(other.list, list));
    if (known) return known.storage;
    const storage = this.storage(list.length * 4);
    this.#ids.push({ list: [...list], storage });
    this.inputs.push({ storage, data: Uint32Array.from(list) });
    return storage;
  }

  dispatch(
    kernel: Kernel,
    storages: readonly Storage[],
    params: readonly Scalar[],
    grid: readonly [number, number, number],
    turns = 1,
  ): void {
    check(
      grid.every((count) => count <= MOST_GROUPS),
      () => `${kernel.name}: a grid of ${grid.join(' x ')} workgroups`,
    );
    this.operations.push({ kernel, storages, params, grid, turns });
  }

  /** Copies bytes of `from` to `to`, which is another storage. Both begin at 0 by default. */
  copy(from: Storage, to: Storage, range: CopyRange): void {
    this.operations.push({ from, to, ...range });
  }

  /** Whether nothing has been copied to `storage` since there were `since` operations. */
  isUnchanged(storage: Storage, since: number): boolean {
    return this.operations.slice(since).every((operation) => 'kernel' in operation || operation.to !== storage);
  }

  /** Drops the operations whose results nothing needs, such as those that have become part of a later one. */
  dropUnneeded(results: readonly Storage[]): void {
    const needed = new Set(results);
    const kept: Operation[] = [];
    for (const operation of this.operations.toReversed()) {
      if (writtenBy(operation).every((storage) => this.#scratch.has(storage) && !needed.has(storage))) continue;
      for (const storage of usedBy(operation)) needed.add(storage);
      kept.push(operation);
    }
    this.operations.splice(0, Infinity, ...kept.reverse());
  }

  /** Gives every scratch storage a buffer for as long as it is needed; `results` keep theirs to the end. */
  assignBuffers(
    results: readonly Storage[],
    pool: { take(bytes: number): HeldBuffer; giveBack(buffer: HeldBuffer): void },
  ): void {
    const lastUse = new Map<Storage, number>();
    this.operations.forEach((operation, index) => usedBy(operation).forEach((storage) => lastUse.set(storage, index)));
    for (const result of results) lastUse.set(result, Infinity);
    // All inputs are written before the first operation runs.
    for (const { storage } of this.inputs) storage.buffer = pool.take(storage.bytes);
    this.operations.forEach((operation, index) => {
      const used = usedBy(operation);
      for (const storage of used) storage.buffer ??= pool.take(storage.bytes);
      for (const storage of new Set(used)) {
        if (this.#scratch.has(storage) && lastUse.get(storage) === index) pool.giveBack(storage.buffer!);
      }
    });
  }
}

function usedBy(operation: Operation): readonly Storage[] {
  return 'kernel' in operation ? operation.storages : [operation.from, operation.to];
}

function writtenBy(operation: Operation): readonly Storage[] {
  if (!('kernel' in operation)) return [operation.to];
  return operation.storages.filter((_, index) => operation.kernel.bindings[index] === 'write');
}

function sameList(a: readonly number[], b: readonly number[]): boolean {
  return a.length === b.length && a.every((value, index) => value === b[index]);
}
