import type { Drafter, ProposeOptions } from './drafter.ts';
import { LONGEST_MATCH, type Match, NgramIndex } from './ngrams.ts';

/** With the newest token, a draft makes a pass of at most 8 rows, which the kernels for few rows compute. */
export const MOST_DRAFT_TOKENS = 7;
/** Numbers of rows whose cost is measured by trial passes. */
const TRIED_ROWS = [2, 4, 8] as const;
/** A draft must promise at least this speedup over plain decoding, since estimates are uncertain. */
const LEAST_GAIN = 1.05;
/** After this many tokens that could have been drafted but were not, one trial pass measures the cost again. */
const TRY_AGAIN_TOKENS = 128;
/** Weight of the newest observation in the acceptance rate of a match length. */
const CHANCE_RATE = 1 / 32;
/** Weight of a slower measurement: a busy machine adds to times, and nothing subtracts from them. */
const SLOWER_RATE = 1 / 8;

/**
 * Prompt lookup: drafts continue the last place in the sequence where its newest tokens stood before. All generations of
 * a session share one index, which follows the newest of them; an older one that continues indexes its sequence again.
 */
export class PromptLookup implements Drafter {
  readonly #speculation: Speculation;
  #match: Match | null = null;

  constructor(speculation: Speculation) {
    this.#speculation = speculation;
  }

  push(id: number): void {
    const { index, owner } = this.#speculation;
    if (owner !== this) return;
    const match = this.#match;
    if (match) this.#speculation.observe(match.length, index.following(match.position, 1)[0] === id);
    index.push(id);
    this.#match = index.match();
  }

  propose(ids: readonly number[], newest: number, most: number, { stopIds, all }: ProposeOptions): number[] {
    const speculation = this.#speculation;
    const { index } = speculation;
    if (speculation.owner !== this) {
      speculation.owner = this;
      index.replace(ids);
      index.push(newest);
      this.#match = index.match();
    }
    const match = this.#match;
    if (!match) return [];
    const count = all ? most : speculation.draftLength(match.length, most);
    return index.following(match.position, count, stopIds);
  }
}

/**
 * Learns from one session how long drafts should be. The chance c(n) that a match of n tokens predicts the next token is
 * known without drafting, since every token shows whether its match was right. A draft of k tokens then yields
 * 1 + c(n) + c(n) c(n+1) + … tokens in the time of a pass of k + 1 rows. Where no length yields more tokens per second
 * than plain decoding, nothing is drafted.
 */
export class Speculation {
  /** It stays from one generation to the next, whose sequence mostly begins like the one before. */
  readonly index = new NgramIndex();
  /** The lookup whose sequence the index contains. */
  owner: PromptLookup | undefined;
  /** Acceptance rates by the length of the match, from 0. */
  readonly #chances = Array.from({ length: LONGEST_MATCH + 1 }, (_, length) => length / (length + 2));
  /** Milliseconds of a pass by its rows. NaN after the first pass, which compiles kernels and fills caches. */
  readonly #costs: number[] = [];
  #missed = 0;
  #tries = 0;

  /** Number of tokens to draft after a match of `length` tokens, from 0 to `most`. */
  draftLength(length: number, most: number): number {
    const reach = Math.min(most, MOST_DRAFT_TOKENS);
    if (reach < 1 || !(this.#costs[1]! > 0)) return 0;
    const best = this.#bestLength(length, reach);
    this.#missed = best > 0 ? 0 : this.#missed + 1;
    if (this.#missed < TRY_AGAIN_TOKENS) return best;
    this.#missed = 0;
    return Math.min(reach, TRIED_ROWS[this.#tries++ % TRIED_ROWS.length]! - 1);
  }

  /** Records whether the token that a match of `length` tokens predicted has followed. */
  observe(length: number, followed: boolean): void {
    this.#chances[length]! += CHANCE_RATE * (Number(followed) - this.#chances[length]!);
  }

  /** Records the duration of a pass of `rows` tokens. */
  measured(rows: number, milliseconds: number): void {
    const costs = this.#costs;
    const known = costs[rows];
    if (known === undefined) costs[rows] = NaN;
    else if (milliseconds > known) costs[rows] = known + SLOWER_RATE * (milliseconds - known);
    else costs[rows] = milliseconds;
  }

  #bestLength(length: number, reach: number): number {
    let best = 0;
    let rate = LEAST_GAIN / this.#costs[1]!;
    let chance = 1;
    let tokens = 1;
    for (let drafted = 1; drafted <= reach; drafted++) {
      chance *= this.#chances[Math.min(length + drafted - 1, LONGEST_MATCH)]!;
      tokens += chance;
      const cost = this.#cost(drafted + 1);
      if (tokens / cost <= rate) continue;
      rate = tokens / cost;
      best = drafted;
    }
    return best;
  }

  /** Cost of a pass of `rows`, measured or interpolated; infinite far beyond what was measured. */
  #cost(rows: number): number {
    const costs = this.#costs;
    if (costs[rows]! > 0) return costs[rows]!;
    const sizes = costs.flatMap((cost, size) => (cost > 0 ? [size] : []));
    if (rows > 2 * sizes.at(-1)!) return Infinity;
    // With a single measurement, further rows are assumed to be free, so that they get tried.
    if (sizes.length === 1) return costs[1]!;
    const above = sizes.findIndex((size) => size > rows);
    const [a, b] = above > 0 ? [sizes[above - 1]!, sizes[above]!] : [sizes.at(-2)!, sizes.at(-1)!];
    return Math.max(costs[a]!, costs[a]! + ((costs[b]! - costs[a]!) / (b - a)) * (rows - a));
  }
}
