/** Proposes the tokens of a draft. */
export interface Drafter {
  /** The sequence continues with `id`. */
  push(id: number): void;
  /** Up to `most` tokens that may follow `ids` and `newest`; fewer where drafting more would not pay. */
  propose(ids: readonly number[], newest: number, most: number, options: ProposeOptions): number[];
}

export interface ProposeOptions {
  /** A draft ends before any of these. */
  readonly stopIds: ReadonlySet<number>;
  /** Proposes all that is known, whether or not it pays. */
  readonly all: boolean;
}
