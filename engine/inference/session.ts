import { type Ops, PAGE_TOKENS } from '../../kernels/ops.ts';
import { BadRequest, throwIfAborted } from '../errors.ts';
import type { Generate } from './generation.ts';
import { generateWith } from './generate.ts';
import { KvCache, type PageAllocator } from './kvCache.ts';
import { usesLongFactors } from '../layers/rope.ts';
import type { Decoder } from '../models/decoder.ts';
import { type Output, type OutputRows, outputRows, recordOutput } from './output.ts';
import type { Prompt } from '../prompt/prompt.ts';
import { PRIORITY, type Priority, type Scheduler } from './scheduler.ts';
import { LEAST_SNAPSHOT_TOKENS, type PageKind, type SnapshotStore } from './kvDiskCache.ts';
import { Speculation } from './speculation.ts';

/** What all sessions of one loaded model share. */
export interface SessionContext {
  readonly ops: Ops;
  readonly decoder: Decoder;
  readonly allocator: PageAllocator;
  /** Lets one step at a time run; every chunk and every token is one. */
  readonly scheduler: Scheduler;
  readonly contextLength: number;
  /** Prompt tokens per step; a cancelled or outranked prefill waits for one such chunk at most. */
  readonly chunkTokens: number;
  /** The same of a chat while completions are likely, where it should be less. */
  readonly chatChunkTokens?: number | undefined;
  /** Where prefixes are kept on disk, if anywhere. */
  readonly snapshots?: ModelSnapshots | undefined;
}

export interface ModelSnapshots {
  readonly store: SnapshotStore;
  /** The product's version, and the model: its configuration, its weights' format, its files' sizes and times. */
  readonly identity: string;
}

export interface RunOptions {
  /** Positions whose outputs are wanted, counted from the end; at least 1. */
  readonly last?: number;
  readonly output: Output;
  readonly chunkTokens?: number;
  readonly signal?: AbortSignal | undefined;
}

export interface PrefillResult {
  /** Tokens found in the cache, in other sessions or on disk, and computed now. */
  readonly reused: number;
  readonly computed: number;
}

/** And the outputs of the last positions. */
export interface RunResult extends PrefillResult, OutputRows {
  /** Milliseconds of the steps, without the time that they waited for their turn. */
  readonly stepMs: number;
}

/** What generate may promise beside. */
interface ComputeOptions extends RunOptions {
  /** Of this very array, where it was computed before, nothing has changed up to the first position of `last`. */
  readonly growing?: boolean;
}

/**
 * One conversation or document: its KV cache and the rule by which it is re-used. What the cache lacks comes from other
 * sessions of the model, whose pages it shares, from the disk, and only then from the model.
 */
export class Session {
  readonly #cache: KvCache;
  #turn: Promise<void> = Promise.resolve();
  /** What generate asked for last, as long as nobody else changed the cache: it agrees with the first `known` of them. */
  #growing: { readonly tokens: readonly number[]; readonly known: number } | undefined;
  readonly #speculation = new Speculation();
  readonly #ending = new AbortController();
  #saving: Promise<unknown> = Promise.resolve();

  readonly #context: SessionContext;
  readonly #priority: Priority;

  constructor(context: SessionContext, priority: Priority = PRIORITY.completion) {
    this.#context = context;
    this.#priority = priority;

    this.#cache = new KvCache(context.allocator);
  }

  /** Requests on one session run one after the other. */
  readonly generate: Generate = (prompt, options) => {
    const run = (tokens: readonly number[], runOptions: RunOptions) =>
      this.#compute(tokens, { ...runOptions, growing: true });
    const { contextLength, decoder } = this.#context;
    const { longRope, originalMaxPositions } = decoder.config;
    const shortLength = longRope ? originalMaxPositions : contextLength;
    const speculation = this.#speculation;
    const inTurn = <T>(work: () => Promise<T>) => this.#inTurn(work);
    return generateWith({ run, inTurn, contextLength, shortLength, speculation }, Array.from(prompt.ids), options);
  };

  /** Tokens whose keys and values are cached; a view that the next request may spoil. */
  get tokens(): Int32Array {
    return this.#cache.tokens;
  }

