/** When to start the engine again after it died. Pure: the clock is passed in. */
const FIRST_DELAY_MS = 500;
const MAX_DELAY_MS = 30_000;
/** This many deaths in a row within a minute are no accident. */
const MAX_CRASHES = 5;
const WINDOW_MS = 60_000;

export class RestartPolicy {
  #crashes: number[] = [];

  /** Milliseconds to wait before the next start; undefined where only the user can ask for another. */
  crashed(nowMs: number): number | undefined {
    // An engine that lived longer than the window starts a new row.
    const last = this.#crashes.at(-1);
    if (last !== undefined && nowMs - last > WINDOW_MS) this.#crashes = [];
    this.#crashes.push(nowMs);
    if (this.#crashes.filter((at) => nowMs - at <= WINDOW_MS).length >= MAX_CRASHES) return undefined;
    return Math.min(MAX_DELAY_MS, FIRST_DELAY_MS * 2 ** (this.#crashes.length - 1));
  }

  reset(): void {
    this.#crashes = [];
  }
}
