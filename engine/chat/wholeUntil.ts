/** Cuts an answer back to where it began to repeat itself. Pure. */
import { FENCE, SENTENCE_END } from './sentenceLimit.ts';
import { countWords } from './words.ts';

/** Where a text began to repeat itself: at `start` in UTF-16 units, with a passage of so many units; 0 for sentences. */
export interface Repetition {
  readonly start: number;
  readonly length: number;
}

const LIST_ITEM = /^\s*(?:[-*+]|\d+[.)])\s/;
/** What stands in front of the first word of an item, or between two sentences. */
const NOTHING_SAID = /^[\s\d.)*+#>-]*$/;
/** An answer of fewer words, such as "Sure!", is none. */
const LEAST_WORDS = 4;

/**
 * The length of the beginning of `text` that is worth keeping: up to the end of a sentence, of a list's item or of a code
 * block, without a copy of a whole one. Where that would leave hardly anything, as in a sentence or a block that does not
 * end, it is up to the word or the line with which the first copy begins.
 */
export function wholeUntil(text: string, { start, length }: Repetition): number {
  const ends = wholeEnds(text);
  const before = ends.filter((end) => end <= start).at(-1) ?? 0;
  const behind = ends.find((end) => end > start) ?? Infinity;
  // What has begun before the copy is none, even where it ends like one.
  const isCopy = NOTHING_SAID.test(text.slice(before, start)) || behind > start + length;
  const end = isCopy ? before : behind;
  return countWords(text.slice(0, end)) >= LEAST_WORDS ? end : wordEnd(text, start);
}

/** Where sentences, items of lists and code blocks end, outside of code. */
function wholeEnds(text: string): number[] {
  const ends: number[] = [];
  const lines = text.split('\n');
  let inCode = false;
  let at = 0;
  for (const [index, line] of lines.entries()) {
    const next = lines[index + 1];
    const isFence = FENCE.test(line);
    if (isFence) inCode = !inCode;
    if (!inCode) {
      const sentences = isFence ? [] : sentenceEnds(line);
      if (next !== undefined && (isFence || endsItem(line, next))) sentences.push(line.length);
      ends.push(...sentences.map((end) => at + end));
    }
    at += line.length + 1;
  }
  return ends;
}

function sentenceEnds(line: string): number[] {
  const places = [...line.matchAll(/(?<=\S)(?=\s|$)|(?<=[。！？])/g)].map(({ index }) => index);
  return places.filter((end) => SENTENCE_END.test(line.slice(0, end)) || /[。！？]$/.test(line.slice(0, end)));
}

/** Whether an item ends with this line, rather than going on in the next one or announcing what stands below it. */
function endsItem(line: string, next: string): boolean {
  return LIST_ITEM.test(line) && !line.trimEnd().endsWith(':') && (next.trim() === '' || LIST_ITEM.test(next));
}

/** The end of the word at an offset; inside of a code block, of the line that has begun there. */
function wordEnd(text: string, start: number): number {
  const inCode =
    text
      .slice(0, start)
      .split('\n')
      .filter((line) => FENCE.test(line)).length %
      2 ===
    1;
  if (inCode) {
    const lineStart = text.lastIndexOf('\n', start - 1) + 1;
    const begun = text.slice(lineStart, start).trim() !== '';
    const end = begun ? text.indexOf('\n', start) : lineStart - 1;
    return end < 0 ? start : end;
  }
  let end = start;
  while (/[\p{L}\p{N}_]{2}/u.test(text.slice(end - 1, end + 1))) end++;
  return text.slice(0, end).trimEnd().length;
}