  /**
   * Brings the cache to hold exactly the prompt, computing only what the longest known prefix leaves over, and returns
   * the model's output at the last positions. Rejects with BadRequest, Cancelled, OutOfMemory or BackendLost; the
   * cache then holds what had been computed.
   */
  run({ ids }: Prompt, options: RunOptions): Promise<RunResult> {
    const { last } = options;
    if (last !== undefined && (last < 1 || last > ids.length))
      return Promise.reject(new BadRequest(`The outputs of ${last} of ${ids.length} tokens were asked for.`));
    return this.#inTurn(() => this.#compute(Array.from(ids), options));
  }

  /** As run, for a prompt that is expected to begin like this one: no output is computed. */
  async prefill({ ids }: Prompt, { signal }: { signal?: AbortSignal | undefined } = {}): Promise<PrefillResult> {
    const tokens = Array.from(ids);
    const { reused, computed } = await this.#inTurn(() => this.#compute(tokens, { last: 0, output: 'argmax', signal }));
    return { reused, computed };
  }

  /**
   * Keeps what is cached on disk; other requests go on meanwhile. Resolves false where no snapshots are kept, or not of
   * so few or so many tokens. Rejects with Cancelled, BackendLost, or the system's error.
   */
  saveSnapshot({ signal }: { signal?: AbortSignal | undefined } = {}): Promise<boolean> {
    const { snapshots } = this.#context;
    if (!snapshots) return Promise.resolve(false);
    const saved = this.#save(snapshots, AbortSignal.any([this.#ending.signal, ...(signal ? [signal] : [])]));
    this.#saving = Promise.allSettled([this.#saving, saved]);
    return saved;
  }

  /** Gives the cache back after the step under way; what is asked then or later rejects with Cancelled. */
  async dispose(): Promise<void> {
    this.#ending.abort();
    await this.#inTurn(async () => this.#cache.dispose());
    await this.#saving;
  }

  async #compute(tokens: readonly number[], options: ComputeOptions): Promise<RunResult> {
    const { last = 1, output, signal } = options;
    const cache = this.#cache;
    const limit = tokens.length - last;
    throwIfAborted(this.#ending.signal);
    this.#keepOwn(tokens, limit, options);
    this.#takeFromOthers(tokens, limit);
    await this.#restore(tokens, limit, signal);
    const outputs: OutputRows[] = [];
    let computed = 0;
    let stepMs = 0;
    while (cache.length < tokens.length) {
      const chunk = async (): Promise<void> => {
        const started = performance.now();
        const { chunkTokens = this.#chunkTokens } = options;
        const { rows, count } = await this.#step(tokens, { last, output, chunkTokens });
        stepMs += performance.now() - started;
        outputs.push(rows);
        computed += count;
      };
      await this.#context.scheduler.run(this.#priority, chunk, signal);
    }
    const values = concatenate(outputs.map((rows) => rows.values));
    const logits = outputs.flatMap((rows) => rows.logits);
    return { values, logits, reused: tokens.length - computed, computed, stepMs };
  }

  /** Of the next step. */
  get #chunkTokens(): number {
    const { chunkTokens, chatChunkTokens = chunkTokens, scheduler } = this.#context;
    return this.#priority === PRIORITY.chat && scheduler.completionsLikely ? chatChunkTokens : chunkTokens;
  }

