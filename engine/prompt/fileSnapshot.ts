import { type CompletionModel, keepsFactors, snapshotTokens } from './budget.ts';
import { type EncodeLong, type FittedFile, fitFile } from './files.ts';

/**
 * A file as it was at one moment. Its ids stay the same while the user edits the file: prompts begin with them, followed
 * by the current text around the cursor.
 */
export interface FileSnapshot extends FittedFile {
  /** The whole text of the file at that moment. */
  readonly text: string;
  /** The most tokens that it could have had. */
  readonly room: number;
}

export interface FileAt {
  readonly fileName: string;
  readonly prefix: string;
  readonly suffix: string;
}

/** A snapshot is not out of date with fewer changed characters than this. */
const LEAST_DRIFT = 400;
/** A new snapshot may cost at most this many tokens per changed character. */
const TOKENS_PER_CHANGE = 16;
/** A file that has lost more than this share of its text counts as another file. */
const LARGEST_LOSS = 1 / 2;

/** Fits the file around the cursor to the model's and the affordable tokens; undefined where it is not worth it. */
export async function takeSnapshot(
  { fileName, prefix, suffix }: FileAt,
  model: CompletionModel,
  limits: { readonly maxTokens: number; readonly affordable: number },
  encode: EncodeLong,
): Promise<FileSnapshot | undefined> {
  const file = { name: fileName, text: prefix + suffix, cursor: prefix.length };
  const tokens = snapshotTokens(model, limits.maxTokens, limits.affordable);
  if (tokens === 0) return undefined;
  let fitted = await fitFile(file, tokens, encode);
  const kept = keepsFactors(model, limits.maxTokens, fitted.ids.length);
  if (kept < fitted.ids.length) fitted = await fitFile(file, kept, encode);
  return fitted.ids.length === 0 ? undefined : { ...fitted, text: file.text, room: tokens };
}

/**
 * How well a snapshot still matches the file. 'old': a new one is worth its cost. 'useless': it misleads. Changes within
 * `fresh`, the offsets whose current text the prompt shows, do not count.
 */
export function ageOf(
  snapshot: FileSnapshot,
  { prefix, suffix }: FileAt,
  fresh: { readonly start: number; readonly end: number },
): 'new' | 'old' | 'useless' {
  const before = snapshot.text;
  const text = prefix + suffix;
  const { start, endBefore, endNow } = changedLines(before, text);
  const was = before.slice(start, endBefore);
  const removed = linesMissing(was, text.slice(start, endNow));
  if (removed > before.length * LARGEST_LOSS) return 'useless';
  const added =
    linesMissing(text.slice(start, Math.min(fresh.start, endNow)), was) +
    linesMissing(text.slice(Math.max(start, fresh.end), endNow), was);
  // All ids behind the first change must be computed again.
  const work = snapshot.ids.length * (1 - start / Math.max(1, before.length));
  if (removed + added > Math.max(LEAST_DRIFT, work / TOKENS_PER_CHANGE)) return 'old';
  const { region } = snapshot;
  return prefix.length >= region.start && suffix.length >= before.length - region.end ? 'new' : 'old';
}

/** The smallest range of whole lines in which the two texts differ. */
function changedLines(before: string, now: string): { start: number; endBefore: number; endNow: number } {
  const shorter = Math.min(before.length, now.length);
  let same = 0;
  while (same < shorter && before.charCodeAt(same) === now.charCodeAt(same)) same++;
  const start = same === 0 ? 0 : before.lastIndexOf('\n', same - 1) + 1;
  let end = 0;
  while (end < shorter - start && before.charCodeAt(before.length - 1 - end) === now.charCodeAt(now.length - 1 - end))
    end++;
  const lineEnd = before.indexOf('\n', before.length - end);
  const after = lineEnd < 0 ? 0 : before.length - lineEnd;
  return { start, endBefore: before.length - after, endNow: now.length - after };
}

/** Number of characters in lines of `text` that `other` does not contain. */
function linesMissing(text: string, other: string): number {
  const known = new Set(other.split('\n'));
  return text.split('\n').reduce((sum, line) => sum + (known.has(line) ? 0 : line.length), 0);
}
