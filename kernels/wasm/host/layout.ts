import { BY_EVERY_THREAD } from '../opcodes.ts';
import { FreeList } from './freeList.ts';
import type { Entry } from './operation.ts';
import type { Storage } from './tensor.ts';

/** Where the scratch of a step lies in each bank. */
export interface Layout {
  /** Everything that it follows from (formOf). */
  readonly form: Int32Array;
  /** What the step needs, by bank. */
  readonly needs: ReadonlyMap<number, Need>;
  /** Of each scratch storage, in the order of formOf: bytes from the start of the tensors in its bank. */
  readonly places: readonly number[];
}

/** Number of operations in a bank, and bytes of scratch per thread and of tensors. */
export interface Need {
  readonly operations: number;
  readonly threadScratch: number;
  readonly tensorBytes: number;
}

/** The order of what is no scratch, or is named by no entry yet; and the place of scratch before it is known. */
export const UNNAMED = -1;
const UNPLACED = -1;

/**
 * Lays scratch out. Tokens that are decoded one after the other are steps of the same form, for which the layout of the
 * step `before` is taken.
 */
export function layOut(
  entries: readonly Entry[],
  results: readonly Storage[],
  before: Layout | undefined,
): { layout: Layout; scratch: readonly Storage[] } {
  const scratch: Storage[] = [];
  const form = formOf(entries, results, scratch);
  return {
    layout: before && equal(before.form, form) ? before : plan(form.slice(), entries, results, scratch),
    scratch,
  };
}

/** Holds the form of a step until the next. */
let room = new Int32Array(4096);

/**
 * What the layout follows from, in numbers, until the next call. Gives the scratch in the order in which entries, then
 * results name it. Some thousand numbers for every token that is decoded: hence the plain loops.
 */
function formOf(entries: readonly Entry[], results: readonly Storage[], scratch: Storage[]): Int32Array {
  const most = entries.reduce((sum, { storages }) => sum + 4 + 4 * storages.length, 4 * results.length);
  if (room.length < most) room = new Int32Array(2 * most);
  const form = room;
  let end = 0;
  for (const { bank, operation, storages } of entries) {
    form[end++] = bank;
    form[end++] = operation ? (operation.scratch ?? 0) : -1;
    form[end++] = operation?.grain === BY_EVERY_THREAD ? 1 : 0;
    form[end++] = storages.length;
    for (const storage of storages) end = name(storage, scratch, form, end);
  }
  for (const storage of results) end = name(storage, scratch, form, end);
  return form.subarray(0, end);
}

/** Writes the number of a storage, and what it needs where it is new; returns where the next one goes. */
function name(storage: Storage, scratch: Storage[], form: Int32Array, end: number): number {
  if (!storage.program || storage.order !== UNNAMED) {
    form[end] = storage.program ? storage.order! : UNNAMED;
    return end + 1;
  }
  storage.order = scratch.push(storage) - 1;
  form[end] = storage.order;
  form[end + 1] = storage.bytes;
  form[end + 2] = storage.bank!;
  form[end + 3] = storage.initial ? 1 : 0;
  return end + 4;
}

function equal(a: Int32Array, b: Int32Array): boolean {
  if (a.length !== b.length) return false;
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false;
  return true;
}

/**
 * A tensor's place is used again once all threads have run the last entry that names it: of an operation without a barrier,
 * once they have met at the next. What the host writes is there from the start, and results live to the end.
 */
function plan(
  form: Int32Array,
  entries: readonly Entry[],
  results: readonly Storage[],
  scratch: readonly Storage[],
): Layout {
  const lastUses = new Int32Array(scratch.length);
  entries.forEach(({ storages }, index) => {
    for (const { program, order } of storages) if (program) lastUses[order!] = index;
  });
  for (const { program, order } of results) if (program) lastUses[order!] = entries.length;

  const needs = new Map<number, OpenNeed>();
  const needOf = (bank: number): OpenNeed => {
    let need = needs.get(bank);
    if (!need) needs.set(bank, (need = { room: new FreeList(0), operations: 0, threadScratch: 64, tensorBytes: 0 }));
    return need;
  };
  const places = scratch.map(() => UNPLACED);
  const start = ({ order, bank, bytes }: Storage): void => {
    const need = needOf(bank!);
    places[order!] = need.room.allocate(bytes);
    need.tensorBytes = Math.max(need.tensorBytes, need.room.end);
  };
  for (const storage of scratch) if (storage.initial) start(storage);
  const done = new Set<Storage>();
  entries.forEach(({ bank, operation, storages }, index) => {
    if (operation) {
      const need = needOf(bank);
      need.operations++;
      need.threadScratch = Math.max(need.threadScratch, Math.ceil((operation.scratch ?? 0) / 64) * 64);
    }
    for (const storage of storages) {
      if (!storage.program) continue;
      if (places[storage.order!] === UNPLACED) start(storage);
      if (lastUses[storage.order!] === index) done.add(storage);
    }
    if (operation?.grain === BY_EVERY_THREAD) return;
    for (const { bank, order } of done) needOf(bank!).room.release(places[order!]!);
    done.clear();
  });
  return { form, needs, places };
}

/** While the step is planned. */
interface OpenNeed {
  /** What is free below the end of the tensors. */
  readonly room: FreeList;
  operations: number;
  threadScratch: number;
  tensorBytes: number;
}
