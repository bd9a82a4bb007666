import { type Ops, PAGE_TOKENS } from '../../kernels/ops.ts';
import { BadRequest, throwIfAborted } from '../errors.ts';
import { usesLongFactors } from '../layers/rope.ts';
import type { Decoder, ImageRows } from '../models/decoder.ts';
import { checkPrompt, type Prompt } from '../prompt/prompt.ts';
import { type DecodingSession, type ExtendOptions, type ExtendResult, generate } from './generate.ts';
import type { Generate } from './generationTypes.ts';
import { KvCache, type PageAllocator } from './kvCache.ts';
import { type KvDiskCache, MIN_DISK_TOKENS, type PageKind } from './kvDiskCache.ts';
import { type Output, type OutputRows, outputRows, recordOutput } from './output.ts';
import { PRIORITY, type Priority, type Scheduler } from './scheduler.ts';
import { Sequence } from './sequence.ts';
import { Speculation } from './speculation.ts';

/** The parts that all sessions of one loaded model share. */
export interface SessionContext {
  readonly ops: Ops;
  readonly decoder: Decoder;
  readonly allocator: PageAllocator;
  /** Runs one step at a time; every chunk of a prompt and every decoding pass is one. */
  readonly scheduler: Scheduler;
  readonly contextLength: number;
  /** Prompt tokens per step. A prefill that is cancelled or outranked still finishes one such chunk. */
  readonly chunkTokens: number;
  /** The same for chats while completions are likely; `chunkTokens` where absent. */
  readonly chatChunkTokens?: number | undefined;
  /** Stores KV caches on disk; without it, they are not stored. */
  readonly diskCache?: ModelDiskCache | undefined;
}

/** The part of the KV disk cache that belongs to one model. */
export interface ModelDiskCache {
  readonly cache: KvDiskCache;
  /** The product's version and the model: its configuration, its weights' format, its files' sizes and times. */
  readonly identity: string;
}

export interface PrefillResult {
  /** Tokens found in the cache, in other sessions or on disk. */
  readonly reused: number;
  /** Tokens that the model was run on. */
  readonly computed: number;
}

/** The outputs of the last positions of a prompt, and what they cost. */
export interface RunResult extends PrefillResult, ExtendResult {}

/**
 * The KV cache of one conversation or document, and the rules by which requests reuse it. What the cache lacks comes
 * from other sessions of the model, whose pages are shared, then from disk, and only then from the model.
 *
 * A request is two primitives: `reuse` starts it with a prompt, and `extend` computes what the prompt or newly chosen
 * tokens add. Requests on one session may overlap: each call waits for the earlier ones, and a sequence whose cache was
 * taken over by another request gets it back by the same rules as a new prompt.
 */
export class Session implements DecodingSession {
  readonly speculation = new Speculation();
  readonly #cache: KvCache;
  /** The sequence that the cache agrees with, as far as both reach. */
  #current: Sequence | undefined;
  /** Settles when all calls so far have finished. */
  #queue: Promise<void> = Promise.resolve();
  readonly #ending = new AbortController();
  #saving: Promise<unknown> = Promise.resolve();

  readonly #context: SessionContext;
  readonly #priority: Priority;

  constructor(context: SessionContext, priority: Priority = PRIORITY.completion) {
    this.#context = context;
    this.#priority = priority;
    this.#cache = new KvCache(context.allocator);
  }

  get contextLength(): number {
    return this.#context.contextLength;
  }

  get shortLength(): number {
    const { longRope, originalMaxPositions } = this.#context.decoder.config;
    return longRope ? originalMaxPositions : this.contextLength;
  }

  /** Tokens whose keys and values are cached. This is a view that the next request may change. */
  get tokens(): Int32Array {
    return this.#cache.tokens;
  }

