import { BadRequest } from '../errors.ts';
import { type HealedPrompt, healPrompt } from '../tokenizer/healing.ts';
import type { Tokenizer } from '../tokenizer/tokenizer.ts';
import { instructPrompt } from './instruct.ts';
import { prefixWindow, suffixWindow, type Window } from './window.ts';

/** Where the cursor stands; lines end in `\n`. */
export interface CursorText {
  readonly fileName: string;
  readonly languageId: string;
  /** Whole text before and after the cursor: a prefix cut at its start must be cut where it stays cut. */
  readonly prefix: string;
  readonly suffix: string;
}

export interface CompletionModel {
  readonly contextLength: number;
  /** Order of a fill-in-the-middle prompt; plays no part for models without these tokens. */
  readonly fimOrder: 'psm' | 'spm';
}

export interface PromptBudget {
  readonly prefixTokens: number;
  readonly suffixTokens: number;
}

/** The healed prompt: `constraint` spells the last, removed bytes again. */
export interface CompletionPrompt extends HealedPrompt {
  readonly kind: 'fim' | 'instruct' | 'base';
  /** No special token belongs into a completion: each ends it. */
  readonly stopIds: ReadonlySet<number>;
}

/** More context costs more prefill after a jump of the window than it improves a completion. */
const PREFIX_TOKENS = 1024;
/** The starter model was trained with suffixes of 100 to 150 tokens. */
const SUFFIX_TOKENS = 128;
/** Special tokens and the file's name, or the instruction. */
const HEADER_TOKENS = 96;
/** Of a longer file name only the end is told. */
const NAME_TOKENS = 24;
const SHORTEST_PREFIX = 16;

/** The tokens that a model's context of `contextLength` leaves for prefix and suffix beside `maxTokens` to generate. */
export function promptBudget(contextLength: number, maxTokens: number): PromptBudget {
  const room = contextLength - maxTokens - HEADER_TOKENS;
  const suffixTokens = Math.min(SUFFIX_TOKENS, Math.floor(room / 5));
  const prefixTokens = Math.min(PREFIX_TOKENS, room - suffixTokens);
  if (prefixTokens < SHORTEST_PREFIX) {
    throw new BadRequest(
      `A context of ${contextLength} tokens has no room for a prompt beside ${maxTokens} new tokens.`,
    );
  }
  return { prefixTokens, suffixTokens };
}

/**
 * The prompt for a completion at the cursor, by what the model has: fill-in-the-middle tokens, a chat template, or
 * neither. A model with both is prompted by its chat template, unless its configuration asks for the order `spm`:
 * phi-3-small has such tokens in its vocabulary, but untrained.
 */
export function buildCompletionPrompt(
  cursor: CursorText,
  tokenizer: Tokenizer,
  model: CompletionModel,
  budget: PromptBudget,
): CompletionPrompt {
  const encode = (text: string) => tokenizer.encode(text);
  const prefix = prefixWindow(cursor.prefix, budget.prefixTokens, encode);
  const suffix = suffixWindow(cursor.suffix, budget.suffixTokens, encode);
  const stopIds = new Set([...tokenizer.stopIds, ...tokenizer.specialIds]);
  const start = [
    ...(tokenizer.bosId === undefined ? [] : [tokenizer.bosId]),
    ...fileHeader(cursor.fileName, tokenizer),
  ];
  const fim = fimTokens(tokenizer);
  if (fim && (!tokenizer.hasChatTemplate || model.fimOrder === 'spm')) {
    return { kind: 'fim', stopIds, ...fimPrompt(tokenizer, fim, model.fimOrder, start, prefix, suffix) };
  }
  if (tokenizer.hasChatTemplate) {
    const ids = instructPrompt(tokenizer, cursor, prefix.text, suffix.text);
    return { kind: 'instruct', stopIds, ...healPrompt(tokenizer, ids) };
  }
  return { kind: 'base', stopIds, ...healPrompt(tokenizer, [...start, ...prefix.ids]) };
}

interface FimTokens {
  readonly prefix: number;
  readonly suffix: number;
  readonly middle: number;
}

function fimTokens(tokenizer: Tokenizer): FimTokens | undefined {
  for (const [open, close] of [
    ['<|', '|>'],
    ['<', '>'],
  ]) {
    const [prefix, suffix, middle] = ['prefix', 'suffix', 'middle'].map((n) =>
      tokenizer.special(`${open}fim_${n}${close}`),
    );
    if (prefix !== undefined && suffix !== undefined && middle !== undefined) return { prefix, suffix, middle };
  }
  return undefined;
}

/** `<|file|>name\n` for models that have this token: our starter's documents begin with it. */
function fileHeader(fileName: string, tokenizer: Tokenizer): number[] {
  const file = tokenizer.special('<|file|>');
  if (file === undefined) return [];
  return [file, ...tokenizer.encode(fileName).slice(-NAME_TOKENS), ...tokenizer.encode('\n')];
}

/**
 * spm: start, suffix token, suffix, middle token, prefix: what is typed only appends. psm: start, prefix token, prefix,
 * suffix token, suffix, middle token; the middle then begins with the removed end of the prefix.
 */
function fimPrompt(
  tokenizer: Tokenizer,
  fim: FimTokens,
  order: 'psm' | 'spm',
  start: number[],
  prefix: Window,
  suffix: Window,
): HealedPrompt {
  if (order === 'spm') {
    return healPrompt(tokenizer, [...start, fim.suffix, ...suffix.ids, fim.middle, ...prefix.ids]);
  }
  const healed = healPrompt(tokenizer, [...start, fim.prefix, ...prefix.ids]);
  return { ...healed, ids: [...healed.ids, fim.suffix, ...suffix.ids, fim.middle] };
}