  /** Waits for the requests before, then runs `work`. */
  #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const result = this.#turn.then(work);
    this.#turn = result.then(
      () => undefined,
      () => undefined,
    );
    return result;
  }

  /** Truncates the cache to what it shares with the first `limit` of `tokens`. Throws BadRequest and changes nothing. */
  #keepOwn(tokens: readonly number[], limit: number, { growing = false }: ComputeOptions): void {
    const cache = this.#cache;
    const context = this.#context;
    const { contextLength, decoder } = context;
    if (tokens.length === 0) throw new BadRequest('The prompt is empty.');
    if (tokens.length > contextLength) {
      throw new BadRequest(
        `The prompt has ${tokens.length} tokens, but the context window of this model holds ${contextLength}.`,
      );
    }
    const long = usesLongFactors(decoder.config, tokens.length);
    const known = growing && tokens === this.#growing?.tokens ? this.#growing.known : 0;
    const common = cache.commonPrefix(tokens, limit, known);
    checkIds(tokens, common, decoder.config.vocabSize);
    // Crossing the boundary recomputes once, as transformers does.
    cache.truncate(long === cache.longFactors ? common : 0);
    cache.longFactors = long;
    this.#growing = growing ? { tokens, known: limit + 1 } : undefined;
  }

  /** Shares the pages of another session of the model that got at least a page further with `tokens`. */
  #takeFromOthers(tokens: readonly number[], limit: number): void {
    const least = this.#cache.length + PAGE_TOKENS;
    if (limit < least) return;
    const other = this.#cache.closestOther(tokens, limit, least);
    if (other) this.#cache.share(other.cache, other.length);
  }

  /** Reads from disk what is stored beyond the cache. */
  async #restore(tokens: readonly number[], limit: number, signal: AbortSignal | undefined): Promise<void> {
    const cache = this.#cache;
    const context = this.#context;
    const { snapshots, allocator, scheduler } = context;
    const least = cache.length + LEAST_SNAPSHOT_TOKENS;
    if (!snapshots || limit < least) return;
    const stored = await snapshots.store.find(tokens, limit, this.#pageKind(snapshots, cache));
    if (!stored || stored.length < least) return;
    const first = Math.floor(cache.length / PAGE_TOKENS);
    cache.truncate(first * PAGE_TOKENS);
    for await (const bytes of stored.pages(first, signal)) {
      throwIfAborted(this.#ending.signal);
      const write = async (): Promise<void> => {
        const ids = tokens.slice(cache.length, Math.min(cache.length + PAGE_TOKENS, stored.length));
        const { pages } = await cache.reserve(ids.length);
        await allocator.pool.write(pages[cache.length / PAGE_TOKENS]!, bytes);
        cache.append(ids);
      };
      await scheduler.run(this.#priority, write, signal);
    }
  }

  /** Of a copy, which costs no memory, so that this session may go on. */
  async #save(snapshots: ModelSnapshots, signal: AbortSignal): Promise<boolean> {
    const { allocator, scheduler } = this.#context;
    const copy = await this.#inTurn(async () => {
      throwIfAborted(signal);
      return this.#cache.fork();
    });
    try {
      const { pages } = await copy.reserve(0);
      const read = (page: number): Promise<Uint8Array> =>
        scheduler.run(PRIORITY.background, () => allocator.pool.read(pages[page]!), signal);
      return await snapshots.store.save(copy.tokens, this.#pageKind(snapshots, copy), read, signal);
    } finally {
      copy.dispose();
    }
  }

  #pageKind({ identity }: ModelSnapshots, { longFactors }: KvCache): PageKind {
    const { ops, allocator } = this.#context;
    const { layout, pageBytes } = allocator.pool;
    return { identity: JSON.stringify([identity, ops.backend, layout, longFactors]), pageBytes };
  }

  /** Computes the next chunk of `tokens`, and the outputs of as many of the last ones as it holds. */
  async #step(
    tokens: readonly number[],
    { last, output, chunkTokens }: { last: number; output: Output; chunkTokens: number },
  ): Promise<{ rows: OutputRows; count: number }> {
    const { ops, decoder } = this.#context;
    const cache = this.#cache;
    throwIfAborted(this.#ending.signal);
    this.#takeFromOthers(tokens, tokens.length - last); // Somebody may have overtaken while this waited for its turn.
    const ids = tokens.slice(cache.length, cache.length + chunkTokens);
    if (ids.length === 0) return { rows: NOTHING, count: 0 };
    const wanted = Math.max(0, Math.min(ids.length, cache.length + ids.length + last - tokens.length));
    const kv = await cache.reserve(ids.length);
    const values = await ops.step(() => {
      const y = decoder.forward(ops, ids, kv, { last: wanted, totalLength: tokens.length });
      return wanted > 0 ? recordOutput(ops, y, output) : y;
    });
    cache.append(ids);
    const shape = { rows: wanted, vocabulary: decoder.config.vocabSize };
    return { rows: wanted > 0 ? outputRows(values, output, shape) : NOTHING, count: ids.length };
  }
}

const NOTHING: OutputRows = { values: new Float32Array(), logits: [] };

function checkIds(tokens: readonly number[], from: number, vocabSize: number): void {
  for (let i = from; i < tokens.length; i++) {
    const id = tokens[i]!;
    if (!Number.isInteger(id) || id < 0 || id >= vocabSize)
      throw new BadRequest(`Token id ${id} is outside the vocabulary of ${vocabSize} tokens.`);
  }
}

function concatenate(parts: readonly Float32Array[]): Float32Array {
  if (parts.length === 1) return parts[0]!;
  const whole = new Float32Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}
