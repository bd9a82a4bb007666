import { BadModel, BadRequest, throwIfAborted } from '../errors.ts';
import type { GeneratedToken, GenerateOptions, Generation, GenerationStats } from './generation.ts';
import { type Output, rowsOf } from './output.ts';
import { Sampler, candidatesOf, logSumExp } from './sampler.ts';
import type { RunOptions, RunResult } from './session.ts';
import { Drafts, MOST_DRAFT_TOKENS, type Speculation } from './speculation.ts';

/** What a generation needs of its session. */
export interface GeneratingSession {
  /** Of an array that was given before, only what followed the first position of `last` may have changed. */
  readonly run: (tokens: readonly number[], options: RunOptions) => Promise<RunResult>;
  readonly inTurn: <T>(work: () => Promise<T>) => Promise<T>;
  readonly contextLength: number;
  /** Sequences up to this length are computed with other rope factors than longer ones. */
  readonly shortLength: number;
  readonly speculation: Speculation;
}

/**
 * Prefill, then token by token, several in one pass where a draft foretells them. Greedy passes read back an id and its
 * log-probability per row, sampling reads the likeliest ids, and the logits where those do not suffice (Sampler says
 * when); a constraint reads back the logits. Rejects with Cancelled within one step after
 * `signal` fires, and with BadModel where the logits are no numbers.
 */
export function generateWith(
  session: GeneratingSession,
  prompt: readonly number[],
  options: GenerateOptions,
): Generation {
  const stats: GenerationStats = {
    stop: null,
    tokensReused: 0,
    tokensPrefilled: 0,
    tokensGenerated: 0,
    passes: 0,
    tokensDrafted: 0,
    tokensAccepted: 0,
    prefillMs: 0,
    decodeMs: 0,
  };
  const tokens = new TokenLoop(session, prompt, options, stats);
  return {
    stats,
    [Symbol.asyncIterator]: () => ({
      next: () => session.inTurn(() => tokens.next()),
      return: async () => ({ done: true, value: undefined }),
    }),
  };
}

/**
 * A pass computes the next token's output and, behind a draft, the outputs that follow it. Every token is chosen from
 * its own output as if there were no draft; as long as it is the drafted one, the next output is good too. So greedy
 * decoding gives what it gives without drafts, and a sampled token x has its probability p(x): a drafted d is accepted
 * with p(d), another x comes with p(x) = (1 - p(d)) p(x) / (1 - p(d)), which is speculative sampling (arXiv 2211.17192)
 * for a draft that is certain of itself, and the same seed gives the same tokens.
 */
class TokenLoop {
  readonly #tokens: number[];
  readonly #sampler: Sampler | null;
  /** Outputs of the last pass that are not used yet, and the drafted tokens that they follow but for the first. */
  #rows: { row: Float32Array; logits: Float32Array | null }[] = [];
  #draft: number[] = [];
  #drafts: Drafts | undefined;

  readonly #session: GeneratingSession;
  readonly #options: GenerateOptions;
  readonly #stats: GenerationStats;

  constructor(session: GeneratingSession, prompt: readonly number[], options: GenerateOptions, stats: GenerationStats) {
    this.#session = session;
    this.#options = options;
    this.#stats = stats;

    if (options.maxTokens < 1) throw new BadRequest(`maxTokens is ${options.maxTokens}; it must be at least 1.`);
    this.#tokens = [...prompt];
    this.#sampler = options.sampling ? new Sampler(options.sampling) : null;
  }

