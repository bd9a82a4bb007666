import { check } from '../../check.ts';
import type { Bank, Banks } from './banks.ts';
import { FreeList } from './freeList.ts';
import type { Heap } from './heap.ts';
import { BY_EVERY_THREAD, DESCRIPTOR_BYTES, PLAN_WORDS } from '../opcodes.ts';
import type { Operation, Word } from './operation.ts';
import type { Profile } from './profile.ts';
import type { Storage, WasmTensor } from './tensor.ts';

/** The address of scratch before its program is planned, and its last use. */
const UNPLACED = -1;
const UNUSED = -1;

/** An operation in its bank, or a copy into the bank. */
interface Entry {
  readonly bank: number;
  /** The storages that the words name; for a copy, the original and the copy. */
  readonly storages: readonly Storage[];
  readonly operation?: Operation;
}

/** A step while it is recorded: operations in order, and the data that the host brings. */
export class Program {
  readonly #entries: Entry[] = [];
  /** Copies between banks, by the original and the bank of the copy. */
  readonly #copies = new Map<Storage, Map<number, Storage>>();

  /** Operations that wait for who reads their result, by that result. */
  readonly #deferred = new Map<Storage, Operation>();

  get empty(): boolean {
    return this.#entries.length === 0;
  }

  /** The operation will run in the bank of its KV pages or its weight, otherwise of its first input. */
  add(operation: Operation): void {
    const storages = storagesOf(operation.words);
    for (const { program } of storages) check(!program || program === this, () => 'a tensor of a step that has ended');
    for (const storage of storages) this.#emit(storage);
    const bank = bankOf(storages);
    if (storages.every((storage) => (storage.bank ??= bank) === bank))
      this.#entries.push({ bank, storages, operation });
    else {
      const words = operation.words.map((word) => this.#inBank(word, bank));
      this.#entries.push({ bank, storages: storagesOf(words), operation: { ...operation, words } });
    }
  }

  /**
   * Adds the operation as soon as another one that names `result` is added. A caller that finds it by `deferredBy` may
   * record it in another form instead.
   */
  defer(result: WasmTensor, operation: Operation): void {
    this.#deferred.set(result.storage, operation);
  }

  /** The operation that would make this tensor, where it has not been added yet. */
  deferredBy(result: WasmTensor): Operation | undefined {
    return this.#deferred.get(result.storage);
  }

  #emit(result: Storage): void {
    const operation = this.#deferred.get(result);
    if (this.#deferred.delete(result)) this.add(operation!);
  }

  /** Scratch of this step; `initial` is written before it runs. */
  storage(bytes: number, initial?: Int32Array | Float32Array): Storage {
    return this.#scratch(bytes, undefined, initial, false);
  }

  /** Addresses of a bank, for operations that will run there. */
  addresses(bank: number, initial: Int32Array): Storage {
    return this.#scratch(initial.byteLength, bank, initial, true);
  }

  /** All scratch is made here, so that its objects have one form and are read fast. */
  #scratch(bytes: number, bank: number | undefined, initial: Storage['initial'], pinned: boolean): Storage {
    return { bytes, address: UNPLACED, bank, program: this, initial, pinned, lastUse: UNUSED };
  }

  tensor(shape: readonly number[], initial?: Float32Array): WasmTensor {
    const bytes = 4 * shape.reduce((a, b) => a * b, 1);
    return { shape, dtype: 'f32', storage: this.storage(bytes, initial), offset: 0 };
  }

