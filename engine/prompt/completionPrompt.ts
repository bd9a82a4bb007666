import { type HealedPrompt, healPrompt } from '../tokenizer/healing.ts';
import type { Tokenizer } from '../tokenizer/tokenizer.ts';
import type { CompletionModel, PromptBudget } from './budget.ts';
import type { CursorText } from './cursorText.ts';
import { instructPrompt } from './instruct.ts';
import { type LineRange, lineAt, linesBetween, mergeRanges } from './lines.ts';
import type { FileSnapshot } from './fileSnapshot.ts';
import { prefixExcerpt, suffixExcerpt, type Window } from './excerpt.ts';

export type PromptKind = 'fim' | 'instruct' | 'base';

/** The healed prompt: `constraint` spells the last, removed bytes again. */
export interface CompletionPrompt extends HealedPrompt {
  readonly kind: PromptKind;
  /** No special token belongs into a completion: each ends it. */
  readonly stopIds: ReadonlySet<number>;
  /** Offsets in the text (prefix and suffix) of what stands in it as it is now. */
  readonly fresh: { readonly start: number; readonly end: number };
  /** The lines of the text that the model is told, those of the snapshot among them. */
  readonly lines: LineRange[];
  readonly totalLines: number;
}

/** Of a longer file name only the end is told. */
const NAME_TOKENS = 24;

/**
 * What a model has: fill-in-the-middle tokens, a chat template, or neither. A model with both is prompted by its chat
 * template, unless its configuration asks for the order `spm`: phi-3-small has such tokens in its vocabulary, but
 * untrained.
 */
export function promptKind(tokenizer: Tokenizer, { fimOrder }: CompletionModel): PromptKind {
  if (fimTokens(tokenizer) && (!tokenizer.hasChatTemplate || fimOrder === 'spm')) return 'fim';
  return tokenizer.hasChatTemplate ? 'instruct' : 'base';
}

/** The prompt for a completion at the cursor, by promptKind. Only chat prompts hold a snapshot. */
export function buildCompletionPrompt(
  cursor: CursorText,
  tokenizer: Tokenizer,
  model: CompletionModel,
  budget: PromptBudget,
  snapshot?: FileSnapshot,
): CompletionPrompt {
  const kind = promptKind(tokenizer, model);
  const encode = (text: string) => tokenizer.encode(text);
  const prefix = prefixExcerpt(cursor.prefix, budget.prefixTokens, encode);
  const suffix = kind === 'base' ? NO_WINDOW : suffixExcerpt(cursor.suffix, budget.suffixTokens, encode);
  const start = [
    ...(tokenizer.bosId === undefined ? [] : [tokenizer.bosId]),
    ...fileHeader(cursor.fileName, tokenizer),
  ];
  const healed = {
    fim: () => fimPrompt(tokenizer, fimTokens(tokenizer)!, model.fimOrder, start, prefix, suffix),
    instruct: () => healPrompt(tokenizer, instructPrompt(tokenizer, cursor, prefix.text, suffix.text, snapshot)),
    base: () => healPrompt(tokenizer, [...start, ...prefix.ids]),
  }[kind]();
  const stopIds = new Set([...tokenizer.stopIds, ...tokenizer.specialIds]);
  return { kind, stopIds, ...healed, ...inPrompt(cursor, prefix, suffix, snapshot) };
}

const NO_WINDOW: Window = { text: '', ids: [], skipped: 0 };

function inPrompt(
  { prefix, suffix }: CursorText,
  before: Window,
  after: Window,
  snapshot: FileSnapshot | undefined,
): Pick<CompletionPrompt, 'fresh' | 'lines' | 'totalLines'> {
  const text = prefix + suffix;
  const totalLines = lineAt(text, text.length);
  const end = prefix.length + after.skipped + after.text.length;
  const fresh = { start: prefix.length - before.text.length, end: /\S/.test(text.slice(end)) ? end : text.length };
  const cursorLine = lineAt(text, prefix.length);
  // The snapshot counts lines as they were; those below the cursor have moved with what was added there.
  const moved = (line: number): number => (line > cursorLine ? line + totalLines - snapshot!.totalLines : line);
  const told = (snapshot?.lines ?? []).map(([first, last]): LineRange => [moved(first), moved(last)]);
  const lines = [...linesBetween(text, fresh.start, fresh.end), ...told];
  return { fresh, totalLines, lines: mergeRanges(lines.filter(([first, last]) => first <= last)) };
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