  /**
   * Starts a request: brings the cache to the longest prefix of `prompt` whose keys and values are known, without
   * running the model. Rejects with BadRequest, and the cache is as it was; or with Cancelled, OutOfMemory or
   * BackendLost, and the cache holds a prefix of the prompt.
   */
  reuse(prompt: Prompt, { signal }: { signal?: AbortSignal | undefined } = {}): Promise<Sequence> {
    return this.#exclusive(async () => {
      throwIfAborted(this.#ending.signal);
      const { config, imageLength } = this.#context.decoder;
      this.#checkLength(prompt.ids.length);
      checkPrompt(prompt, { model: config.name, vocabSize: config.vocabSize, takesImages: imageLength !== undefined });
      const sequence = new Sequence(prompt);
      await this.#reuse(sequence, signal);
      return sequence;
    });
  }

  /**
   * Appends `ids` to the sequence, runs the model on all of its tokens that are not cached, and returns the outputs of
   * the last positions. What the caller has truncated from the sequence is dropped from the cache. Rejects with
   * BadRequest, Cancelled, OutOfMemory or BackendLost; then the sequence is as it was, and the cache holds what had been
   * computed.
   */
  extend(sequence: Sequence, ids: readonly number[], options: ExtendOptions): Promise<ExtendResult> {
    return this.#exclusive(async () => {
      throwIfAborted(this.#ending.signal);
      if (this.#current === sequence) this.#cache.truncate(sequence.length);
      const { length } = sequence;
      sequence.push(ids);
      try {
        return await this.#compute(sequence, options);
      } catch (error) {
        sequence.truncate(length);
        throw error;
      }
    });
  }

  readonly generate: Generate = (prompt, options) => generate(this, prompt, options);

  /** Computes all of a prompt, and returns the outputs of its last positions. Rejects as `reuse` and `extend` do. */
  async run(prompt: Prompt, options: ExtendOptions): Promise<RunResult> {
    const { last = 1 } = options;
    const { length } = prompt.ids;
    if (last < 0 || last > length) throw new BadRequest(`The outputs of ${last} of ${length} tokens were asked for.`);
    const sequence = await this.reuse(prompt, options);
    const result = await this.extend(sequence, [], options);
    return { ...result, reused: length - result.computed };
  }

  /** Computes all of a prompt and no output, for requests that are expected to begin like it. Rejects as `run` does. */
  async prefill(prompt: Prompt, options: Pick<ExtendOptions, 'signal' | 'priority'> = {}): Promise<PrefillResult> {
    const { reused, computed } = await this.run(prompt, { last: 0, output: 'argmax', ...options });
    return { reused, computed };
  }

  /**
   * Writes the cache to disk while other requests continue. Resolves with false where there is no disk cache, or where
   * the tokens are too few or too many for it. Rejects with Cancelled, BackendLost, or the system's error.
   */
  saveToDisk({ signal }: { signal?: AbortSignal | undefined } = {}): Promise<boolean> {
    const { diskCache } = this.#context;
    if (!diskCache) return Promise.resolve(false);
    const saved = this.#save(diskCache, AbortSignal.any([this.#ending.signal, ...(signal ? [signal] : [])]));
    this.#saving = Promise.allSettled([this.#saving, saved]);
    return saved;
  }

  /** Frees the cache after the running step. Requests that are still open, and later ones, reject with Cancelled. */
  async dispose(): Promise<void> {
    this.#ending.abort();
    await this.#exclusive(async () => this.#cache.dispose());
    await this.#saving;
  }

  /** Runs `work` after all earlier calls. */
  #exclusive<T>(work: () => Promise<T>): Promise<T> {
    const result = this.#queue.then(work);
    this.#queue = result.then(
      () => undefined,
      () => undefined,
    );
    return result;
  }

  #checkLength(length: number): void {
    const { contextLength } = this.#context;
    if (length === 0) throw new BadRequest('The prompt is empty.');
    if (length <= contextLength) return;
    throw new BadRequest(
      `The prompt has ${length} tokens, but the context window of this model holds ${contextLength}.`,
    );
  }

  async #reuse(sequence: Sequence, signal: AbortSignal | undefined): Promise<void> {
    this.#reuseOwn(sequence);
    this.#sharePrefix(sequence, sequence.length);
    await this.#restore(sequence, signal);
  }

  /** Truncates the cache to the prefix that it shares with the sequence. */
  #reuseOwn(sequence: Sequence): void {
    const cache = this.#cache;
    const long = this.#needsLongFactors(sequence);
    // Crossing the boundary recomputes everything once, as transformers does.
    cache.truncate(long === cache.longFactors ? cache.commonPrefix(sequence.ids, sequence.length) : 0);
    cache.longFactors = long;
    this.#current = sequence;
  }

  #needsLongFactors({ length }: Sequence): boolean {
    return usesLongFactors(this.#context.decoder.config, length);
  }

  /** Shares the pages of another session that holds at least a page more of the sequence's first `limit` tokens. */
  #sharePrefix({ ids }: Sequence, limit: number): void {
    const least = this.#cache.length + PAGE_TOKENS;
    if (limit < least) return;
    const other = this.#cache.closestOther(ids, limit, least);
    if (other) this.#cache.share(other.cache, other.length);
  }

  /** Reads from disk what is stored there beyond the cache. */
  async #restore({ ids, length: limit }: Sequence, signal: AbortSignal | undefined): Promise<void> {
    const cache = this.#cache;
    const { diskCache, allocator, scheduler } = this.#context;
    const least = cache.length + MIN_DISK_TOKENS;
    if (!diskCache || limit < least) return;
    const stored = await diskCache.cache.find(ids, limit, this.#pageKind(diskCache, cache));
    if (!stored || stored.length < least) return;
    const first = Math.floor(cache.length / PAGE_TOKENS);
    cache.truncate(first * PAGE_TOKENS);
    for await (const bytes of stored.pages(first, signal)) {
      throwIfAborted(this.#ending.signal);
      const write = async (): Promise<void> => {
        const added = ids.slice(cache.length, Math.min(cache.length + PAGE_TOKENS, stored.length));
        const { pages } = await cache.reserve(added.length);
        await allocator.pool.write(pages[cache.length / PAGE_TOKENS]!, bytes);
        cache.append(added);
      };
      await scheduler.run(this.#priority, write, signal);
    }
  }

  async #compute(sequence: Sequence, options: ExtendOptions): Promise<ExtendResult> {
    const { last = 1, output, signal, priority = this.#priority } = options;
    const cache = this.#cache;
    this.#checkLength(sequence.length);
    const stale = this.#current !== sequence || this.#needsLongFactors(sequence) !== cache.longFactors;
    if (stale) await this.#reuse(sequence, signal);
    cache.truncate(sequence.length - last); // The outputs of these positions are not cached.
    const outputs: OutputRows[] = [];
    let computed = 0;
    let stepMs = 0;
    while (cache.length < sequence.length) {
      const chunk = async (): Promise<void> => {
        const started = performance.now();
        const { rows, count } = await this.#step(sequence, last, output, options.chunkTokens ?? this.#chunkTokens);
        stepMs += performance.now() - started;
        outputs.push(rows);
        computed += count;
      };
      await this.#context.scheduler.run(priority, chunk, signal);
      const left = sequence.length - cache.length;
      if (left > 0) options.onPrefill?.(computed, computed + left);
    }
    const values = concatenate(outputs.map((rows) => rows.values));
    return { values, logits: outputs.flatMap((rows) => rows.logits), computed, stepMs };
  }

  /** Tokens of the next step. */
  get #chunkTokens(): number {
    const { chunkTokens, chatChunkTokens = chunkTokens, scheduler } = this.#context;
    return this.#priority === PRIORITY.chat && scheduler.completionsLikely ? chatChunkTokens : chunkTokens;
  }

  /** Computes the next chunk of the sequence, and the outputs that fall into it. */
  async #step(
    sequence: Sequence,
    last: number,
    output: Output,
    chunkTokens: number,
  ): Promise<{ rows: OutputRows; count: number }> {
    const { ops, decoder } = this.#context;
    const cache = this.#cache;
    throwIfAborted(this.#ending.signal);
    this.#sharePrefix(sequence, sequence.length - last); // Another session may have overtaken this one meanwhile.
    const start = cache.length;
    const ids = sequence.ids.slice(start, start + chunkTokens);
    if (ids.length === 0) return { rows: NOTHING, count: 0 };
    const images = sequence.imageRows(start, ids.length);
    for (const image of images) this.#checkImage(sequence, image);
    const wanted = Math.max(0, Math.min(ids.length, start + ids.length + last - sequence.length));
    const kv = await cache.reserve(ids.length);
    const values = await ops.step(() => {
      const x = decoder.embed(ops, ids, images);
      const y = decoder.forward(ops, x, kv, { last: wanted, totalLength: sequence.length });
      return wanted > 0 ? recordOutput(ops, y, output) : y;
    });
    cache.append(ids);
    const shape = { rows: wanted, vocabulary: decoder.config.vocabSize };
    return { rows: wanted > 0 ? outputRows(values, output, shape) : NOTHING, count: ids.length };
  }

  #checkImage({ images }: Sequence, { key }: ImageRows): void {
    const length = this.#context.decoder.imageLength?.(key);
    if (length === undefined) throw new BadRequest(`The image ${key} of the prompt is not loaded.`);
    const wanted = images.find((image) => image.key === key)!.length;
    if (length !== wanted) throw new BadRequest(`The image ${key} has ${length} positions, the prompt ${wanted}.`);
  }

  /** Saves a fork of the cache, which takes no memory, so that this session can continue. */
  async #save(diskCache: ModelDiskCache, signal: AbortSignal): Promise<boolean> {
    const { allocator, scheduler } = this.#context;
    const copy = await this.#exclusive(async () => {
      throwIfAborted(signal);
      return this.#cache.fork();
    });
    try {
      const { pages } = await copy.reserve(0);
      const read = (page: number): Promise<Uint8Array> =>
        scheduler.run(PRIORITY.background, () => allocator.pool.read(pages[page]!), signal);
      return await diskCache.cache.save(copy.tokens, this.#pageKind(diskCache, copy), read, signal);
    } finally {
      copy.dispose();
    }
  }

  #pageKind({ identity }: ModelDiskCache, { longFactors }: KvCache): PageKind {
    const { ops, allocator } = this.#context;
    const { layout, pageBytes } = allocator.pool;
    return { identity: JSON.stringify([identity, ops.backend, layout, longFactors]), pageBytes };
  }
}

const NOTHING: OutputRows = { values: new Float32Array(), logits: [] };

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
