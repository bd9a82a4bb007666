import { check } from '../../check.ts';
import type { Banks } from './banks.ts';
import type { Heap } from './heap.ts';
import { BY_EVERY_THREAD, COUNTER_WORD, DESCRIPTOR_BYTES, PLAN_WORDS } from '../opcodes.ts';
import { HeldMemory } from './heldMemory.ts';
import { type Layout, type Need, UNNAMED, layOut } from './layout.ts';
import type { Entry, Operation, Word } from './operation.ts';
import type { Profile } from './profile.ts';
import type { Storage, WasmTensor } from './tensor.ts';

/** The address of scratch before its program is placed. */
const UNPLACED = -1;

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

  /** Scratch for addresses of a bank, for operations that will run there. */
  addresses(bank: number, bytes: number): Storage {
    return this.#scratch(bytes, bank, undefined, true);
  }

  /** All scratch is made here, so that its objects have one form and are read fast. */
  #scratch(bytes: number, bank: number | undefined, initial: Storage['initial'], pinned: boolean): Storage {
    return { bytes, address: UNPLACED, bank, program: this, initial, pinned, order: UNNAMED };
  }

  tensor(shape: readonly number[], initial?: Float32Array): WasmTensor {
    const bytes = 4 * shape.reduce((a, b) => a * b, 1);
    return { shape, dtype: 'f32', storage: this.storage(bytes, initial), offset: 0 };
  }

  /**
   * Gives every scratch tensor a place, writes the descriptors and the host's data. `results` live to the end. Throws
   * OutOfMemory; then nothing is held. `before` is the layout of the step before; the time of each operation is added to
   * `profile`, where given, when the program is released.
   */
  place(
    banks: Banks,
    threads: number,
    results: readonly WasmTensor[],
    { before, profile }: { before?: Layout | undefined; profile?: Profile | undefined } = {},
  ): PlacedProgram {
    for (const { storage } of results) {
      this.#emit(storage);
      storage.bank ??= 0;
    }
    this.#endTogether();
    const named = results.map(({ storage }) => storage);
    const { layout, scratch } = layOut(this.#entries, named, before);
    const { address, times, places, held } = this.#hold(layout.needs, banks, threads, profile);
    scratch.forEach((storage, i) => (storage.address = places.get(storage.bank!)!.tensors + layout.places[i]!));
    const data = scratch.filter(({ initial }) => initial);
    writeData(data, places);
    const rows: number[][] = [];
    for (const { bank, operation, storages } of this.#entries) {
      if (operation) writeOperation(bank, operation, places.get(bank)!, rows);
      else writeCopy(bank, storages as [Storage, Storage], rows);
    }
    const { u32 } = banks.at(0).heap.view;
    rows.forEach((row, i) => u32.set(row, address / 4 + i * PLAN_WORDS));
    const release = () => {
      if (profile) this.#report(profile, banks.at(0).heap, times);
      held.release();
    };
    const retake = () => {
      if (profile || !held.retake()) return false;
      writeData(data, places);
      for (const place of places.values()) clearCounters(place);
      return true;
    };
    return { address, entries: rows.length, banks: banks.all.length, times, layout, release, retake };
  }

  /** The host reads the results after the last operation, so no thread may still be computing it. */
  #endTogether(): void {
    const last = this.#entries.at(-1);
    if (last?.operation?.grain !== BY_EVERY_THREAD) return;
    this.#entries.splice(-1, 1, { ...last, operation: { ...last.operation, grain: last.operation.items } });
  }

  /** Allocates the plan in the first bank, and in each bank what the program needs there. */
  #hold(
    needs: ReadonlyMap<number, Need>,
    banks: Banks,
    threads: number,
    profile: Profile | undefined,
  ): { address: number; times: number; places: Map<number, Place>; held: HeldMemory } {
    const held = new HeldMemory();
    try {
      const address = held.allocate(banks.at(0).heap, this.#entries.length * PLAN_WORDS * 4);
      const places = new Map<number, Place>();
      for (const [index, { operations, threadScratch, tensorBytes }] of needs) {
        const { heap } = banks.at(index);
        const bytes = operations * DESCRIPTOR_BYTES;
        const descriptors = held.allocate(heap, bytes + threads * threadScratch + tensorBytes);
        const scratch = descriptors + bytes;
        const { i32, f32 } = heap.view;
        i32.fill(0, descriptors / 4, scratch / 4);
        places.set(index, {
          descriptors,
          next: descriptors,
          scratch,
          threadScratch,
          tensors: scratch + threads * threadScratch,
          i32,
          f32,
        });
      }
      const times = profile ? held.allocate(banks.at(0).heap, this.#entries.length * 8) : 0;
      return { address, times, places, held };
    } catch (error) {
      held.release();
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
}

/** The memory that a program holds in one bank: addresses, and views of the bank. */
interface Place {
  /** Of the descriptors, and of the one to be written next. */
  readonly descriptors: number;
  next: number;
  /** Follows the descriptors. */
  readonly scratch: number;
  /** Bytes of scratch per thread. */
  readonly threadScratch: number;
  readonly tensors: number;
  readonly i32: Int32Array;
  readonly f32: Float32Array;
}

/** Writes the next descriptor of its bank, and a new row of the plan where the one before is of another bank. */
function writeOperation(bank: number, operation: Operation, place: Place, rows: number[][]): void {
  const { opcode, items, grain, words } = operation;
  const { i32, next, scratch, threadScratch } = place;
  const at = next / 4;
  i32[at] = opcode;
  i32[at + 1] = items;
  i32[at + 2] = grain;
  for (let i = 0; i < words.length; i++) i32[at + 3 + i] = valueOf(words[i]!);
  const row = rows.at(-1);
  if (row && row[0] === bank && row[1]! > 0) row[1]!++;
  else rows.push([bank, 1, next, scratch, threadScratch]);
  place.next += DESCRIPTOR_BYTES;
}

/** Makes the descriptors of a program that has run ready to run again. */
function clearCounters({ i32, descriptors, scratch }: Place): void {
  for (let at = descriptors; at < scratch; at += DESCRIPTOR_BYTES) i32[at / 4 + COUNTER_WORD] = 0;
}

function writeData(data: readonly Storage[], places: ReadonlyMap<number, Place>): void {
  for (const { initial, address, bank } of data) {
    const { i32, f32 } = places.get(bank!)!;
    if (initial instanceof Int32Array) i32.set(initial, address / 4);
    else f32.set(initial!, address / 4);
  }
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
  readonly layout: Layout;
  /** Frees its memory; to be called after the step. */
  release(): void;
  /**
   * After `release`: takes its memory again and writes the host's data, which may be others, so that the program can run
   * once more. Returns false, and holds nothing, where that memory may have been used meanwhile.
   */
  retake(): boolean;
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
