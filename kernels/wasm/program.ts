import { check } from '../check.ts';
import { FreeList } from './freeList.ts';
import type { Heap } from './heap.ts';
import { DESCRIPTOR_BYTES, type Opcode } from './opcodes.ts';
import type { Storage, WasmTensor } from './tensor.ts';

/** A word of a descriptor: a number, or where a tensor or storage will lie. */
export type Word = number | WasmTensor | Storage;

export interface Operation {
  readonly opcode: Opcode;
  readonly items: number;
  readonly grain: number;
  /** Words 3 and on. */
  readonly words: readonly Word[];
  /** Bytes of scratch per thread. */
  readonly scratch?: number;
}

/** A step while it is recorded: operations in order, and the data that the host brings. */
export class Program {
  private readonly operations: Operation[] = [];

  get empty(): boolean {
    return this.operations.length === 0;
  }

  add(operation: Operation): void {
    for (const word of operation.words) {
      const owner = storageOf(word)?.program;
      check(!owner || owner === this, () => 'a tensor of a step that has ended');
    }
    this.operations.push(operation);
  }

  /** Scratch of this step; `initial` is written before it runs. */
  storage(bytes: number, initial?: Int32Array | Float32Array): Storage {
    return { bytes, address: 0, program: this, initial };
  }

  tensor(shape: readonly number[], initial?: Float32Array): WasmTensor {
    const bytes = 4 * shape.reduce((a, b) => a * b, 1);
    return { shape, dtype: 'f32', storage: this.storage(bytes, initial), offset: 0 };
  }

  /** Gives every scratch tensor a place, writes the descriptors and the host's data. `result` lives to the end. */
  place(heap: Heap, threads: number, result: WasmTensor): PlacedProgram {
    const { bytes: tensorBytes, storages } = this.plan(result);
    const threadScratch = Math.ceil(Math.max(64, ...this.operations.map((o) => o.scratch ?? 0)) / 64) * 64;
    const programBytes = this.operations.length * DESCRIPTOR_BYTES;
    const address = heap.allocate(programBytes + threads * threadScratch + tensorBytes);
    const tensors = address + programBytes + threads * threadScratch;
    const { i32, f32 } = heap.view;
    for (const storage of storages) {
      storage.address += tensors;
      if (storage.initial)
        (storage.initial instanceof Int32Array ? i32 : f32).set(storage.initial, storage.address / 4);
    }
    i32.fill(0, address / 4, (address + programBytes) / 4);
    this.operations.forEach(({ opcode, items, grain, words }, index) => {
      const at = (address + index * DESCRIPTOR_BYTES) / 4;
      i32[at] = opcode;
      i32[at + 1] = items;
      i32[at + 2] = grain;
      words.forEach((word, i) => (i32[at + 3 + i] = typeof word === 'number' ? word : addressOf(word)));
    });
    return { address, count: this.operations.length, scratch: address + programBytes, scratchBytes: threadScratch };
  }

  /** Lays scratch out so that a tensor's place is used again once the last operation that names it has run. */
  private plan(result: WasmTensor): { bytes: number; storages: Storage[] } {
    const lastUse = new Map<Storage, number>();
    const note = (word: Word, index: number) => {
      const storage = storageOf(word);
      if (storage?.program) lastUse.set(storage, index);
    };
    this.operations.forEach(({ words }, index) => words.forEach((word) => note(word, index)));
    note(result, this.operations.length);

    const places = new FreeList(0);
    let bytes = 0;
    const live = new Set<Storage>();
    const start = (storage: Storage) => {
      storage.address = places.allocate(storage.bytes);
      bytes = Math.max(bytes, places.end);
      live.add(storage);
    };
    for (const storage of lastUse.keys()) if (storage.initial) start(storage);
    this.operations.forEach(({ words }, index) => {
      const named = words.map(storageOf).filter((storage) => storage?.program) as Storage[];
      for (const storage of named) if (!live.has(storage)) start(storage);
      for (const storage of new Set(named)) if (lastUse.get(storage) === index) places.release(storage.address);
    });
    return { bytes, storages: [...lastUse.keys()] };
  }
}

/** A program in shared memory; `address` is to be released after the step. */
export interface PlacedProgram {
  readonly address: number;
  readonly count: number;
  readonly scratch: number;
  readonly scratchBytes: number;
}

function storageOf(word: Word): Storage | undefined {
  return typeof word === 'number' ? undefined : 'storage' in word ? word.storage : word;
}

function addressOf(word: Storage | WasmTensor): number {
  return 'storage' in word ? word.storage.address + word.offset : word.address;
}

const bits = new DataView(new ArrayBuffer(4));
/** The word that holds an f32. */
export function floatWord(value: number): number {
  bits.setFloat32(0, value);
  return bits.getInt32(0);
}
