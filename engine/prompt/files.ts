import { type LineRange, linesBetween, lineAt, mergeRanges, rangesLeftOut, rangesText } from './lines.ts';

/** Encodes a text of whole lines, which may be long. Stops with more than `most` ids. */
export type EncodeLong = (text: string, most: number) => Promise<number[]>;

/** A file's text with `\n` line ends. Where it does not fit, the part around the offset `cursor` is kept. */
export interface SourceFile {
  readonly name: string;
  readonly text: string;
  readonly cursor?: number;
}

/** The part of a file that a prompt shows. */
export interface FittedFile {
  readonly name: string;
  /** The lines kept, with notes in place of the omitted ones. */
  readonly shown: string;
  readonly ids: number[];
  readonly lines: LineRange[];
  readonly totalLines: number;
  /** Offsets in the file of the part around the cursor. */
  readonly region: { readonly start: number; readonly end: number };
}

/** Share of the budget for the head of a file, with its imports. The rest is for the region around the cursor. */
const HEAD_SHARE = 1 / 8;
/** Characters per token, tried in turn until the ids fit. Constants, so that a file is always cut at the same places. */
const DENSITIES = [4, 3, 2.25, 1.5, 0.75, 0.25];
/** A file with more characters per token of budget is not encoded to see whether it fits. */
const MOST_CHARACTERS_PER_TOKEN = 8;
/** Size of a note in place of lines, of which there are two at most. */
const NOTE_TOKENS = 16;

/** Fits a file to `tokens` ids: whole, or its head and a region around the cursor that is stable for small moves. */
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
 * Fits several files to `tokens` ids in total, in the order given. Tokens that small files do not need go to the large
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

/** Tokens per file at which all files fill the budget: small files fit whole and leave the rest to the others. */
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

/** Selects the parts of a text to keep: the head, and a region that moves in steps of a quarter of its size. */
function cut(length: number, cursor: number, characters: number) {
  const head = Math.max(0, Math.floor(characters * HEAD_SHARE));
  const size = Math.max(0, Math.floor(characters) - head);
  const step = Math.max(1, Math.floor(size / 4));
  const onGrid = (offset: number): number => Math.max(0, Math.floor(offset / step) * step);
  // The cursor lies between 5/8 and 7/8 of the region, since text before it tells more; or the region ends the file.
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
