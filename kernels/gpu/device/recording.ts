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
  /** About how many multiply-adds it is, where it is a product or attention. */
  readonly macs: number;
}

interface CopyRange {
  readonly fromByte?: number;
  readonly toByte?: number;
  readonly bytes: number;
}

export interface Copy extends CopyRange {
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
  }

  get macs(): number {
    return this.operations.reduce((sum, operation) => sum + macsOf(operation), 0);
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
    macs = 0,
  ): void {
    check(
      grid.every((count) => count <= MOST_GROUPS),
      () => `${kernel.name}: a grid of ${grid.join(' x ')} workgroups`,
    );
    this.operations.push({ kernel, storages, params, grid, macs });
  }

  /**
   * The dispatches of columns x lines of workgroups that compute `tileMacs` each, as many at a time as the budget allows;
   * paramsFrom is told where they begin.
   */
  dispatchTiles(
    kernel: Kernel,
    storages: readonly Storage[],
    paramsFrom: (column: number, line: number) => readonly Scalar[],
    tiles: readonly [columns: number, lines: number],
    tileMacs: number,
  ): void {
    for (const { column, line, columns, lines } of piecesOf(tiles, this.budget.tilesFor(tileMacs, tiles)))
      this.dispatch(kernel, storages, paramsFrom(column, line), [columns, lines, 1], tileMacs * columns * lines);
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

export function macsOf(operation: Operation): number {
  return 'kernel' in operation ? operation.macs : 0;
}

interface Piece {
  readonly column: number;
  readonly line: number;
  readonly columns: number;
  readonly lines: number;
}

/** `tiles` in pieces of at most `most`, line by line. */
export function* piecesOf(tiles: readonly [number, number], most: readonly [number, number]): Generator<Piece> {
  for (let line = 0; line < tiles[1]; line += most[1])
    for (let column = 0; column < tiles[0]; column += most[0])
      yield { column, line, columns: Math.min(most[0], tiles[0] - column), lines: Math.min(most[1], tiles[1] - line) };
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
