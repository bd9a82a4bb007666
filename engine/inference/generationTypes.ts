import type { Prompt } from '../prompt/prompt.ts';
import type { TokenConstraint } from '../tokenizer/tokenConstraint.ts';

/** What one generation is asked and says. engine/inference/generate.ts implements it; completion and CLI consume it. Types only. */

export interface GenerateOptions {
  readonly maxTokens: number;
  /** Ids that end the generation; they are not yielded. */
  readonly stopIds: ReadonlySet<number>;
  /** Greedy where absent. */
  readonly sampling?: Sampling;
  /** Token healing: restricts the first tokens until the removed text is spelled again. */
  readonly constraint?: TokenConstraint;
  /**
   * Whether tokens are drafted from what was written before and verified several at a time; the answer is the same.
   * auto, where absent: where it has paid so far. always: as many as there are, to test and to measure.
   */
  readonly speculation?: 'auto' | 'always' | 'off';
  readonly signal?: AbortSignal;
}

export interface Sampling {
  readonly temperature: number;
  readonly topP?: number;
  readonly topK?: number;
  readonly minP?: number;
  readonly repetitionPenalty?: number;
  readonly seed: number;
}

export interface GeneratedToken {
  readonly id: number;
  /** Natural logarithm of the model's (unconstrained, temperature 1) probability. */
  readonly logprob: number;
}

/** Iterate for tokens; leaving the loop early ends the generation and keeps the KV cache for the next request. */
export interface Generation extends AsyncIterable<GeneratedToken> {
  readonly stats: GenerationStats;
}

export interface GenerationStats {
  /** null while running or when the consumer left early. */
  stop: 'end' | 'length' | null;
  tokensReused: number;
  tokensPrefilled: number;
  tokensGenerated: number;
  /** Times that the model was run for an output, the prefill included; each gives one token and those accepted. */
  passes: number;
  tokensDrafted: number;
  /** Drafted tokens that were generated. */
  tokensAccepted: number;
  prefillMs: number;
  decodeMs: number;
}

/** A session's way to generate: re-uses the longest common prefix of `prompt` and its cache. */
export type Generate = (prompt: Prompt, options: GenerateOptions) => Generation;
