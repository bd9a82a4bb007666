import { keeps } from '../../keep.ts';
import type { WeightDType } from '../../ops.ts';
import { QUANTIZED, isQuantized } from '../../quantize.ts';
import { isSuperBlock } from '../../superBlocks.ts';
import { STORED, type StoredType, storedBytes } from '../../stored/storedTypes.ts';
import type { Banks } from './banks.ts';
import { DTypeCode, Opcode, PANEL_ROWS, StoredCode } from '../opcodes.ts';
import { Program } from './program.ts';
import { share } from './record/recording.ts';
import type { Storage, WasmTensor } from './tensor.ts';
import { floatRowBytes } from './weightLayout.ts';
import type { Workers } from './workers.ts';

/** Rows of a weight as a checkpoint stores them. */
export interface StoredRows {
  readonly weight: WasmTensor;
  /** Number of the first of them, and how many there are. */
  readonly first: number;
  readonly rows: number;
  readonly type: StoredType;
  readonly bytes: number;
}

/** Lets the workers pack weights, between steps. */
export class Packing {
  #newest: Promise<unknown> = Promise.resolve();

  readonly #banks: Banks;
  readonly #workers: Workers;

  constructor(banks: Banks, workers: Workers) {
    this.#banks = banks;
    this.#workers = workers;
  }

  /** Resolves when nothing is being packed. */
  get idle(): Promise<unknown> {
    return this.#newest;
  }

  /** Throws BackendLost where the workers are gone. */
  throwIfLost(): void {
    this.#workers.throwIfLost();
  }

  /**
   * Packs rows that `fill` writes to the memory of their weight, and resolves with their largest magnitude, which is not
   * finite where one of their values is not. Rejects with OutOfMemory, BackendLost, or as `fill` does.
   */
  async pack(rows: StoredRows, fill: (into: Uint8Array) => Promise<void>): Promise<number> {
    const bank = rows.weight.storage.bank!;
    const { heap } = this.#banks.at(bank);
    const address = heap.allocate(rows.bytes);
    try {
      await fill(new Uint8Array(heap.memory.buffer, address, rows.bytes));
      const packed = this.#newest.then(() => this.#run(rows, { bytes: rows.bytes, address, bank }));
      this.#newest = packed.catch(() => {}); // The caller that awaits `packed` gets the error.
      return await packed;
    } finally {
      heap.release(address);
    }
  }

  async #run(rows: StoredRows, from: Storage): Promise<number> {
    const threads = this.#workers.threads.length;
    const { program, largest } = recordPacking(rows, from, threads);
    const placed = program.place(this.#banks, threads, [largest]);
    try {
      await this.#workers.run(placed);
      return this.#banks.at(largest.storage.bank!).heap.view.f32[largest.storage.address / 4]!;
    } finally {
      placed.release();
    }
  }
}

/** A program that packs the rows at `from` and leaves their largest magnitude in `largest`. */
export function recordPacking(
  { weight, first, rows, type }: StoredRows,
  from: Storage,
  threads: number,
): { program: Program; largest: WasmTensor } {
  const { shape, dtype } = weight;
  const inputs = shape[1]!;
  const program = new Program();
  const largest = program.tensor([1], Float32Array.of(0));
  const rowBytes = floatRowBytes(inputs, dtype); // Read for f32 and f16 only.
  const { quantized } = STORED[type];
  const highest = quantized?.hasMinimum ? quantized.highest : 0;
  const blocks = [storedBytes(inputs, type), quantized?.group ?? 0, biasOf(type, dtype), highest];
  const words = [from, weight, first, inputs, DTypeCode[dtype], StoredCode[type], rowBytes, largest, ...blocks];
  // Rows of a panel share cache lines: one thread packs them.
  const grain = Math.ceil(share(rows, threads, 1) / PANEL_ROWS) * PANEL_ROWS;
  // A row as f32, as codes, and scales and minima of groups of 16.
  const scratch = 4 * Math.ceil(inputs / 8) * 8 + inputs + 2 * 4 * Math.ceil(inputs / 16);
  program.add({ opcode: Opcode.packRows, items: rows, grain, words, scratch });
  return { program, largest };
}

/** What is added to kept codes, so that they are unsigned in their panel; -1 where codes are not kept. */
function biasOf(type: StoredType, dtype: WeightDType): number {
  const { quantized } = STORED[type];
  if (!quantized || !keeps(type, dtype)) return -1;
  if (!isQuantized(dtype)) return isSuperBlock(dtype) ? 0 : -1;
  const { hasMinimum, lowest, levels } = QUANTIZED[dtype];
  if (levels) return 0; // The codes become the numbers of their levels.
  return Math.abs(hasMinimum ? quantized.lowest : lowest);
}
