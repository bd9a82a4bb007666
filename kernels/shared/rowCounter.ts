import { check } from '../check.ts';
import { type StoredType, storedValues } from '../stored/storedTypes.ts';

/** Counts the rows of a weight while they are written. */
export class RowCounter {
  readonly #shape: readonly [number, number];
  #rows = 0;

  constructor(shape: readonly [number, number]) {
    check(shape[0] > 0 && shape[1] > 0, () => `createWeight: shape (${shape})`);
    this.#shape = shape;
  }

  /** Takes the next `bytes` bytes. Throws unless they are whole rows of the weight. */
  take(bytes: number, type: StoredType): { first: number; rows: number } {
    const [out, width] = this.#shape;
    const first = this.#rows;
    const rows = storedValues(bytes, type) / width;
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
