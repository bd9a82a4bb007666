import { type PngContent, rowBytes } from './pngChunks.ts';

/** Where the pixels of a row lie in the picture: from `x` on, each `step` behind the last. */
export interface RowPlace {
  readonly x: number;
  readonly y: number;
  readonly step: number;
  readonly pixels: number;
}

interface Pass {
  readonly x: number;
  readonly y: number;
  readonly stepX: number;
  readonly stepY: number;
}

const WHOLE: readonly Pass[] = [{ x: 0, y: 0, stepX: 1, stepY: 1 }];
const ADAM7: readonly Pass[] = [
  { x: 0, y: 0, stepX: 8, stepY: 8 },
  { x: 4, y: 0, stepX: 8, stepY: 8 },
  { x: 0, y: 4, stepX: 4, stepY: 8 },
  { x: 2, y: 0, stepX: 4, stepY: 4 },
  { x: 0, y: 2, stepX: 2, stepY: 4 },
  { x: 1, y: 0, stepX: 2, stepY: 2 },
  { x: 0, y: 1, stepX: 1, stepY: 2 },
];

/**
 * Undoes the filters of all rows, in the order of the file, and calls `use` with the samples of each, which stay until the
 * next row. By then the row itself is no longer needed. Throws an Error where rows are missing or a filter does not exist.
 */
export function eachRow(png: PngContent, use: (samples: Uint8Array, place: RowPlace) => void): void {
  // Samples of the pixel on the left are so many bytes away. In front of a row lie as many zeros.
  const left = Math.ceil((png.depth * png.channels) / 8);
  let at = 0;
  for (const { x, y: top, stepX, stepY } of png.isInterlaced ? ADAM7 : WHOLE) {
    const pixels = Math.ceil((png.width - x) / stepX);
    if (pixels <= 0) continue;
    const bytes = rowBytes(pixels, png);
    let [row, above] = [new Uint8Array(left + bytes), new Uint8Array(left + bytes)];
    for (let y = top; y < png.height; y += stepY, at += 1 + bytes) {
      if (at + 1 + bytes > png.rows.length) throw new Error('rows are missing');
      undo(png.rows[at]!, png.rows.subarray(at + 1, at + 1 + bytes), row, above, left);
      use(row.subarray(left), { x, y, step: stepX, pixels });
      [row, above] = [above, row];
    }
  }
}

/** Reference: chapter 9 of the PNG specification. */
function undo(filter: number, filtered: Uint8Array, row: Uint8Array, above: Uint8Array, left: number): void {
  if (filter === 0) row.set(filtered, left);
  else if (filter === 1) undoSub(filtered, row, left);
  else if (filter === 2) undoUp(filtered, row, above, left);
  else if (filter === 3) undoAverage(filtered, row, above, left);
  else if (filter === 4) undoPaeth(filtered, row, above, left);
  else throw new Error(`filter ${filter} does not exist`);
}

function undoSub(filtered: Uint8Array, row: Uint8Array, left: number): void {
  for (let i = 0; i < filtered.length; i++) row[i + left] = filtered[i]! + row[i]!;
}

function undoUp(filtered: Uint8Array, row: Uint8Array, above: Uint8Array, left: number): void {
  for (let i = 0; i < filtered.length; i++) row[i + left] = filtered[i]! + above[i + left]!;
}

function undoAverage(filtered: Uint8Array, row: Uint8Array, above: Uint8Array, left: number): void {
  for (let i = 0; i < filtered.length; i++) row[i + left] = filtered[i]! + ((row[i]! + above[i + left]!) >> 1);
}

function undoPaeth(filtered: Uint8Array, row: Uint8Array, above: Uint8Array, left: number): void {
  for (let i = 0; i < filtered.length; i++) {
    const [a, b, c] = [row[i]!, above[i + left]!, above[i]!];
    const toA = Math.abs(b - c);
    const toB = Math.abs(a - c);
    const toC = Math.abs(a + b - 2 * c);
    const nearest = toA <= toB && toA <= toC ? a : toB <= toC ? b : c;
    row[i + left] = filtered[i]! + nearest;
  }
}