  /**
   * Gives every scratch tensor a place, writes the descriptors and the host's data. `results` live to the end. Throws
   * OutOfMemory; then nothing is held. The time of each operation is added to `profile`, where given, when the program
   * is released.
   */
  place(banks: Banks, threads: number, results: readonly WasmTensor[], profile?: Profile): PlacedProgram {
    for (const { storage } of results) {
      this.#emit(storage);
      storage.bank ??= 0;
    }
    this.#endTogether();
    const { needs, storages } = this.#plan(results);
    const { address, times, release } = this.#hold(needs, banks, threads, profile);
    for (const storage of storages) {
      const { tensors, i32, f32 } = needs.get(storage.bank!)!;
      storage.address += tensors;
      const { initial } = storage;
      if (initial) (initial instanceof Int32Array ? i32 : f32).set(initial, storage.address / 4);
    }
    const rows: number[][] = [];
    for (const { bank, operation, storages } of this.#entries) {
      if (operation) writeOperation(bank, operation, needs.get(bank)!, rows);
      else writeCopy(bank, storages as [Storage, Storage], rows);
    }
    const { u32 } = banks.at(0).heap.view;
    rows.forEach((row, i) => u32.set(row, address / 4 + i * PLAN_WORDS));
    return { address, entries: rows.length, banks: banks.all.length, times, release };
  }

