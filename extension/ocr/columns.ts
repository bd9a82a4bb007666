/** The columns of letters that are equally wide, as code and terminals have them. */
import type { Line, Letter } from './tesseract.ts';

/** Column c begins at left + c * pitch, in pixels; nothing stands before column 0. */
export interface Columns {
  readonly pitch: number;
  readonly left: number;
}

/** Fewer letters do not tell. */
const LEAST_LETTERS = 12;
/** How far from a typical distance of two letters the pitch is searched, and in which steps. Shares of it. */
const RANGE = 0.04;
const STEP = 0.0002;
/**
 * How well the middles of letters have to agree with columns: the length of the mean of their places within a column, as
 * angles. Text of unequal letters has less than 0.3.
 */
const LEAST_AGREEMENT = 0.6;

/** Undefined where letters have different widths, or are too few to tell. */
export function columnsOf(lines: readonly Line[]): Columns | undefined {
  const words = lines.flat();
  const middles = words.flatMap(({ symbols }) => symbols.map(middleOf));
  const distances = words.flatMap(({ symbols }) => symbols.slice(1).map((s, i) => middleOf(s) - middleOf(symbols[i]!)));
  const typical = median(distances);
  if (middles.length < LEAST_LETTERS || !(typical > 0)) return undefined;
  let best = { agreement: 0, pitch: typical, angle: 0 };
  for (let share = 1 - RANGE; share <= 1 + RANGE; share += STEP) {
    const pitch = share * typical;
    let [x, y] = [0, 0];
    for (const middle of middles) {
      const angle = (2 * Math.PI * middle) / pitch;
      x += Math.cos(angle);
      y += Math.sin(angle);
    }
    const agreement = Math.hypot(x, y) / middles.length;
    if (agreement > best.agreement) best = { agreement, pitch, angle: Math.atan2(y, x) };
  }
  if (best.agreement < LEAST_AGREEMENT) return undefined;
  const { pitch, angle } = best;
  // A letter stands in the middle of its column.
  const left = (angle / (2 * Math.PI) - 0.5) * pitch;
  const first = Math.min(...middles.map((middle) => Math.floor((middle - left) / pitch)));
  return { pitch, left: left + first * pitch };
}

export function columnOf({ pitch, left }: Columns, letter: Letter): number {
  return Math.floor((middleOf(letter) - left) / pitch);
}

export function median(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[values.length >> 1] ?? 0;
}

const middleOf = ({ bbox }: Letter): number => (bbox.x0 + bbox.x1) / 2;
