import type { Prompt } from '../prompt/prompt.ts';
import type { TokenConstraint } from '../tokenizer/tokenConstraint.ts';

/** The options and results of a generation. */

export interface GenerateOptions {
  readonly maxTokens: number;
  /** Ids that end the generation. They are not yielded. */
  readonly stopIds: ReadonlySet<number>;
  /** Greedy decoding where absent. */
  readonly sampling?: Sampling;
  /** Restricts the first tokens, as token healing does until the removed text is written again. */
  readonly constraint?: TokenConstraint;
  /**
   * Prompt-lookup speculative decoding, which does not change the answer. 'auto', the default, drafts where it has paid so
   * far; 'always' drafts as much as is found, for tests and measurements.
   */
  readonly speculation?: 'auto' | 'always' | 'off';
  readonly signal?: AbortSignal;
  /** Called after each step of the prompt but the last, with tokens computed and to compute. */
  readonly onPrefill?: PrefillListener;
}

export type PrefillListener = (doneTokens: number, allTokens: number) => void;

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
  /** Natural logarithm of the model's probability at temperature 1, among the tokens that the constraint allows. */
  readonly logprob: number;
}

/** Iterate for tokens. Leaving the loop early ends the generation; the KV cache stays for the next request. */
export interface Generation extends AsyncIterable<GeneratedToken> {
  readonly stats: GenerationStats;
}

export interface GenerationStats {
  /** Why the generation ended; null while it runs, and where the consumer left early. */
  stop: 'end' | 'length' | null;
  tokensReused: number;
  tokensPrefilled: number;
  tokensGenerated: number;
  /** Number of passes that computed an output, including the prefill. Each yields one token and the accepted ones. */
  passes: number;
  tokensDrafted: number;
  /** Number of drafted tokens that were accepted. */
  tokensAccepted: number;
  prefillMs: number;
  decodeMs: number;
}

/** Of a generation that has not begun. */
export function newStats(): GenerationStats {
  return {
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
}

/** Generates in one session, reusing the longest prefix of `prompt` that is cached. */
export type Generate = (prompt: Prompt, options: GenerateOptions) => Generation;
