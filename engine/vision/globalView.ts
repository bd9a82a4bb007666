import { CROP_SIZE } from '../layers/patches.ts';
import type { Pixels } from './pixels.ts';

/**
 * The whole picture as one crop, from 0 to about 255 and not rounded: (CROP_SIZE, CROP_SIZE, 3). Reference: PyTorch's
 * bicubic interpolation (a = -0.75, centres of pixels, no smoothing, repeated edges), which commutes with the
 * normalisation because its weights add up to one.
 */
export function globalView({ width, height, rgb }: Pixels): Float32Array {
  const across = tapsOf(width);
  const down = tapsOf(height);
  const view = new Float32Array(CROP_SIZE * CROP_SIZE * 3);
  // The rows of the picture that one row of the view needs, scaled across.
  const rows = new Map<number, Float64Array>();
  for (let y = 0; y < CROP_SIZE; y++) {
    const needed = down.slice(4 * y, 4 * y + 4);
    for (const row of rows.keys()) if (!needed.some(({ index }) => index === row)) rows.delete(row);
    for (const { index } of needed) if (!rows.has(index)) rows.set(index, scaleRow(rgb, 3 * index * width, across));
    const to = 3 * y * CROP_SIZE;
    for (const { index, weight } of needed) {
      const row = rows.get(index)!;
      for (let i = 0; i < row.length; i++) view[to + i]! += weight * row[i]!;
    }
  }
  return view;
}

interface Tap {
  readonly index: number;
  readonly weight: number;
}

function scaleRow(rgb: Uint8Array, at: number, across: readonly Tap[]): Float64Array {
  const row = new Float64Array(3 * CROP_SIZE);
  across.forEach(({ index, weight }, tap) => {
    const to = 3 * Math.floor(tap / 4);
    const from = at + 3 * index;
    for (let c = 0; c < 3; c++) row[to + c]! += weight * rgb[from + c]!;
  });
  return row;
}

/** Four samples of `from` for each of CROP_SIZE. */
function tapsOf(from: number): Tap[] {
  const taps: Tap[] = [];
  for (let i = 0; i < CROP_SIZE; i++) {
    const centre = (i + 0.5) * (from / CROP_SIZE) - 0.5;
    const floor = Math.floor(centre);
    const t = centre - floor;
    [far(t + 1), near(t), near(1 - t), far(2 - t)].forEach((weight, k) => {
      taps.push({ index: Math.min(from - 1, Math.max(0, floor + k - 1)), weight });
    });
  }
  return taps;
}

const A = -0.75;

function near(x: number): number {
  return ((A + 2) * x - (A + 3)) * x * x + 1;
}

function far(x: number): number {
  return ((A * x - 5 * A) * x + 8 * A) * x - 4 * A;
}
