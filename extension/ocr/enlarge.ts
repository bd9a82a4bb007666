/** Enlarges a picture of text until its letters have the size that Tesseract was trained on. */
import type { Grey } from './grey.ts';

/** Pixels from the top of the highest to the bottom of the lowest letter of a line; Tesseract's lines have 36. */
const TEXT_HEIGHT = 36;
const MOST_TIMES = 4;
/** Darker values are ink. */
const DARK = 128;

/** How many times the picture has to be enlarged, between 1 and 4: whole numbers keep the strokes of letters even. */
export function enlargement(picture: Grey): number {
  const height = textHeight(picture);
  return height === 0 ? 1 : Math.min(MOST_TIMES, Math.max(1, Math.round(TEXT_HEIGHT / height)));
}

/** The median height of the picture's lines of text, in pixels; 0 without text. */
export function textHeight({ width, height, values }: Grey): number {
  const counts = Array.from({ length: height }, (_, y) => strokes(values.subarray(y * width, (y + 1) * width)));
  // The sides of a frame are in every row.
  const sides = counts.toSorted((a, b) => a - b)[Math.floor(BLANK_ROWS * height)] ?? 0;
  const heights: number[] = [];
  let start = -1;
  for (let y = 0; y <= height; y++) {
    const isText = y < height && counts[y]! > sides;
    if (isText && start < 0) start = y;
    if (isText || start < 0) continue;
    if (y - start >= LEAST_HEIGHT) heights.push(y - start);
    start = -1;
  }
  heights.sort((a, b) => a - b);
  return heights[heights.length >> 1] ?? 0;
}

/** Lower rows of ink are rules. */
const LEAST_HEIGHT = 5;
/** At least this share of a picture's rows has no text. */
const BLANK_ROWS = 0.1;

/** How often ink begins in a row. */
function strokes(row: Uint8Array): number {
  let count = 0;
  for (let x = 0; x < row.length; x++) if (row[x]! < DARK && (x === 0 || row[x - 1]! >= DARK)) count++;
  return count;
}

/** The picture `times` as large, smoothed by cubic interpolation (Catmull-Rom), which keeps edges steep. */
export function enlarge({ width, height, values }: Grey, times: number): Grey {
  if (times === 1) return { width, height, values };
  const across = stretch(values, width, height, 1, width, times);
  const down = stretch(across, height, width * times, width * times, 1, times);
  return { width: width * times, height: height * times, values: down };
}

/** Stretches lines of `length` values that are `step` apart. Lines that are `line` apart stay as many. */
function stretch(values: Uint8Array, length: number, lines: number, step: number, line: number, times: number) {
  const stretched = new Uint8Array(values.length * times);
  const longLine = line === 1 ? 1 : line * times;
  for (let i = 0; i < length * times; i++) {
    const at = (i + 0.5) / times - 0.5;
    const from = Math.floor(at);
    const weights = catmullRom(at - from);
    const taps = weights.map((_, k) => step * Math.min(length - 1, Math.max(0, from + k - 1)));
    for (let l = 0; l < lines; l++) {
      const base = l * line;
      const sum = taps.reduce((total, tap, k) => total + weights[k]! * values[base + tap]!, 0);
      stretched[l * longLine + i * step] = Math.min(255, Math.max(0, Math.round(sum)));
    }
  }
  return stretched;
}

/** Weights of the two values before and the two after a place between them, `t` behind the second. */
function catmullRom(t: number): [number, number, number, number] {
  return [
    ((2 - t) * t - 1) * t * 0.5,
    ((3 * t - 5) * t * t + 2) * 0.5,
    ((4 - 3 * t) * t + 1) * t * 0.5,
    (t - 1) * t * t * 0.5,
  ];
}
