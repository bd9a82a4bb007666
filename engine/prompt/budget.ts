import { BadRequest } from '../errors.ts';
import { otherFilesBudget } from './otherFiles.ts';

export interface CompletionModel {
  /** The model's name, where it tells what the vocabulary does not. */
  readonly name?: string;
  readonly contextLength: number;
  /** Number of weights; where absent, the model does not count as small. */
  readonly parameters?: number;
  /** How the model's configuration says that it is to be prompted; see promptKind. */
  readonly completionPrompt?: 'instruct' | 'base';
  /** Order of a fill-in-the-middle prompt; ignored for models without these tokens. */
  readonly fimOrder: 'psm' | 'spm';
  /** The length up to which the short LongRoPE factors apply; absent for models with one set of factors. */
  readonly shortLength?: number;
  /** Number of positions that sliding-window attention sees; absent where it sees the whole context. */
  readonly attentionWindow?: number;
}

/** The most tokens that a prompt may show from either side of the cursor. */
export interface PromptBudget {
  readonly prefixTokens: number;
  readonly suffixTokens: number;
  /** The most tokens of parts of other files; none where absent. */
  readonly otherFileTokens?: number;
}

/** More context costs more prefill after a jump of the excerpt than it improves completions. */
const PREFIX_TOKENS = 1024;
/** The starter model was trained with suffixes of 100 to 150 tokens. */
const SUFFIX_TOKENS = 128;
/** Special tokens and the file's name, or the instruction. */
const HEADER_TOKENS = 96;
const SHORTEST_PREFIX = 16;
/** The excerpts beside a snapshot of the file, which a move of the cursor prefills again. */
export const NEIGHBOURHOOD: Required<PromptBudget> = { prefixTokens: 256, suffixTokens: 128, otherFileTokens: 256 };
/** A smaller snapshot would show no more than the short prompt does. */
const SMALLEST_SNAPSHOT = 512;

/**
 * Splits the tokens of a context between prefix, suffix and, where `hasOthers`, other files, beside `maxTokens` to
 * generate. Exceeds the usual sizes where `affordable` tokens prefill quickly enough. Throws BadRequest where the context
 * is too small.
 */
export function promptBudget(
  contextLength: number,
  maxTokens: number,
  affordable = 0,
  hasOthers = false,
): PromptBudget {
  const all = contextLength - maxTokens - HEADER_TOKENS;
  const otherFileTokens = hasOthers ? otherFilesBudget(all) : 0;
  const room = all - otherFileTokens;
  const wantedSuffix = Math.floor((Math.min(affordable, room) * SUFFIX_TOKENS) / PREFIX_TOKENS);
  const suffixTokens = Math.min(Math.max(SUFFIX_TOKENS, wantedSuffix), Math.floor(room / 5));
  const prefixTokens = Math.min(Math.max(PREFIX_TOKENS, affordable), room - suffixTokens);
  if (prefixTokens < SHORTEST_PREFIX) {
    throw new BadRequest(
      `A context of ${contextLength} tokens leaves no room for a prompt beside ${maxTokens} new tokens.`,
    );
  }
  return { prefixTokens, suffixTokens, ...(hasOthers ? { otherFileTokens } : {}) };
}

/** The largest number of tokens in an answer, whatever is asked for: the question needs the rest of the context. */
export function longestAnswer(contextLength: number): number {
  return Math.floor(contextLength / 2);
}

/** Longest prompt without a snapshot: beyond it, text would not be seen, or LongRoPE factors would change while typing. */
export function usableContext({ contextLength, shortLength, attentionWindow }: CompletionModel): number {
  return Math.min(contextLength, shortLength ?? contextLength, attentionWindow ?? contextLength);
}

/** Number of tokens for a snapshot of a file where `affordable` tokens may be prefilled; 0 where it is not worth it. */
export function snapshotTokens(
  { contextLength, attentionWindow = contextLength }: CompletionModel,
  maxTokens: number,
  affordable: number,
): number {
  const tokens = Math.min(affordable, Math.min(contextLength, attentionWindow) - besideSnapshot(maxTokens));
  return tokens < SMALLEST_SNAPSHOT ? 0 : tokens;
}

/**
 * Number of a snapshot's tokens that keep the LongRoPE factors stable. A prompt that crosses the boundary while it is
 * answered would be computed again, so a snapshot either leaves room below the boundary or exceeds it by itself.
 */
export function keepsFactors({ shortLength }: CompletionModel, maxTokens: number, tokens: number): number {
  if (shortLength === undefined || tokens > shortLength) return tokens;
  return Math.min(tokens, Math.max(0, shortLength - besideSnapshot(maxTokens)));
}

function besideSnapshot(maxTokens: number): number {
  const { prefixTokens, suffixTokens, otherFileTokens } = NEIGHBOURHOOD;
  return prefixTokens + suffixTokens + otherFileTokens + HEADER_TOKENS + maxTokens;
}
