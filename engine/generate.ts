import { BadModel, BadRequest, throwIfAborted } from './errors.ts';
import type { GeneratedToken, GenerateOptions, Generation, GenerationStats } from './generation.ts';
import { Sampler, logSumExp } from './sampler.ts';
import type { RunOptions, RunResult } from './session.ts';

type Run = (tokens: readonly number[], options: RunOptions) => Promise<RunResult>;
type InTurn = <T>(work: () => Promise<T>) => Promise<T>;

/**
 * Prefill, then one token at a time. Greedy steps read back one id and its log-probability; a constraint or sampling
 * reads back the logits. Rejects with Cancelled within one step after `signal` fires, and with BadModel where the
 * logits are no numbers.
 */
export function generateWith(
  run: Run,
  inTurn: InTurn,
  limits: { readonly contextLength: number },
  prompt: readonly number[],
  options: GenerateOptions,
): Generation {
  const stats: GenerationStats = {
    stop: null,
    tokensReused: 0,
    tokensPrefilled: 0,
    tokensGenerated: 0,
    prefillMs: 0,
    decodeMs: 0,
  };
  const tokens = new TokenLoop(run, limits.contextLength, prompt, options, stats);
  return {
    stats,
    [Symbol.asyncIterator]: () => ({
      next: () => inTurn(() => tokens.next()),
      return: async () => ({ done: true, value: undefined }),
    }),
  };
}

class TokenLoop {
  private readonly tokens: number[];
  private readonly sampler: Sampler | null;

  constructor(
    private readonly run: Run,
    private readonly contextLength: number,
    prompt: readonly number[],
    private readonly options: GenerateOptions,
    private readonly stats: GenerationStats,
  ) {
    if (options.maxTokens < 1) throw new BadRequest(`maxTokens is ${options.maxTokens}; it must be at least 1.`);
    this.tokens = [...prompt];
    this.sampler = options.sampling ? new Sampler(options.sampling) : null;
  }

  async next(): Promise<IteratorResult<GeneratedToken, undefined>> {
    const { stats, options } = this;
    throwIfAborted(options.signal);
    if (stats.stop) return { done: true, value: undefined };
    // A prompt that is too long is refused by run(); tokens of our own that do not fit end the generation.
    const full = stats.tokensGenerated > 0 && this.tokens.length > this.contextLength;
    if (stats.tokensGenerated >= options.maxTokens || full) return this.end('length');
    const token = await this.step();
    if (!Number.isFinite(token.logprob)) throw notFinite();
    if (options.stopIds.has(token.id)) return this.end('end');
    options.constraint?.accept(token.id);
    this.tokens.push(token.id);
    stats.tokensGenerated++;
    return { done: false, value: token };
  }

  private async step(): Promise<GeneratedToken> {
    const { stats, options } = this;
    const first = stats.tokensGenerated === 0;
    const needsLogits = this.sampler !== null || options.constraint?.active === true;
    const started = performance.now();
    const result = await this.run(this.tokens, { output: needsLogits ? 'logits' : 'top1', signal: options.signal });
    stats[first ? 'prefillMs' : 'decodeMs'] += performance.now() - started;
    if (first) {
      stats.tokensReused = result.reused;
      stats.tokensPrefilled = result.computed;
    }
    if (!needsLogits) return { id: result.values[0]!, logprob: result.values[1]! };
    return this.choose(result.values);
  }

  private choose(logits: Float32Array): GeneratedToken {
    const total = logSumExp(logits);
    const { constraint } = this.options;
    const allowed = constraint?.active
      ? logits.map((value, id) => (constraint.allows(id) ? value : -Infinity))
      : logits;
    const id = this.sampler ? this.sampler.pick(allowed, this.tokens) : indexOfLargest(allowed);
    return { id, logprob: logits[id]! - total };
  }

  private end(stop: 'end' | 'length'): IteratorResult<GeneratedToken, undefined> {
    this.stats.stop = stop;
    return { done: true, value: undefined };
  }
}

/** Finite weights can still overflow in products. */
export function notFinite(): BadModel {
  return new BadModel('The model computed values that are no numbers; its weights are damaged.');
}

function indexOfLargest(values: Float32Array): number {
  let best = 0;
  for (let i = 1; i < values.length; i++) if (values[i]! > values[best]!) best = i;
  return best;
}
