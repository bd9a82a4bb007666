/** Places are multiples of a cache line. */
const ALIGNMENT = 64;

/** Addresses handed out first-fit from `start` upwards; knows nothing of what lies there. */
export class FreeList {
  /** Gaps below `end`, by address; neighbours are merged. */
  readonly #gaps: { at: number; bytes: number }[] = [];
  readonly #sizes = new Map<number, number>();
  /** First byte past the last place in use. */
  end: number;
  /** Bytes in use. */
  held = 0;

  constructor(start: number) {
    this.end = start;
  }

  allocate(wanted: number): number {
    const bytes = Math.max(1, Math.ceil(wanted / ALIGNMENT)) * ALIGNMENT;
    const index = this.#gaps.findIndex((gap) => gap.bytes >= bytes);
    let at: number;
    if (index < 0) {
      at = this.end;
      this.end += bytes;
    } else {
      const gap = this.#gaps[index]!;
      at = gap.at;
      if (gap.bytes === bytes) this.#gaps.splice(index, 1);
      else this.#gaps[index] = { at: at + bytes, bytes: gap.bytes - bytes };
    }
    this.#sizes.set(at, bytes);
    this.held += bytes;
    return at;
  }

  release(at: number): void {
    let bytes = this.#sizes.get(at);
    if (bytes === undefined) throw new Error(`address ${at} is not in use`);
    this.#sizes.delete(at);
    this.held -= bytes;
    let index = this.#gaps.findIndex((gap) => gap.at > at);
    if (index < 0) index = this.#gaps.length;
    const before = this.#gaps[index - 1];
    if (before && before.at + before.bytes === at) {
      at = before.at;
      bytes += before.bytes;
      this.#gaps.splice(--index, 1);
    }
    const after = this.#gaps[index];
    if (after && at + bytes === after.at) {
      bytes += after.bytes;
      this.#gaps.splice(index, 1);
    }
    if (at + bytes === this.end) this.end = at;
    else this.#gaps.splice(index, 0, { at, bytes });
  }
}
