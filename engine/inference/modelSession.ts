import type { Prompt } from '../prompt/prompt.ts';
import type { Generate } from './generationTypes.ts';
import type { Output } from './output.ts';
import type { Priority } from './scheduler.ts';

/** One sequence of a model, as Session implements it. What its cache shares with another one is computed once. */
export interface ModelSession {
  readonly generate: Generate;
  /** Tokens whose keys and values are cached; a view that the next request may invalidate. */
  readonly tokens: ArrayLike<number>;
  /** Makes the cache hold `prompt`, in steps of `priority`, the session's own where absent. Rejects as `generate` does. */
  prefill(prompt: Prompt, options: { signal?: AbortSignal; priority?: Priority }): Promise<{ computed: number }>;
  /** Computes all of `prompt`, and returns the outputs of its last positions. Rejects as `generate` does. */
  run(
    prompt: Prompt,
    options: { output: Output; last: number; signal?: AbortSignal },
  ): Promise<{ readonly values: Float32Array }>;
  /** Writes the cache to disk. Resolves false when the disk cache is off; rejects with Cancelled or the system's error. */
  saveToDisk(options: { signal?: AbortSignal }): Promise<boolean>;
  /** Resolves when the memory of its cache is free for other sessions. */
  dispose(): Promise<void>;
}
