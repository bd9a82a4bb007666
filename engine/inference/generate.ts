import { BadModel, BadRequest, throwIfAborted } from '../errors.ts';
import type { Prompt } from '../prompt/prompt.ts';
import type { Drafter } from './drafter.ts';
import {
  type GeneratedToken,
  type GenerateOptions,
  type Generation,
  type PrefillListener,
  newStats,
} from './generationTypes.ts';
import { type Output, type OutputRows, rowsOf } from './output.ts';
import { Sampler, candidatesOf, indexOfLargest, logSumExp } from './sampler.ts';
import type { Priority } from './scheduler.ts';
import type { Sequence } from './sequence.ts';
import { MOST_DRAFT_TOKENS, PromptLookup, type Speculation } from './speculation.ts';

/** The part of a session that decoding uses. */
export interface DecodingSession {
  readonly contextLength: number;
  /** Sequences up to this length are computed with other rope factors than longer ones. */
  readonly shortLength: number;
  readonly speculation: Speculation;
  reuse(prompt: Prompt, options: { signal?: AbortSignal | undefined }): Promise<Sequence>;
  extend(sequence: Sequence, ids: readonly number[], options: ExtendOptions): Promise<ExtendResult>;
}

export interface ExtendOptions {
  /** The values to read back for each output. */
  readonly output: Output;
  /** Number of positions, counted from the end, whose outputs are wanted; 1 where absent. */
  readonly last?: number;
  /** Tokens per step; by backend and priority where absent. */
  readonly chunkTokens?: number;
  /** Of the steps; the session's own where absent. */
  readonly priority?: Priority | undefined;
  readonly signal?: AbortSignal | undefined;
  /** As in GenerateOptions. */
  readonly onPrefill?: PrefillListener | undefined;
}

/** The outputs of the last positions, and what they cost. */
export interface ExtendResult extends OutputRows {
  /** Tokens of the sequence that the model was run on. */
  readonly computed: number;
  /** Milliseconds of the steps, without the time that they waited for their turn. */
  readonly stepMs: number;
}

/**
 * Prefills the prompt, then decodes token by token. Where the drafter proposes tokens, one pass verifies several of
 * them. Throws BadRequest for options out of range. The iteration rejects with what the session rejects with (Cancelled
 * within one step after `signal`), and with BadModel where the logits are not finite.
 */
export function generate(
  session: DecodingSession,
  prompt: Prompt,
  options: GenerateOptions,
  drafter: Drafter = new PromptLookup(session.speculation),
): Generation {
  const loop = new DecodeLoop(session, options, drafter);
  const tokens = loop.run(prompt);
  return { stats: loop.stats, [Symbol.asyncIterator]: () => tokens };
}

/** The output of one position: a row as `Output` says, and its logits where the candidates did not suffice. */
interface OutputRow {
  readonly row: Float32Array;
  readonly logits: Float32Array | null;
}

/**
 * Speculative decoding. A pass computes the output of the newest token and those of the draft behind it. Each token is
 * chosen from its own output as if there were no draft; while it equals the drafted one, the next output is valid too.
 * Greedy decoding therefore gives what it gives without drafts. A sampled token x keeps its probability p(x): a drafted
 * d is accepted with p(d), and another x comes with p(x) = (1 - p(d)) p(x) / (1 - p(d)). That is speculative sampling
 * (arXiv 2211.17192) for a draft that is certain of itself, and the same seed gives the same tokens.
 */
class DecodeLoop {
  readonly stats = newStats();
  readonly #session: DecodingSession;
  readonly #options: GenerateOptions;
  readonly #drafter: Drafter;
  readonly #sampler: Sampler | null;

  constructor(session: DecodingSession, options: GenerateOptions, drafter: Drafter) {
    if (options.maxTokens < 1) throw new BadRequest(`maxTokens is ${options.maxTokens}; it must be at least 1.`);
    this.#session = session;
    this.#options = options;
    this.#drafter = drafter;
    this.#sampler = options.sampling ? new Sampler(options.sampling) : null;
  }

