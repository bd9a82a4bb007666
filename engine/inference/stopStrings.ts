/**
 * Watches a growing text for stop strings. Text that may be the start of one is held back until it is clear, so that
 * nothing of a stop string is ever shown.
 */
export class StopStrings {
  #held = '';
  #found = false;

  readonly #stops: readonly string[];

  constructor(stops: readonly string[]) {
    this.#stops = stops;
  }

  /** Whether a stop string has come; nothing after it is shown. */
  get stopped(): boolean {
    return this.#found;
  }

  /** Takes the next piece of text; returns what may be shown now. */
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

  /** What is still held back when the generation has ended. */
  end(): string {
    const rest = this.#held;
    this.#held = '';
    return rest;
  }
}

/** Length of the longest end of `text` that is a beginning of `stop`. */
function overlap(text: string, stop: string): number {
  for (let length = Math.min(text.length, stop.length - 1); length > 0; length--) {
    if (text.endsWith(stop.slice(0, length))) return length;
  }
  return 0;
}
