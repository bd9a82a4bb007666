import { check } from '../check.ts';
import type { Banks } from './banks.ts';
import { FreeList } from './freeList.ts';
import type { Heap } from './heap.ts';
import { DESCRIPTOR_BYTES, type Opcode, PLAN_WORDS } from './opcodes.ts';
import type { Storage, WasmTensor } from './tensor.ts';

/** A word of a descriptor: a number, or where a tensor or storage will lie. */
export type Word = number | WasmTensor | Storage;

export interface Operation {
  readonly opcode: Opcode;
  readonly items: number;
  readonly grain: number;
  /** Words 3 and on. A scratch storage that no operation named before is a result of this one. */
  readonly words: readonly Word[];
  /** Bytes of scratch per thread. */
  readonly scratch?: number;
}

/** An operation in its bank, or a copy into the bank. */
type Entry = { readonly bank: number; readonly operation: Operation } | Copy;
interface Copy {
  readonly bank: number;
  readonly from: Storage;
  readonly to: Storage;
}

/** A step while it is recorded: operations in order, and the data that the host brings. */
export class Program {
  private readonly entries: Entry[] = [];
  /** What was copied, by the original and the bank of the copy. */
  private readonly copies = new Map<Storage, Map<number, Storage>>();

  get empty(): boolean {
    return this.entries.length === 0;
  }

  /** The operation will run in the bank of its KV pages or its weight, otherwise of its first input. */
  add(operation: Operation): void {
    const storages = operation.words.map(storageOf).filter((storage) => storage !== undefined);
    for (const { program } of storages) check(!program || program === this, () => 'a tensor of a step that has ended');
    const bank = bankOf(storages);
    const words = operation.words.map((word) => this.inBank(word, bank));
    this.entries.push({ bank, operation: { ...operation, words } });
  }

  /** Scratch of this step; `initial` is written before it runs. */
  storage(bytes: number, initial?: Int32Array | Float32Array): Storage {
    return { bytes, address: 0, program: this, initial };
  }

  /** Addresses of a bank, for operations that will run there. */
  addresses(bank: number, initial: Int32Array): Storage {
    return { bytes: initial.byteLength, address: 0, program: this, initial, bank, pinned: true };
  }

  tensor(shape: readonly number[], initial?: Float32Array): WasmTensor {
    const bytes = 4 * shape.reduce((a, b) => a * b, 1);
    return { shape, dtype: 'f32', storage: this.storage(bytes, initial), offset: 0 };
  }

  /**
   * Gives every scratch tensor a place, writes the descriptors and the host's data. `result` lives to the end. Throws
   * OutOfMemory; then nothing is held.
   */
  place(banks: Banks, threads: number, result: WasmTensor): PlacedProgram {
    result.storage.bank ??= 0;
    const { needs, storages } = this.plan(result);
    const held: { heap: Heap; address: number }[] = [];
    const release = () => held.forEach(({ heap, address }) => heap.release(address));
    const allocate = (bank: number, bytes: number) => {
      const { heap } = banks.at(bank);
      const address = heap.allocate(bytes);
      held.push({ heap, address });
      return address;
    };
    try {
      const rows: number[][] = [];
      for (const [bank, need] of needs) {
        const descriptors = need.operations * DESCRIPTOR_BYTES;
        need.descriptors = allocate(bank, descriptors + threads * need.threadScratch + need.tensorBytes);
        need.scratch = need.descriptors + descriptors;
        need.tensors = need.scratch + threads * need.threadScratch;
        banks.at(bank).heap.view.u8.fill(0, need.descriptors, need.scratch);
      }
      const address = allocate(0, this.entries.length * PLAN_WORDS * 4);
      for (const storage of storages) {
        storage.address += needs.get(storage.bank!)!.tensors;
        writeInitial(storage, banks.at(storage.bank!).heap);
      }
      for (const entry of this.entries) {
        const need = needs.get(entry.bank)!;
        if ('operation' in entry) writeOperation(entry, banks.at(entry.bank).heap, need, rows);
        else rows.push([entry.bank, 0, entry.to.address, entry.from.bank!, entry.from.address, entry.from.bytes]);
      }
      const { u32 } = banks.at(0).heap.view;
      rows.forEach((row, i) => u32.set(row, address / 4 + i * PLAN_WORDS));
      return { address, entries: rows.length, banks: banks.all.length, release };
    } catch (error) {
      release();
      throw error;
    }
  }

