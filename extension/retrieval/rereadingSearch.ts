/** A search whose first hits a language model puts in order by how well the question goes with each of them. Pure. */
import { errorMessage } from '../common/errorMessage.ts';
import { headsOf } from './heads.ts';
import type { Hit, ProjectSearch } from './projectSearch.ts';

/** Hits that are read: of 100 that are sought in packages on which nothing was tuned, 94 are among them. */
export const READ_AGAIN = 20;
/** Weight of the mean log-probability of the question's tokens, beside the logarithm of the score; chosen on other questions. */
const WEIGHT = 0.8;
/** Whoever asks about a project waits so long for a better order. */
const MOST_MS = 2000;
/** A longer question, such as a log, has words enough; it would take long, too. */
const MOST_CHARACTERS = 500;

/**
 * The mean log-probability per token of a text behind each beginning. Those for which there was no time are missing at the
 * end; all of them where there is no model.
 */
export type Likelihoods = (
  request: { text: string; beginnings: string[]; milliseconds: number },
  signal: AbortSignal,
) => Promise<readonly number[]>;

export interface Reader {
  readonly model: { readonly likelihoods: Likelihoods };
  log(message: string): void;
}

export class RereadingSearch implements ProjectSearch {
  readonly #search: ProjectSearch;
  readonly #reader: Reader;

  constructor(search: ProjectSearch, reader: Reader) {
    this.#search = search;
    this.#reader = reader;
  }

  get status(): string {
    return this.#search.status;
  }

  onDidChangeStatus(listener: () => void): { dispose(): void } {
    return this.#search.onDidChangeStatus(listener);
  }

  async search(query: string, { limit, signal }: { limit: number; signal: AbortSignal }): Promise<Hit[]> {
    const hits = await this.#search.search(query, { limit: Math.max(limit, READ_AGAIN), signal });
    return (await this.#reread(hits, query, signal)).slice(0, limit);
  }

  /** A model that fails changes nothing. */
  async #reread(hits: readonly Hit[], query: string, signal: AbortSignal): Promise<readonly Hit[]> {
    const { model, log } = this.#reader;
    const likelihoods: Likelihoods = (...call) => model.likelihoods(...call);
    try {
      const { hits: ordered, read } = await reread(hits, query, likelihoods, signal);
      if (read > 0) log(`Project search: the chat model has reread ${read} of ${hits.length} places.`);
      return ordered;
    } catch (error) {
      signal.throwIfAborted();
      log(`Project search: the chat model could not reread the places: ${errorMessage(error)}`);
      return hits;
    }
  }
}

interface Reread<H> {
  readonly hits: H[];
  /** Number of the first hits that were read, and thus are in the order that the model prefers. */
  readonly read: number;
}

/** Rejects as `likelihoods` does. */
export async function reread<H extends Pick<Hit, 'path' | 'text' | 'symbol' | 'score'>>(
  hits: readonly H[],
  question: string,
  likelihoods: Likelihoods,
  signal: AbortSignal,
  milliseconds = MOST_MS,
): Promise<Reread<H>> {
  const text = question.trim();
  if (hits.length < 2 || text === '' || text.length > MOST_CHARACTERS) return { hits: [...hits], read: 0 };
  const heads = headsOf(hits.slice(0, READ_AGAIN), text);
  const found = await likelihoods({ text, beginnings: heads.flat(), milliseconds }, signal);
  const ranked: { hit: H; worth: number }[] = [];
  let at = 0;
  let lowest = Infinity;
  for (const [i, { length }] of heads.entries()) {
    const own = found.slice(at, (at += length));
    if (own.length < length) break;
    const hit = hits[i]!;
    // The scores do not fall throughout, since hits of the same file give way to others.
    lowest = Math.min(lowest, hit.score);
    ranked.push({ hit, worth: Math.log(lowest) + WEIGHT * Math.max(...own) });
  }
  ranked.sort((a, b) => b.worth - a.worth);
  return { hits: [...ranked.map(({ hit }) => hit), ...hits.slice(ranked.length)], read: ranked.length };
}