  /** The host reads the results after the last operation, so no thread may still be computing it. */
  #endTogether(): void {
    const last = this.#entries.at(-1);
    if (last?.operation?.grain !== BY_EVERY_THREAD) return;
    this.#entries.splice(-1, 1, { ...last, operation: { ...last.operation, grain: last.operation.items } });
  }

  /** Allocates the plan in the first bank, and in each bank what the program needs there. */
  #hold(
    needs: Map<number, Need>,
    banks: Banks,
    threads: number,
    profile: Profile | undefined,
  ): { address: number; times: number; release: () => void } {
    const held: (() => void)[] = [];
    const release = () => held.forEach((end) => end());
    const allocate = ({ heap }: Bank, bytes: number) => {
      const address = heap.allocate(bytes);
      held.push(() => heap.release(address));
      return address;
    };
    try {
      const address = allocate(banks.at(0), this.#entries.length * PLAN_WORDS * 4);
      for (const [index, need] of needs) {
        const bank = banks.at(index);
        const descriptors = need.operations * DESCRIPTOR_BYTES;
        need.descriptors = allocate(bank, descriptors + threads * need.threadScratch + need.tensorBytes);
        need.scratch = need.descriptors + descriptors;
        need.tensors = need.scratch + threads * need.threadScratch;
        ({ i32: need.i32, f32: need.f32 } = bank.heap.view);
        need.i32.fill(0, need.descriptors / 4, need.scratch / 4);
      }
      const times = profile ? allocate(banks.at(0), this.#entries.length * 8) : 0;
      if (profile) held.unshift(() => this.#report(profile, banks.at(0).heap, times));
      return { address, times, release };
    } catch (error) {
      release();
      throw error;
    }
  }

  #report(profile: Profile, { memory }: Heap, times: number): void {
    const milliseconds = new Float64Array(memory.buffer, times, this.#entries.length);
    this.#entries.forEach(({ operation, storages }, i) =>
      profile.add(operation ?? storages[0]!.bytes, milliseconds[i]!),
    );
  }

  /** `word` as operations in `bank` read it: a storage of another bank is copied there, once. */
  #inBank(word: Word, bank: number): Word {
    const from = storageOf(word);
    if (typeof word === 'number' || !from || (from.bank ??= bank) === bank) return word;
    let made = this.#copies.get(from);
    if (!made) this.#copies.set(from, (made = new Map<number, Storage>()));
    let to = made.get(bank);
    if (!to) {
      to = this.#scratch(from.bytes, bank, undefined, false);
      made.set(bank, to);
      this.#entries.push({ bank, storages: [from, to] });
    }
    return 'storage' in word ? { ...word, storage: to } : to;
  }

  /**
   * Lays scratch out so that a tensor's place is used again once all threads have run the last entry that names it: of
   * an operation without a barrier, once they have met at the next.
   */
  #plan(results: readonly WasmTensor[]): { needs: Map<number, Need>; storages: Storage[] } {
    const needs = new Map<number, Need>();
    const needOf = (bank: number): Need => {
      let need = needs.get(bank);
      if (!need) needs.set(bank, (need = new Need()));
      return need;
    };
    const scratch: Storage[] = [];
    const note = (storage: Storage, index: number) => {
      if (!storage.program) return;
      if (storage.lastUse === UNUSED) scratch.push(storage);
      storage.lastUse = index;
    };
    for (const [index, { storages }] of this.#entries.entries()) for (const storage of storages) note(storage, index);
    for (const { storage } of results) note(storage, this.#entries.length);

    for (const storage of scratch) if (storage.initial) needOf(storage.bank!).start(storage);
    let done: Storage[] = [];
    for (const [index, { bank, operation, storages }] of this.#entries.entries()) {
      if (operation) needOf(bank).count(operation);
      for (const storage of storages) {
        if (storage.address === UNPLACED) needOf(storage.bank!).start(storage);
        // An entry may name it twice.
        if (storage.lastUse === index && !done.includes(storage)) done.push(storage);
      }
      if (operation?.grain === BY_EVERY_THREAD) continue;
      for (const { bank, address } of done) needOf(bank!).places.release(address);
      done = [];
    }
    return { needs, storages: scratch };
  }
}

/** The memory that a program takes in one bank: descriptors, then scratch of the threads, then tensors. */
class Need {
  readonly places = new FreeList(0);
  operations = 0;
  threadScratch = 64;
  tensorBytes = 0;
  // Once it has its place: addresses, and views of the bank.
  descriptors = 0;
  scratch = 0;
  tensors = 0;
  i32: Int32Array = new Int32Array();
  f32: Float32Array = new Float32Array();

  count({ scratch = 0 }: Operation): void {
    this.operations++;
    this.threadScratch = Math.max(this.threadScratch, Math.ceil(scratch / 64) * 64);
  }

  start(storage: Storage): void {
    storage.address = this.places.allocate(storage.bytes);
    this.tensorBytes = Math.max(this.tensorBytes, this.places.end);
  }
}

/** Writes the next descriptor of its bank, and a new row of the plan where the one before is of another bank. */
function writeOperation(bank: number, operation: Operation, need: Need, rows: number[][]): void {
  const { opcode, items, grain, words } = operation;
  const { i32, descriptors } = need;
  const at = descriptors / 4;
  i32[at] = opcode;
  i32[at + 1] = items;
  i32[at + 2] = grain;
  for (let i = 0; i < words.length; i++) i32[at + 3 + i] = valueOf(words[i]!);
  const row = rows.at(-1);
  if (row && row[0] === bank && row[1]! > 0) row[1]!++;
  else rows.push([bank, 1, descriptors, need.scratch, need.threadScratch]);
  need.descriptors += DESCRIPTOR_BYTES;
}

function writeCopy(bank: number, [from, to]: [Storage, Storage], rows: number[][]): void {
  rows.push([bank, 0, to.address, from.bank!, from.address, from.bytes]);
}

/** A program in shared memory. */
export interface PlacedProgram {
  /** Address of its plan (opcodes.ts) in the first bank. */
  readonly address: number;
  readonly entries: number;
  /** Number of memories that exist. */
  readonly banks: number;
  /** Address in the first bank where the first thread writes the milliseconds of each operation and copy (f64), or 0. */
  readonly times: number;
  /** Frees its memory; to be called after the step. */
  release(): void;
}

function bankOf(storages: readonly Storage[]): number {
  let held: Storage | undefined;
  for (const storage of storages) {
    if (storage.pinned) return storage.bank!;
    if (!storage.program && (!held || storage.bytes > held.bytes)) held = storage;
  }
  return (held ?? storages.find((storage) => storage.bank !== undefined))?.bank ?? 0;
}

function storagesOf(words: readonly Word[]): Storage[] {
  const storages: Storage[] = [];
  for (const word of words) if (typeof word !== 'number') storages.push(storageOf(word)!);
  return storages;
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
