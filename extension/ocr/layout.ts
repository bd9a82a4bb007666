/** Words and their places as text: with the blanks before and between them, and the empty lines. */
import { type Area, barIn } from './bars.ts';
import { type Columns, columnOf, columnsOf, median } from './columns.ts';
import type { Grey } from './grey.ts';
import type { Line } from './tesseract.ts';

/**
 * Joins lines in their order from top to bottom. Where all letters are equally wide, each word gets its column, and bars
 * that Tesseract was not given are taken from the picture; elsewhere from the list of underscores.
 */
export function layOut(lines: readonly Line[], picture: Grey, underscores: readonly Area[]): string {
  const sorted = lines
    .filter((line) => line.length > 0)
    .map((line) => [...line].sort((a, b) => a.bbox.x0 - b.bbox.x0))
    .sort((a, b) => middle(a) - middle(b));
  const columns = columnsOf(sorted);
  if (!columns) return sorted.map((line) => inSentences(withUnderscores(line, underscores))).join('\n');
  const pitch = linePitch(sorted);
  const text: string[] = [];
  sorted.forEach((line, i) => {
    const rows = i > 0 ? Math.round((middle(line) - middle(sorted[i - 1]!)) / pitch) : 1;
    for (let k = 1; k < Math.min(rows, MOST_EMPTY_LINES); k++) text.push('');
    text.push(inColumns(line, columns, picture));
  });
  return text.join('\n');
}

/** A larger gap is a picture or another part of the window. */
const MOST_EMPTY_LINES = 4;
/** A gap of less than this many columns is no blank. */
const LEAST_BLANK = 0.85;

function inColumns(line: Line, columns: Columns, picture: Grey): string {
  const { pitch, left } = columns;
  const boxes = line.map(({ bbox }) => bbox);
  const rows = { y0: Math.min(...boxes.map(({ y0 }) => y0)), y1: Math.max(...boxes.map(({ y1 }) => y1)) };
  /** The characters of the columns from `first` to `end` that Tesseract has left out. */
  const between = (first: number, end: number): string =>
    Array.from({ length: Math.max(0, end - first) }, (_, i) => {
      const x0 = left + (first + i) * pitch;
      return barIn(picture, { x0, x1: x0 + pitch, ...rows }) || ' ';
    }).join('');
  let text = '';
  let end = -Infinity;
  for (const letter of line.flatMap(({ symbols }) => symbols)) {
    const column = columnOf(columns, letter);
    const filled = between(text.length, column);
    // Within a word, a letter whose place is not found exactly makes no blank.
    if (letter.bbox.x0 - end >= LEAST_BLANK * pitch) text += filled || (text === '' ? '' : ' ');
    else if (/[_=-]/.test(filled)) text += filled;
    text += letter.text;
    end = letter.bbox.x1;
  }
  return (text + between(text.length, Math.floor((picture.width - left) / pitch))).trimEnd();
}

/** A gap of more than this many heights of a line separates parts of a window, such as two buttons. */
const WIDE_GAP = 1.2;

/** A word and an underscore that are closer belong together; in heights of a line. */
const CLOSE = 0.25;

function inSentences(line: Line): string {
  const height = median(line.map(({ bbox }) => bbox.y1 - bbox.y0));
  return line.reduce((text, word, i) => {
    if (i === 0) return word.text;
    const gap = word.bbox.x0 - line[i - 1]!.bbox.x1;
    const joins = gap < CLOSE * height && (word.text === '_' || text.endsWith('_'));
    return text + (joins ? '' : gap > WIDE_GAP * height ? '  ' : ' ') + word.text;
  }, '');
}

/** The line with those of the underscores that stand at its lower end. */
function withUnderscores(line: Line, underscores: readonly Area[]): Line {
  const [top, bottom] = [median(line.map(({ bbox }) => bbox.y0)), median(line.map(({ bbox }) => bbox.y1))];
  const reach = (bottom - top) / 2;
  const added = underscores
    .filter(({ y0 }) => Math.abs(y0 - bottom) < reach)
    .map((bbox) => ({ text: '_', bbox, symbols: [] }));
  return [...line, ...added].sort((a, b) => a.bbox.x0 - b.bbox.x0);
}

/** The distance of two lines without an empty one between them, in pixels. */
function linePitch(lines: readonly Line[]): number {
  const height = median(lines.flat().map(({ bbox }) => bbox.y1 - bbox.y0));
  const distances = lines.slice(1).map((line, i) => middle(line) - middle(lines[i]!));
  return Math.min(...distances.filter((distance) => distance > height));
}

const middle = (line: Line): number => median(line.map(({ bbox }) => (bbox.y0 + bbox.y1) / 2));
