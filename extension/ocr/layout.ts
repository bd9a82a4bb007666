/** Words and their places as text: with the blanks before and between them, and the empty lines. */
import type { Line, Word } from './tesseract.ts';

/** Joins lines in their order from top to bottom. Where all letters are equally wide, each word gets its column. */
export function layOut(lines: readonly Line[]): string {
  const sorted = lines
    .filter((line) => line.length > 0)
    .map((line) => [...line].sort((a, b) => a.bbox.x0 - b.bbox.x0))
    .sort((a, b) => middle(a) - middle(b));
  const words = sorted.flat();
  const grid = columns(words);
  const pitch = linePitch(sorted);
  const text: string[] = [];
  sorted.forEach((line, i) => {
    const rows = grid && i > 0 && pitch > 0 ? Math.round((middle(line) - middle(sorted[i - 1]!)) / pitch) : 1;
    for (let k = 1; k < Math.min(rows, MOST_EMPTY_LINES); k++) text.push('');
    text.push(grid ? onGrid(line, grid) : inSentences(line));
  });
  return text.join('\n');
}

/** A larger gap is a picture or another part of the window. */
const MOST_EMPTY_LINES = 4;

/** Columns of letters that are equally wide: column c begins at left + c * pitch. */
interface Columns {
  readonly pitch: number;
  readonly left: number;
}

/** The least number of letters of words that tell how wide one is. */
const LEAST_LETTERS = 3;
/** Letters are equally wide if words differ by less than this share of a letter from the same width per letter. */
const MOST_ERROR = 0.35;

/** Undefined where letters have different widths. */
function columns(words: readonly Word[]): Columns | undefined {
  const long = words.filter(({ text }) => text.length >= LEAST_LETTERS);
  if (long.length < 2) return undefined;
  // Of two words the longer one has the more letters; the space beside letters is in both widths.
  const slopes: number[] = [];
  for (const a of long) {
    for (const b of long) {
      if (a.text.length > b.text.length) slopes.push((width(a) - width(b)) / (a.text.length - b.text.length));
    }
  }
  const pitch = median(slopes);
  if (!(pitch > 0)) return undefined;
  const beside = median(long.map((word) => word.text.length * pitch - width(word)));
  const errors = long.map((word) => Math.abs(word.text.length * pitch - width(word) - beside) / pitch);
  if (median(errors) > MOST_ERROR) return undefined;
  // A letter lies in the middle of its column: the phase of the grid is that of most words' middles.
  const starts = words.map((word) => (word.bbox.x0 + word.bbox.x1 - word.text.length * pitch) / 2);
  const angles = starts.map((start) => (2 * Math.PI * start) / pitch);
  const phase = Math.atan2(sum(angles.map(Math.sin)), sum(angles.map(Math.cos)));
  const first = Math.min(...words.map(({ bbox }) => bbox.x0));
  const left = (phase / (2 * Math.PI)) * pitch;
  return { pitch, left: left + Math.floor((first - left) / pitch + EARLY) * pitch };
}

/** A letter may begin this much before its column, in columns. */
const EARLY = 0.2;

function onGrid(line: Line, { pitch, left }: Columns): string {
  let text = '';
  for (const word of line) {
    const column = Math.floor((word.bbox.x0 - left) / pitch + EARLY);
    const least = text === '' ? 0 : 1;
    text += ' '.repeat(Math.max(least, column - text.length)) + word.text;
  }
  return text;
}

/** A gap of more than this many heights of a word separates parts of a window, such as two buttons. */
const WIDE_GAP = 1.2;

function inSentences(line: Line): string {
  return line.reduce((text, word, i) => {
    if (i === 0) return word.text;
    const gap = word.bbox.x0 - line[i - 1]!.bbox.x1;
    return text + (gap > WIDE_GAP * height(line) ? '  ' : ' ') + word.text;
  }, '');
}

/** The distance of two lines without an empty one between them, in pixels. */
function linePitch(lines: readonly Line[]): number {
  const distances = lines.slice(1).map((line, i) => middle(line) - middle(lines[i]!));
  return distances.sort((a, b) => a - b)[Math.floor(distances.length / 3)] ?? 0;
}

const width = ({ bbox }: Word): number => bbox.x1 - bbox.x0;
const height = (line: Line): number => median(line.map(({ bbox }) => bbox.y1 - bbox.y0));
const middle = (line: Line): number => median(line.map(({ bbox }) => (bbox.y0 + bbox.y1) / 2));
const sum = (values: readonly number[]): number => values.reduce((a, b) => a + b, 0);

function median(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[values.length >> 1] ?? 0;
}
