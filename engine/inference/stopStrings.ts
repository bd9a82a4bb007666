/**
 * Finds stop strings in a growing text. Text that may be the start of one is held back until that is decided, so that no
 * part of a stop string is ever shown.
 */
export class StopStrings {
  #held = '';
  #found = false;

  readonly #stops: readonly string[];

  constructor(stops: readonly string[]) {
    this.#stops = stops;
  }

  /** Whether a stop string was found. Nothing after it is shown. */
  get stopped(): boolean {
    return this.#found;
  }

  /** Appends a piece of text, and returns the text that can be shown now. */
  push(piece: string): string {
    if (this.#found) return '';
    const text = this.#held + piece;
    const at = Math.min(
      ...this.#stops.map((stop) => text.indexOf(stop)).map((index) => (index < 0 ? Infinity : index)),
    );
    if (at < Infinity) {
      this.#found = true;
      this.#held = '';
      return text.slice(0, at);
    }
    const keep = Math.max(0, ...this.#stops.map((stop) => overlap(text, stop)));
    this.#held = text.slice(text.length - keep);
    return text.slice(0, text.length - keep);
  }

  /** Returns the text that is still held back when the generation has ended. */
  end(): string {
    const rest = this.#held;
    this.#held = '';
    return rest;
  }
}

/** Length of the longest suffix of `text` that is a prefix of `stop`. */
function overlap(text: string, stop: string): number {
  for (let length = Math.min(text.length, stop.length - 1); length > 0; length--) {
    if (text.endsWith(stop.slice(0, length))) return length;
  }
  return 0;
}
