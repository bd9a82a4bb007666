import { BadRequest } from '../errors.ts';

export interface CompletionModel {
  readonly contextLength: number;
  /** Order of a fill-in-the-middle prompt; plays no part for models without these tokens. */
  readonly fimOrder: 'psm' | 'spm';
  /** The length up to which the short LongRoPE factors hold; absent for models that have one set of factors. */
  readonly shortLength?: number;
  /** How far back a position sees; absent where that is the whole context. */
  readonly attentionWindow?: number;
}

/** What a prompt may take from either side of the cursor. */
export interface PromptBudget {
  readonly prefixTokens: number;
  readonly suffixTokens: number;
}

/** More context costs more prefill after a jump of the window than it improves a completion. */
const PREFIX_TOKENS = 1024;
/** The starter model was trained with suffixes of 100 to 150 tokens. */
const SUFFIX_TOKENS = 128;
/** Special tokens and the file's name, or the instruction. */
const HEADER_TOKENS = 96;
const SHORTEST_PREFIX = 16;
/** The neighbourhood of the cursor beside a snapshot of the file: what a move of the cursor costs. */
export const NEIGHBOURHOOD: PromptBudget = { prefixTokens: 256, suffixTokens: 128 };
/** A snapshot of less would tell no more than the short prompt does. */
const SMALLEST_SNAPSHOT = 512;

/**
 * The tokens that a model's context of `contextLength` leaves for prefix and suffix beside `maxTokens` to generate;
 * more than usual where `affordable` tokens are read quickly enough.
 */
export function promptBudget(contextLength: number, maxTokens: number, affordable = 0): PromptBudget {
  const room = contextLength - maxTokens - HEADER_TOKENS;
  const wantedSuffix = Math.floor((Math.min(affordable, room) * SUFFIX_TOKENS) / PREFIX_TOKENS);
  const suffixTokens = Math.min(Math.max(SUFFIX_TOKENS, wantedSuffix), Math.floor(room / 5));
  const prefixTokens = Math.min(Math.max(PREFIX_TOKENS, affordable), room - suffixTokens);
  if (prefixTokens < SHORTEST_PREFIX) {
    throw new BadRequest(
      `A context of ${contextLength} tokens leaves no room for a prompt beside ${maxTokens} new tokens.`,
    );
  }
  return { prefixTokens, suffixTokens };
}

/** The largest number of tokens in an answer, whatever is asked for: the question needs the rest of the window. */
export function longestAnswer(contextLength: number): number {
  return Math.floor(contextLength / 2);
}

/** Where windows end: what lies beyond would not be seen, or would change the LongRoPE factors while one types. */
export function windowLength({ contextLength, shortLength, attentionWindow }: CompletionModel): number {
  return Math.min(contextLength, shortLength ?? contextLength, attentionWindow ?? contextLength);
}

/** Tokens for a snapshot of a file where `affordable` tokens may be read; 0 where it is not worth it. */
export function snapshotTokens(
  { contextLength, attentionWindow = contextLength }: CompletionModel,
  maxTokens: number,
  affordable: number,
): number {
  const tokens = Math.min(affordable, Math.min(contextLength, attentionWindow) - besideSnapshot(maxTokens));
  return tokens < SMALLEST_SNAPSHOT ? 0 : tokens;
}

/**
 * Of a snapshot of `tokens`, how many may stay. A prompt that reaches the length from which LongRoPE rotates with
 * other factors while it is answered would be computed anew: a snapshot either stays below it or passes it by itself.
 */
export function keepsFactors({ shortLength }: CompletionModel, maxTokens: number, tokens: number): number {
  if (shortLength === undefined || tokens > shortLength) return tokens;
  return Math.min(tokens, Math.max(0, shortLength - besideSnapshot(maxTokens)));
}

function besideSnapshot(maxTokens: number): number {
  return NEIGHBOURHOOD.prefixTokens + NEIGHBOURHOOD.suffixTokens + HEADER_TOKENS + maxTokens;
}
