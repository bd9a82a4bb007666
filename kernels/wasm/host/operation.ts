import type { Opcode } from '../opcodes.ts';
import type { Storage, WasmTensor } from './tensor.ts';

/** A word of a descriptor: a number, or where a tensor or storage will lie. */
export type Word = number | WasmTensor | Storage;

export interface Operation {
  readonly opcode: Opcode;
  readonly items: number;
  /** Items that a thread takes at once, or BY_EVERY_THREAD. */
  readonly grain: number;
  /** Words 3 and on. A scratch storage that no operation named before is a result of this one. */
  readonly words: readonly Word[];
  /** Bytes of scratch per thread. */
  readonly scratch?: number;
}

/** An operation in its bank, or a copy into the bank. */
export interface Entry {
  readonly bank: number;
  /** The storages that the words name; for a copy, the original and the copy. */
  readonly storages: readonly Storage[];
  readonly operation?: Operation;
}