  async *run(prompt: Prompt): AsyncGenerator<GeneratedToken, undefined> {
    const { stats } = this;
    const { signal, stopIds, constraint } = this.#options;
    throwIfAborted(signal);
    const started = performance.now();
    const sequence = await this.#session.reuse(prompt, { signal });
    stats.prefillMs = performance.now() - started;
    /** Chosen, but not computed yet; undefined before the first pass. */
    let newest: number | undefined;
    while (newest === undefined || this.#mayContinue(sequence.length + 1)) {
      const draft = newest === undefined ? [] : this.#propose(sequence.ids, newest);
      const output = this.#output;
      const rows = await this.#pass(sequence, newest, draft, output);
      let accepted = sequence.length - draft.length;
      for (const [i, row] of rows.entries()) {
        throwIfAborted(signal);
        const token = this.#choose(row, output, sequence.ids, accepted);
        if (!Number.isFinite(token.logprob)) throw notFinite();
        if (stopIds.has(token.id)) return void (stats.stop = 'end');
        newest = token.id;
        constraint?.accept(newest);
        this.#drafter.push(newest);
        stats.tokensGenerated++;
        const drafted = newest === draft[i];
        if (drafted) stats.tokensAccepted++;
        yield token;
        if (!drafted) break;
        accepted++;
      }
      sequence.truncate(accepted);
      throwIfAborted(signal);
    }
    stats.stop = 'length';
  }

  /** Whether `length` tokens may have a successor. A prompt that is too long is refused by the session. */
  #mayContinue(length: number): boolean {
    return this.stats.tokensGenerated < this.#options.maxTokens && length <= this.#session.contextLength;
  }

  /** Runs the model on the newest token and a draft of what may follow; before the first token, on the prompt. */
  async #pass(
    sequence: Sequence,
    newest: number | undefined,
    draft: readonly number[],
    output: Output,
  ): Promise<OutputRow[]> {
    const { stats } = this;
    const started = performance.now();
    const last = draft.length + 1;
    const ids = newest === undefined ? [] : [newest, ...draft];
    const { signal, onPrefill } = this.#options;
    const options = { output, last, signal, ...(newest === undefined ? { onPrefill } : {}) };
    const { values, logits, computed, stepMs } = await this.#session.extend(sequence, ids, options);
    stats[newest === undefined ? 'prefillMs' : 'decodeMs'] += performance.now() - started;
    stats.passes++;
    stats.tokensDrafted += draft.length;
    if (newest === undefined) {
      stats.tokensReused = sequence.length - computed;
      stats.tokensPrefilled = computed;
    }
    if (computed === last) this.#session.speculation.measured(computed, stepMs);
    return rowsOf(values, last).map((row, i) => ({ row, logits: logits[i] ?? null }));
  }

  /** A draft of what may follow, as long as it may be and pays. */
  #propose(ids: readonly number[], newest: number): number[] {
    const { maxTokens, speculation, constraint, stopIds } = this.#options;
    const { contextLength, shortLength } = this.#session;
    // Under an active constraint only its own choice is known, and beyond the boundary of LongRoPE outputs differ.
    if (speculation === 'off' || constraint?.active) return [];
    const length = ids.length + 1;
    const end = length <= shortLength ? Math.min(shortLength, contextLength) : contextLength;
    const most = Math.min(MOST_DRAFT_TOKENS, maxTokens - this.stats.tokensGenerated - 1, end - length);
    return most < 1 ? [] : this.#drafter.propose(ids, newest, most, { stopIds, all: speculation === 'always' });
  }

  /** The least values to read back from which the next token can be chosen. */
  get #output(): Output {
    const sampler = this.#sampler;
    if (this.#options.constraint?.active) return 'logits';
    if (!sampler) return 'argmax';
    if (!sampler.candidates) return 'logits';
    return { ...sampler.candidates, suffices: (row) => sampler.suffices(candidatesOf(row)) };
  }

  /** Chooses the token that follows the first `length` of `ids`. */
  #choose({ row, logits }: OutputRow, output: Output, ids: readonly number[], length: number): GeneratedToken {
    const sampler = this.#sampler;
    if (output === 'logits') return this.#chooseFromAll(row, ids, length);
    if (output === 'argmax' || !sampler) return { id: row[0]!, logprob: row[1]! };
    const candidates = candidatesOf(row);
    const index = sampler.pickFrom(candidates);
    const id = index === null ? sampler.pick(logits!, ids, length) : candidates.ids[index]!;
    const value = index === null ? logits![id]! : candidates.values[index]!;
    return { id, logprob: value - candidates.values[0]! - candidates.logSum };
  }

  #chooseFromAll(logits: Float32Array, ids: readonly number[], length: number): GeneratedToken {
    const { constraint } = this.#options;
    const allowed = constraint?.active
      ? logits.map((value, id) => (constraint.allows(id) ? value : -Infinity))
      : logits;
    const id = this.#sampler ? this.#sampler.pick(allowed, ids, length) : indexOfLargest(allowed);
    return { id, logprob: logits[id]! - logSumExp(allowed) };
  }
}

/** Finite weights can still overflow in products. */
export function notFinite(): BadModel {
  return new BadModel('The output of the model contains NaN. Its weights are damaged.');
}
