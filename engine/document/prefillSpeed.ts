/** How fast this model reads prompts on this machine, from what it has read. */

/** Fewer tokens tell more about the rest of a step than about reading. */
const LEAST_TOKENS = 32;
/** What was measured before counts half as much as what is measured now: the first prompt also compiles kernels. */
const MEMORY = 0.5;

export class PrefillSpeed {
  #tokens = 0;
  #ms = 0;
  #steady = 1;

  /** After a prompt of which `tokens` were computed in `ms`. */
  add(tokens: number, ms: number): void {
    if (tokens < LEAST_TOKENS || ms <= 0) return;
    this.#tokens = this.#tokens * MEMORY + tokens;
    this.#ms = this.#ms * MEMORY + ms;
  }

  /** After work that others may have interrupted: it can only have been faster than that. */
  addInterrupted(tokens: number, ms: number): void {
    if (tokens > this.tokensIn(ms / 1000)) this.add(tokens, ms);
  }

  /** As tokensIn, a power of two that changes where the speed has doubled or halved: what depends on it stands still. */
  steadyTokensIn(seconds: number): number {
    const tokens = this.tokensIn(seconds);
    if (tokens >= 2 * this.#steady || tokens < this.#steady / 2) this.#steady = 2 ** Math.floor(Math.log2(tokens || 1));
    return this.#steady;
  }

  /** 0 before anything was measured. */
  tokensIn(seconds: number): number {
    return this.#ms === 0 ? 0 : Math.floor((this.#tokens / this.#ms) * 1000 * seconds);
  }
}
