/** The time of fewer tokens tells more about the fixed costs of a step than about prefill. */
const LEAST_TOKENS = 32;
/** Weight of earlier measurements against the newest: the first prompt also compiles kernels. */
const MEMORY = 0.5;

/** Measures how fast this model prefills on this machine. */
export class PrefillSpeed {
  #tokens = 0;
  #ms = 0;
  #steady = 1;

  /** Records a prefill of `tokens` that took `ms`. */
  add(tokens: number, ms: number): void {
    if (tokens < LEAST_TOKENS || ms <= 0) return;
    this.#tokens = this.#tokens * MEMORY + tokens;
    this.#ms = this.#ms * MEMORY + ms;
  }

  /** Records a prefill that other requests may have interrupted, so its true speed is at least as high. */
  addInterrupted(tokens: number, ms: number): void {
    if (tokens > this.tokensIn(ms / 1000)) this.add(tokens, ms);
  }

  /** As tokensIn, but a power of two that changes only when the speed has doubled or halved, so prompts stay the same. */
  steadyTokensIn(seconds: number): number {
    const tokens = this.tokensIn(seconds);
    if (tokens >= 2 * this.#steady || tokens < this.#steady / 2) this.#steady = 2 ** Math.floor(Math.log2(tokens || 1));
    return this.#steady;
  }

  /** Number of tokens that prefill in this time; 0 before the first measurement. */
  tokensIn(seconds: number): number {
    return Math.floor(this.tokensPerSecond * seconds);
  }

  /** 0 before the first measurement. */
  get tokensPerSecond(): number {
    return this.#ms === 0 ? 0 : (this.#tokens / this.#ms) * 1000;
  }
}
