import { check } from '../check.ts';
import { keeps } from '../keep.ts';
import type { WeightDType } from '../ops.ts';
import { GROUP, isQuantized } from '../quantize.ts';
import { isSuperBlock } from '../superBlocks.ts';
import { STORED, type StoredType, storedValues } from '../stored/storedTypes.ts';

/** Checks the shape of a weight, and counts its rows while they are written. */
export class RowCounter {
  readonly #shape: readonly [number, number];
  readonly #dtype: WeightDType;
  #rows = 0;

  constructor(shape: readonly [number, number], dtype: WeightDType) {
    const [out, width] = shape;
    check(out > 0 && width > 0, () => `createWeight: shape (${shape})`);
    check(
      !isQuantized(dtype) || width % GROUP === 0,
      () => `createWeight: ${dtype} rows of ${width} are not groups of ${GROUP}`,
    );
    this.#shape = shape;
    this.#dtype = dtype;
  }

  /** Takes the next `bytes` bytes. Throws unless they are whole rows of the weight. */
  take(bytes: number, type: StoredType): { first: number; rows: number } {
    const [out, width] = this.#shape;
    const first = this.#rows;
    const rows = storedValues(bytes, type) / width;
    const { blockValues } = STORED[type];
    check(
      !isSuperBlock(this.#dtype) || keeps(type, this.#dtype),
      () => `createWeight: ${this.#dtype} does not hold what is stored as ${type}`,
    );
    check(
      width % blockValues === 0,
      () => `createWeight: rows of ${width} are not blocks of ${blockValues}, as ${type} has them`,
    );
    check(
      Number.isInteger(rows) && first + rows <= out,
      () => `createWeight: ${bytes} bytes of ${type} for (${this.#shape}) at row ${first}`,
    );
    this.#rows += rows;
    return { first, rows };
  }

  /** Throws unless all rows have been taken. */
  checkComplete(): void {
    check(this.#rows === this.#shape[0], () => `createWeight: got ${this.#rows} rows of (${this.#shape})`);
  }
}
