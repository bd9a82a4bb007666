/** A hold ends at the latest after this, so that a slow completion does not stop a chat. */
const MOST_MS = 300;
/** Time in which a window draws the ghost text that has been sent. */
const DRAW_MS = 50;

/**
 * How long less urgent steps wait for somebody who types: from a key until its ghost text is drawn. On few processors an
 * answer that is generated and drawn meanwhile would slow down both. After a hold, work is free for as long as it was
 * held, so that a chat keeps half of its speed beside somebody who types all the time.
 */
export class TypingHold {
  #since = 0;
  #until = 0;

  /** When the hold ends; in the past when nothing is held. */
  get until(): number {
    return this.#until;
  }

  /** A key was pressed, or its completion is asked for. */
  begin(now: number): void {
    const freeUntil = this.#until + (this.#until - this.#since);
    if (now < freeUntil) return;
    this.#since = now;
    this.#until = now + MOST_MS;
  }

  /** Ghost text was sent. */
  end(now: number): void {
    this.#until = Math.min(this.#until, now + DRAW_MS);
  }
}
