import { type LineRange, linesBetween, lineAt, mergeRanges, rangesLeftOut, rangesText } from './lines.ts';

/** Ids of a text of whole lines; it may be long. Where there are more than `most`, not all of them. */
export type EncodeLong = (text: string, most: number) => Promise<number[]>;

/** A file's text with `\n` line ends. Where not all of it fits, what lies around the offset `cursor` is kept. */
export interface SourceFile {
  readonly name: string;
  readonly text: string;
  readonly cursor?: number;
}

/** What of a file stands in a prompt. */
export interface FittedFile {
  readonly name: string;
  /** Its lines, with a note in place of those left out. */
  readonly shown: string;
  readonly ids: number[];
  readonly lines: LineRange[];
  readonly totalLines: number;
  /** Offsets in the file of the part around the cursor. */
  readonly region: { readonly start: number; readonly end: number };
}

/** The head of a file, with its imports, gets this share of what it may take; the rest lies around the cursor. */
const HEAD_SHARE = 1 / 8;
/** Characters per token, tried in turn until the ids fit. Fixed, so that the same file is cut at the same places. */
const DENSITIES = [4, 3, 2.25, 1.5, 0.75, 0.25];
/** A longer file is not encoded whole to see whether it fits. */
const MOST_CHARACTERS_PER_TOKEN = 8;
/** Of a note in place of lines; there are two at most. */
const NOTE_TOKENS = 16;

/** Whole, or its head and a region around the cursor that stands still for small moves; at most `tokens` ids. */
export async function fitFile(file: SourceFile, tokens: number, encode: EncodeLong): Promise<FittedFile> {
  const { name, text, cursor = 0 } = file;
  const totalLines = lineAt(text, text.length);
  if (text.length <= tokens * MOST_CHARACTERS_PER_TOKEN) {
    const ids = await encode(text, tokens);
    if (ids.length <= tokens) {
      return { name, shown: text, ids, lines: [[1, totalLines]], totalLines, region: { start: 0, end: text.length } };
    }
  }
  for (const density of DENSITIES) {
    const { head, region } = cut(text.length, cursor, (tokens - 2 * NOTE_TOKENS) * density);
    const lines = mergeRanges([...linesBetween(text, 0, head), ...linesBetween(text, region.start, region.end)]);
    const parts = partsText(text, lines, totalLines);
    if (parts.length > tokens * MOST_CHARACTERS_PER_TOKEN) continue; // Its lines are long.
    const ids = await encode(parts, tokens);
    if (ids.length <= tokens) return { name, shown: parts, ids, lines, totalLines, region };
  }
  return { name, shown: '', ids: [], lines: [], totalLines, region: { start: 0, end: 0 } };
}

/**
 * Several files in at most `tokens` ids altogether, in the order given. What small files leave over goes to the large
 * ones.
 */
export async function fitFiles(
  files: readonly SourceFile[],
  tokens: number,
  encode: EncodeLong,
): Promise<FittedFile[]> {
  const share = await fairShare(files, tokens, encode);
  const fitted: FittedFile[] = [];
  for (const file of files) fitted.push(await fitFile(file, share, encode));
  return fitted;
}

/** "a.ts: lines 1-40, 180-420 of 900; left out: 41-179, 421-900" */
export function describeFitted({ name, lines, totalLines }: Pick<FittedFile, 'name' | 'lines' | 'totalLines'>): string {
  if (lines.length === 0) return `${name}: none of ${totalLines} lines`;
  const dropped = rangesLeftOut(lines, totalLines);
  if (dropped.length === 0) return `${name}: all ${totalLines} lines`;
  return `${name}: lines ${rangesText(lines)} of ${totalLines}; left out: ${rangesText(dropped)}`;
}

/** Tokens per file at which all together fill the budget: the small ones are whole and leave their rest to the others. */
async function fairShare(files: readonly SourceFile[], tokens: number, encode: EncodeLong): Promise<number> {
  const needs: number[] = [];
  for (const { text } of files) {
    const tooLong = text.length > tokens * MOST_CHARACTERS_PER_TOKEN;
    needs.push(tooLong ? Infinity : (await encode(text, tokens)).length);
  }
  needs.sort((a, b) => a - b);
  let rest = tokens;
  for (const [i, need] of needs.entries()) {
    const share = Math.max(0, Math.floor(rest / (needs.length - i)));
    if (need > share) return share;
    rest -= need;
  }
  return needs.at(-1) ?? 0;
}

/** What to keep of a text of `length`: up to `head`, and a region that moves in steps of a quarter. */
function cut(length: number, cursor: number, characters: number) {
  const head = Math.max(0, Math.floor(characters * HEAD_SHARE));
  const size = Math.max(0, Math.floor(characters) - head);
  const step = Math.max(1, Math.floor(size / 4));
  const onGrid = (offset: number): number => Math.max(0, Math.floor(offset / step) * step);
  // The cursor lies between 5/8 and 7/8 of the region, since what stands before it says more; or the region ends the file.
  const start = Math.min(onGrid(cursor - (5 / 8) * size), onGrid(length - size + step - 1));
  return { head, region: { start, end: Math.min(length, start + size) } };
}

function partsText(text: string, lines: readonly LineRange[], totalLines: number): string {
  const all = text.split('\n');
  const kept = lines.map((range) => ({ range, text: all.slice(range[0] - 1, range[1]).join('\n') }));
  const leftOut = rangesLeftOut(lines, totalLines);
  const notes = leftOut.map((range) => ({ range, text: `[left out: lines ${rangesText([range])}]` }));
  return [...kept, ...notes]
    .sort((a, b) => a.range[0] - b.range[0])
    .map((part) => part.text)
    .join('\n');
}
