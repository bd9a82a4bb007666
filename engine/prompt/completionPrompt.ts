import { type HealedPrompt, healPrompt } from '../tokenizer/healing.ts';
import type { Tokenizer } from '../tokenizer/tokenizer.ts';
import type { CompletionModel, PromptBudget } from './budget.ts';
import type { CursorText } from './cursorText.ts';
import { type FimMarks, areTrained, fimMarks } from './fimMarks.ts';
import { instructPrompt } from './instruct.ts';
import { languageOf } from './languages.ts';
import { type LineRange, lineAt, linesBetween, mergeRanges } from './lines.ts';
import type { FileSnapshot } from './fileSnapshot.ts';
import { fitOtherFiles, type OtherFile } from './otherFiles.ts';
import { prefixExcerpt, suffixExcerpt, type Excerpt } from './excerpt.ts';

export type PromptKind = 'fim' | 'instruct' | 'base';

/** A healed prompt: `newConstraint` makes the model write the removed bytes at the end again. */
export interface CompletionPrompt extends HealedPrompt {
  readonly kind: PromptKind;
  /** Special tokens do not belong into a completion, so each of them ends it. */
  readonly stopIds: ReadonlySet<number>;
  /** Offsets, in prefix and suffix together, of the text that the prompt shows in its current state. */
  readonly fresh: { readonly start: number; readonly end: number };
  /** The lines of the text that the prompt shows, including those of the snapshot. */
  readonly lines: LineRange[];
  readonly totalLines: number;
}

/**
 * A chat model with fewer parameters completes a text better by going on with it than by an instruction to complete it. Of
 * the small ones, SmolLM2 (135 million) was measured (test/bench/FIGURES.md), of the larger ones none.
 */
const FOLLOWS_INSTRUCTIONS = 1e9;
/** Only this many tokens at the end of a file name are shown. */
const NAME_TOKENS = 24;

/**
 * Decides how a model is prompted: with fill-in-the-middle marks, a chat template, or neither. Of a model with both, the
 * marks are used if it was trained with them, which its configuration says by the order `spm`, or its vocabulary
 * (fimMarks.ts). A small chat model is prompted with the text alone, unless its configuration says otherwise.
 */
export function promptKind(tokenizer: Tokenizer, model: CompletionModel): PromptKind {
  const { fimOrder, name, parameters = Infinity } = model;
  const marks = fimMarks(tokenizer);
  if (marks && (!tokenizer.isChatModel || fimOrder === 'spm' || areTrained(marks, name))) return 'fim';
  if (!tokenizer.isChatModel) return 'base';
  return model.completionPrompt ?? (parameters < FOLLOWS_INSTRUCTIONS ? 'base' : 'instruct');
}

/** Builds the prompt of a completion at the cursor, by promptKind. Only prompts of chat models show a snapshot. */
export function buildCompletionPrompt(
  cursor: CursorText,
  tokenizer: Tokenizer,
  model: CompletionModel,
  budget: PromptBudget,
  snapshot?: FileSnapshot,
): CompletionPrompt {
  const kind = promptKind(tokenizer, model);
  const encode = (text: string) => tokenizer.encode(text);
  const encodeMore = (text: string) => tokenizer.encode(text, { continues: true });
  const prefix = prefixExcerpt(cursor.prefix, budget.prefixTokens, encode);
  const suffix = kind === 'base' ? NO_EXCERPT : suffixExcerpt(cursor.suffix, budget.suffixTokens, encodeMore);
  const others = fitOtherFiles(cursor.otherFiles ?? [], budget.otherFileTokens ?? 0, tokenizer);
  const start = [
    ...(tokenizer.bosId === undefined ? [] : [tokenizer.bosId]),
    ...others.flatMap((other) => otherFile(other, cursor.languageId, tokenizer)),
    ...fileHeader(cursor.fileName, tokenizer),
  ];
  const healed = {
    fim: () => fimPrompt(tokenizer, fimMarks(tokenizer)!, model.fimOrder, start, prefix, suffix),
    instruct: () =>
      healPrompt(
        tokenizer,
        instructPrompt(tokenizer, { ...cursor, otherFiles: others }, prefix.text, suffix.text, snapshot),
      ),
    base: () => healPrompt(tokenizer, [...start, ...prefix.ids]),
  }[kind]();
  const stopIds = new Set([...tokenizer.stopIds, ...tokenizer.specialIds]);
  return { kind, stopIds, ...healed, ...inPrompt(cursor, prefix, suffix, snapshot) };
}

const NO_EXCERPT: Excerpt = { text: '', ids: [], skipped: 0 };

function inPrompt(
  { prefix, suffix }: CursorText,
  before: Excerpt,
  after: Excerpt,
  snapshot: FileSnapshot | undefined,
): Pick<CompletionPrompt, 'fresh' | 'lines' | 'totalLines'> {
  const text = prefix + suffix;
  const totalLines = lineAt(text, text.length);
  const end = prefix.length + after.skipped + after.text.length;
  const fresh = { start: prefix.length - before.text.length, end: /\S/.test(text.slice(end)) ? end : text.length };
  const cursorLine = lineAt(text, prefix.length);
  // The snapshot counts lines as they were then. Lines below the cursor have moved since.
  const moved = (line: number): number => (line > cursorLine ? line + totalLines - snapshot!.totalLines : line);
  const told = (snapshot?.lines ?? []).map(([first, last]): LineRange => [moved(first), moved(last)]);
  const lines = [...linesBetween(text, fresh.start, fresh.end), ...told];
  return { fresh, totalLines, lines: mergeRanges(lines.filter(([first, last]) => first <= last)) };
}

/** `<|file|>name\n` for models that have a mark for files: our starter's documents, and Qwen's files, begin with it. */
function fileHeader(fileName: string, tokenizer: Tokenizer): number[] {
  const file = tokenizer.special('<|file|>') ?? tokenizer.special('<|file_sep|>');
  if (file === undefined) return [];
  const continues = { continues: true };
  return [file, ...tokenizer.encode(fileName, continues).slice(-NAME_TOKENS), ...tokenizer.encode('\n', continues)];
}

/** A part of another file: behind its own header, or as a comment where the model knows no mark between files. */
function otherFile({ path, text }: OtherFile, languageId: string, tokenizer: Tokenizer): number[] {
  const header = fileHeader(path, tokenizer);
  if (header.length > 0) return [...header, ...tokenizer.encode(`${text}\n`, { continues: true })];
  const { lineComment, blockComment } = languageOf(languageId);
  const [start, end] = lineComment === null ? blockComment : [lineComment, ''];
  const lines = [`${path}:`, ...text.split('\n')].map((line) => `${`${start} ${line} ${end}`.trimEnd()}\n`);
  return tokenizer.encode(`${lines.join('')}\n`, { continues: true });
}

/**
 * spm: start, suffix token, suffix, middle token, prefix; typing only appends to it. psm: start, prefix token, prefix,
 * suffix token, suffix, middle token; the middle then begins with the removed end of the prefix.
 */
function fimPrompt(
  tokenizer: Tokenizer,
  fim: FimMarks,
  order: 'psm' | 'spm',
  start: number[],
  prefix: Excerpt,
  suffix: Excerpt,
): HealedPrompt {
  if (order === 'spm') {
    return healPrompt(tokenizer, [...start, fim.suffix, ...suffix.ids, fim.middle, ...prefix.ids]);
  }
  const healed = healPrompt(tokenizer, [...start, fim.prefix, ...prefix.ids]);
  return { ...healed, ids: [...healed.ids, fim.suffix, ...suffix.ids, fim.middle] };
}