  /** `word` as operations in `bank` read it: a storage of another bank is copied there, once. */
  private inBank(word: Word, bank: number): Word {
    const from = storageOf(word);
    if (!from || typeof word === 'number') return word;
    from.bank ??= bank;
    if (from.bank === bank) return word;
    let made = this.copies.get(from);
    if (!made) this.copies.set(from, (made = new Map<number, Storage>()));
    let to = made.get(bank);
    if (!to) {
      to = { bytes: from.bytes, address: 0, program: this, bank };
      made.set(bank, to);
      this.entries.push({ bank, from, to });
    }
    return 'storage' in word ? { ...word, storage: to } : to;
  }

  /** Lays scratch out so that a tensor's place is used again once the last entry that names it has run. */
  private plan(result: WasmTensor): { needs: Map<number, Need>; storages: Storage[] } {
    const needs = new Map<number, Need>();
    const needOf = (bank: number): Need => {
      let need = needs.get(bank);
      if (!need) needs.set(bank, (need = new Need()));
      return need;
    };
    const named = this.entries.map((entry) =>
      ('operation' in entry ? entry.operation.words.map(storageOf) : [entry.from, entry.to]).filter(
        (storage): storage is Storage => storage?.program !== undefined,
      ),
    );
    const lastUse = new Map<Storage, number>();
    named.forEach((storages, index) => storages.forEach((storage) => lastUse.set(storage, index)));
    if (result.storage.program) lastUse.set(result.storage, named.length);

    const live = new Set<Storage>();
    const start = (storage: Storage) => {
      needOf(storage.bank!).start(storage);
      live.add(storage);
    };
    for (const storage of lastUse.keys()) if (storage.initial) start(storage);
    this.entries.forEach((entry, index) => {
      if ('operation' in entry) needOf(entry.bank).count(entry.operation);
      for (const storage of named[index]!) if (!live.has(storage)) start(storage);
      for (const storage of new Set(named[index]))
        if (lastUse.get(storage) === index) needOf(storage.bank!).places.release(storage.address);
    });
    return { needs, storages: [...lastUse.keys()] };
  }
}

/** What a program takes of one bank: descriptors, then scratch of the threads, then tensors. */
class Need {
  readonly places = new FreeList(0);
  operations = 0;
  threadScratch = 64;
  tensorBytes = 0;
  // Addresses, once it has its place.
  descriptors = 0;
  scratch = 0;
  tensors = 0;

  count({ scratch = 0 }: Operation): void {
    this.operations++;
    this.threadScratch = Math.max(this.threadScratch, Math.ceil(scratch / 64) * 64);
  }

  start(storage: Storage): void {
    storage.address = this.places.allocate(storage.bytes);
    this.tensorBytes = Math.max(this.tensorBytes, this.places.end);
  }
}

function writeInitial({ initial, address }: Storage, heap: Heap): void {
  const { i32, f32 } = heap.view;
  if (initial) (initial instanceof Int32Array ? i32 : f32).set(initial, address / 4);
}

/** Writes the next descriptor of its bank, and a new row of the plan where the one before is of another bank. */
function writeOperation(
  { bank, operation }: { bank: number; operation: Operation },
  heap: Heap,
  need: Need,
  rows: number[][],
): void {
  const { opcode, items, grain, words } = operation;
  const at = need.descriptors;
  need.descriptors += DESCRIPTOR_BYTES;
  heap.view.u32.set([opcode, items, grain, ...words.map(valueOf)], at / 4);
  const row = rows.at(-1);
  if (row && row[0] === bank && row[1]! > 0) row[1]!++;
  else rows.push([bank, 1, at, need.scratch, need.threadScratch]);
}

/** A program in shared memory. */
export interface PlacedProgram {
  /** Of its plan (opcodes.ts), in the first bank. */
  readonly address: number;
  readonly entries: number;
  /** Memories that exist. */
  readonly banks: number;
  /** To be called after the step. */
  release(): void;
}

function bankOf(storages: readonly Storage[]): number {
  const pinned = storages.find((storage) => storage.pinned);
  const held = storages.filter((storage) => !storage.program).sort((a, b) => b.bytes - a.bytes)[0];
  return (pinned ?? held ?? storages.find((storage) => storage.bank !== undefined))?.bank ?? 0;
}

function storageOf(word: Word): Storage | undefined {
  return typeof word === 'number' ? undefined : 'storage' in word ? word.storage : word;
}

function valueOf(word: Word): number {
  if (typeof word === 'number') return word;
  return 'storage' in word ? word.storage.address + word.offset : word.address;
}

const bits = new DataView(new ArrayBuffer(4));
/** The word that holds an f32. */
export function floatWord(value: number): number {
  bits.setFloat32(0, value);
  return bits.getInt32(0);
}