  async next(): Promise<IteratorResult<GeneratedToken, undefined>> {
    const stats = this.#stats;
    const options = this.#options;
    throwIfAborted(options.signal);
    if (stats.stop) return { done: true, value: undefined };
    // A prompt that is too long is refused by run(); tokens of our own that do not fit end the generation.
    const full = stats.tokensGenerated > 0 && this.#tokens.length > this.#session.contextLength;
    if (stats.tokensGenerated >= options.maxTokens || full) return this.#end('length');
    if (this.#rows.length === 0) await this.#pass();
    const token = this.#choose(this.#rows.shift()!);
    if (!Number.isFinite(token.logprob)) throw notFinite();
    if (options.stopIds.has(token.id)) return this.#end('end');
    this.#take(token.id);
    return { done: false, value: token };
  }

  #take(id: number): void {
    this.#options.constraint?.accept(id);
    this.#tokens.push(id);
    if (this.#drafts?.good) this.#drafts.push(id);
    this.#stats.tokensGenerated++;
    if (this.#draft.shift() === id) {
      this.#stats.tokensAccepted++;
    } else {
      this.#rows = [];
      this.#draft = [];
    }
  }

  /** Runs the model on what it has not seen and on a draft of what may follow. */
  async #pass(): Promise<void> {
    const stats = this.#stats;
    const options = this.#options;
    const tokens = this.#tokens;
    const session = this.#session;
    const first = stats.passes === 0;
    const draft = first ? [] : this.#propose();
    const started = performance.now();
    tokens.push(...draft);
    const { values, logits, reused, computed, stepMs } = await session
      .run(tokens, { output: this.#output, last: draft.length + 1, signal: options.signal })
      .finally(() => (tokens.length -= draft.length));
    stats[first ? 'prefillMs' : 'decodeMs'] += performance.now() - started;
    stats.passes++;
    stats.tokensDrafted += draft.length;
    if (first) {
      stats.tokensReused = reused;
      stats.tokensPrefilled = computed;
    }
    if (computed === draft.length + 1) session.speculation.measured(computed, stepMs);
    this.#rows = rowsOf(values, draft.length + 1).map((row, i) => ({ row, logits: logits[i] ?? null }));
    this.#draft = draft;
  }

  /** Tokens that may follow, as many as pay. */
  #propose(): number[] {
    const options = this.#options;
    const tokens = this.#tokens;
    const stats = this.#stats;
    const session = this.#session;
    const { contextLength, shortLength, speculation } = session;
    // Behind an active constraint only its own choice is known, and across a boundary the outputs would be others.
    if (options.speculation === 'off' || options.constraint?.active) return [];
    const end = tokens.length <= shortLength ? Math.min(shortLength, contextLength) : contextLength;
    const most = Math.min(MOST_DRAFT_TOKENS, options.maxTokens - stats.tokensGenerated - 1, end - tokens.length);
    if (most < 1) return [];
    if (!this.#drafts?.good) this.#drafts = new Drafts(speculation, [...(options.related ?? []), tokens]);
    return this.#drafts.propose(most, { stopIds: options.stopIds, all: options.speculation === 'always' });
  }

  get #output(): Output {
    const sampler = this.#sampler;
    if (this.#options.constraint?.active) return 'logits';
    if (!sampler) return 'argmax';
    if (!sampler.candidates) return 'logits';
    return { ...sampler.candidates, suffices: (row) => sampler.suffices(candidatesOf(row)) };
  }

  /** row: as `output` says. */
  #choose({ row, logits }: { row: Float32Array; logits: Float32Array | null }): GeneratedToken {
    const output = this.#output;
    const sampler = this.#sampler;
    if (output === 'logits') return this.#chooseOfAll(row);
    if (output === 'argmax' || !sampler) return { id: row[0]!, logprob: row[1]! };
    const candidates = candidatesOf(row);
    const index = sampler.pickFrom(candidates);
    const id = index === null ? sampler.pick(logits!, this.#tokens) : candidates.ids[index]!;
    const value = index === null ? logits![id]! : candidates.values[index]!;
    return { id, logprob: value - candidates.values[0]! - candidates.logSum };
  }

  #chooseOfAll(logits: Float32Array): GeneratedToken {
    const { constraint } = this.#options;
    const allowed = constraint?.active
      ? logits.map((value, id) => (constraint.allows(id) ? value : -Infinity))
      : logits;
    const id = this.#sampler ? this.#sampler.pick(allowed, this.#tokens) : indexOfLargest(allowed);
    return { id, logprob: logits[id]! - logSumExp(logits) };
  }

  #end(stop: 'end' | 'length'): IteratorResult<GeneratedToken, undefined> {
    this.#stats.stop = stop;
    return { done: true, value: undefined };
  }
}

/** Finite weights can still overflow in products. */
export function notFinite(): BadModel {
  return new BadModel('The output of the model contains NaN. Its weights are damaged.');
}

function indexOfLargest(values: Float32Array): number {
  let best = 0;
  for (let i = 1; i < values.length; i++) if (values[i]! > values[best]!) best = i;
  return best;
}
