import type { WeightDType } from '../ops.ts';
import { GROUP } from '../quantize.ts';
import type { Banks } from './banks.ts';
import { DTypeCode, Opcode, PANEL_ROWS } from './opcodes.ts';
import { Program } from './program.ts';
import { share } from './recording.ts';
import type { Storage } from './tensor.ts';
import type { Workers } from './workers.ts';

/** Batches at the workers: one that runs, and one so that they need not wait for this thread. */
const MOST_BATCHES = 2;

/** Lets the workers pack rows of quantised weights, between steps. */
export class Packing {
  private batches = 0;
  private newest: Promise<void> = Promise.resolve();

  constructor(
    private readonly banks: Banks,
    private readonly workers: Workers,
  ) {}

  /** Resolves when no batch is left. */
  get idle(): Promise<void> {
    return this.newest;
  }

  /**
   * Packs a copy of these rows of `weight`, the first of number `row`; undefined where the workers have enough to do, so
   * that the caller had better do it meanwhile. Rejects with BackendLost. Throws OutOfMemory.
   */
  offer(
    weight: Storage,
    dtype: WeightDType,
    inputs: number,
    row: number,
    rows: Float32Array,
  ): Promise<void> | undefined {
    if (this.batches === MOST_BATCHES) return undefined;
    const threads = this.workers.threads.length;
    const program = new Program();
    const values = program.tensor([rows.length / inputs, inputs], rows);
    const items = rows.length / inputs;
    const words = [values, weight, row, inputs / GROUP, DTypeCode[dtype]];
    program.add({ opcode: Opcode.packRows, items, grain: share(items, threads, PANEL_ROWS), words });
    const placed = program.place(this.banks, threads, values);
    this.batches++;
    const packed = this.newest
      .then(() => this.workers.run(placed))
      .finally(() => {
        this.batches--;
        placed.release();
      });
    this.newest = packed.catch(() => {}); // Whoever waits for `packed` hears of it.
    return packed;
  }
}
