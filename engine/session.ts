import type { Ops, Tensor } from '../kernels/ops.ts';
import { BadRequest, Cancelled, throwIfAborted } from './errors.ts';
import type { Generate } from './generation.ts';
import { generateWith } from './generate.ts';
import { KvCache, type PageAllocator } from './kvCache.ts';
import { usesLongFactors } from './layers/rope.ts';
import type { Phi3 } from './models/phi3.ts';
import { PRIORITY, type Priority, type Scheduler } from './scheduler.ts';

/** What all sessions of one loaded model share. */
export interface SessionContext {
  readonly ops: Ops;
  readonly decoder: Phi3;
  readonly allocator: PageAllocator;
  /** Lets one step at a time run; every chunk and every token is one. */
  readonly scheduler: Scheduler;
  readonly contextLength: number;
  /** Prompt tokens per step; a cancelled or outranked prefill waits for one such chunk at most. */
  readonly chunkTokens: number;
}

export interface RunOptions {
  /** Positions whose outputs are wanted, counted from the end; at least 1. */
  readonly last?: number;
  /** logits: (last, vocabulary). top1: (last, 2), id and log-probability. */
  readonly output: 'logits' | 'top1';
  readonly chunkTokens?: number;
  readonly signal?: AbortSignal | undefined;
}

export interface RunResult {
  readonly values: Float32Array;
  /** Tokens found in the cache, and computed now. */
  readonly reused: number;
  readonly computed: number;
}

/** One conversation or document: its KV cache and the rule by which it is re-used. */
export class Session {
  private readonly cache: KvCache;
  /** Which LongRoPE factors the cached keys were rotated with. */
  private longFactors = false;
  private turn: Promise<void> = Promise.resolve();
  private disposed = false;

  constructor(
    private readonly context: SessionContext,
    private readonly priority: Priority = PRIORITY.completion,
  ) {
    this.cache = new KvCache(context.allocator);
  }

  /** Requests on one session run one after the other. */
  readonly generate: Generate = (prompt, options) => {
    const run = (tokens: readonly number[], runOptions: RunOptions) => this.compute(tokens, runOptions);
    return generateWith(run, (work) => this.inTurn(work), this.context, prompt, options);
  };

  /** Tokens whose keys and values are cached. */
  get tokens(): readonly number[] {
    return this.cache.tokens;
  }

  /**
   * Brings the cache to hold exactly `tokens`, computing only what the longest common prefix leaves over, and returns
   * the model's output at the last positions. Rejects with BadRequest, Cancelled, OutOfMemory or BackendLost; the
   * cache then holds what had been computed.
   */
  run(tokens: readonly number[], options: RunOptions): Promise<RunResult> {
    return this.inTurn(() => this.compute(tokens, options));
  }

  /** Gives the cache back after the step under way; what is asked then or later rejects with Cancelled. */
  dispose(): Promise<void> {
    this.disposed = true;
    return this.inTurn(async () => this.cache.dispose());
  }

  private async compute(tokens: readonly number[], options: RunOptions): Promise<RunResult> {
    const { last = 1, output, chunkTokens = this.context.chunkTokens, signal } = options;
    this.check(tokens, last);
    const reused = this.keepCommonPrefix(tokens, tokens.length - last);
    const outputs: Float32Array[] = [];
    for (let from = reused; from < tokens.length; from += chunkTokens) {
      throwIfAborted(signal);
      if (this.disposed) throw new Cancelled();
      const ids = tokens.slice(from, from + chunkTokens);
      const wanted = Math.max(0, Math.min(ids.length, from + ids.length - (tokens.length - last)));
      const values = await this.step(ids, { last: wanted, totalLength: tokens.length }, output, signal);
      if (wanted > 0) outputs.push(values);
    }
    return { values: concatenate(outputs), reused, computed: tokens.length - reused };
  }

  /** Waits for the requests before, then runs `work`. */
  private inTurn<T>(work: () => Promise<T>): Promise<T> {
    const result = this.turn.then(work);
    this.turn = result.then(
      () => undefined,
      () => undefined,
    );
    return result;
  }

  private check(tokens: readonly number[], last: number): void {
    const { contextLength, decoder } = this.context;
    if (tokens.length === 0) throw new BadRequest('The prompt is empty.');
    if (tokens.length > contextLength) {
      throw new BadRequest(`The prompt has ${tokens.length} tokens; this model's context holds ${contextLength}.`);
    }
    if (last < 1 || last > tokens.length)
      throw new BadRequest(`The outputs of ${last} of ${tokens.length} tokens were asked for.`);
    const stranger = tokens.find((id) => !Number.isInteger(id) || id < 0 || id >= decoder.config.vocabSize);
    if (stranger !== undefined)
      throw new BadRequest(`Token id ${stranger} is outside of the vocabulary of ${decoder.config.vocabSize}.`);
  }

  /** Truncates the cache to what it shares with `tokens`, at most `limit` tokens; returns how many. */
  private keepCommonPrefix(tokens: readonly number[], limit: number): number {
    const long = usesLongFactors(this.context.decoder.config, tokens.length);
    let common = 0;
    if (long === this.longFactors) {
      const cached = this.cache.tokens;
      while (common < limit && common < cached.length && cached[common] === tokens[common]) common++;
    }
    this.longFactors = long; // Crossing the boundary recomputes once, as transformers does.
    this.cache.truncate(common);
    return common;
  }

  private async step(
    ids: readonly number[],
    shape: { last: number; totalLength: number },
    output: 'logits' | 'top1',
    signal: AbortSignal | undefined,
  ): Promise<Float32Array> {
    const { ops, decoder, scheduler } = this.context;
    return scheduler.run(
      this.priority,
      async () => {
        const kv = await this.cache.reserve(ids.length);
        const values = await ops.step((): Tensor => {
          const y = decoder.forward(ops, ids, kv, shape);
          return shape.last > 0 && output === 'top1' ? ops.top1(y) : y;
        });
        this.cache.append(ids);
        return values;
      },
      signal,
    );
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
