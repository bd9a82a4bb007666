import { type CompletionModel, keepsFactors, snapshotTokens } from './budget.ts';
import { type EncodeLong, type FittedFile, fitFile } from './files.ts';

/**
 * A file as it was at one moment, in ids that stand still while the user edits it: prompts begin with them, followed by
 * what is new around the cursor.
 */
export interface FileSnapshot extends FittedFile {
  /** The whole file then. */
  readonly text: string;
  /** Tokens that it might have had. */
  readonly room: number;
}

export interface FileAt {
  readonly fileName: string;
  readonly prefix: string;
  readonly suffix: string;
}

/** Fewer changed characters never make a snapshot old. */
const LEAST_DRIFT = 400;
/** The work of a new snapshot is at most so many tokens per changed character. */
const TOKENS_PER_CHANGE = 16;
/** A file that has lost more than this is another one. */
const LARGEST_LOSS = 1 / 2;

/** The file around the cursor in what the model and `affordable` tokens allow; undefined where it is not worth it. */
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
 * How well a snapshot still tells what the file is. `old`: a new one is worth its work. `useless`: it misleads. What has
 * changed within `fresh`, the offsets whose text the prompt holds anew, does not count.
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
  // All ids after the first change are computed again.
  const work = snapshot.ids.length * (1 - start / Math.max(1, before.length));
  if (removed + added > Math.max(LEAST_DRIFT, work / TOKENS_PER_CHANGE)) return 'old';
  const { region } = snapshot;
  return prefix.length >= region.start && suffix.length >= before.length - region.end ? 'new' : 'old';
}

/** The smallest run of whole lines in which the two differ. */
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

/** Characters of the lines of `text` that are no line of `other`. */
function linesMissing(text: string, other: string): number {
  const known = new Set(other.split('\n'));
  return text.split('\n').reduce((sum, line) => sum + (known.has(line) ? 0 : line.length), 0);
}
