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
  // The rows of the picture that one row of the view needs, scaled across. The next one shares some of them.
  const rows = new Map<number, Float64Array>();
  for (let y = 0; y < CROP_SIZE; y++) {
    const needed = down.index.subarray(4 * y, 4 * y + 4);
    for (const row of rows.keys()) if (!needed.includes(row)) rows.delete(row);
    for (const row of needed) if (!rows.has(row)) rows.set(row, scaleRow(rgb, 3 * row * width, across));
    const [r0, r1, r2, r3] = Array.from(needed, (row) => rows.get(row)!) as [Row, Row, Row, Row];
    const [w0, w1, w2, w3] = down.weight.subarray(4 * y, 4 * y + 4) as unknown as [number, number, number, number];
    const to = 3 * y * CROP_SIZE;
    for (let i = 0; i < r0.length; i++) view[to + i] = w0 * r0[i]! + w1 * r1[i]! + w2 * r2[i]! + w3 * r3[i]!;
  }
  return view;
}

type Row = Float64Array;

/** Four samples for each of CROP_SIZE. */
interface Taps {
  readonly index: Int32Array;
  readonly weight: Float64Array;
}

function scaleRow(rgb: Uint8Array, at: number, { index, weight }: Taps): Row {
  const row = new Float64Array(3 * CROP_SIZE);
  for (let tap = 0; tap < index.length; tap++) {
    const to = 3 * (tap >> 2);
    const from = at + 3 * index[tap]!;
    const share = weight[tap]!;
    row[to]! += share * rgb[from]!;
    row[to + 1]! += share * rgb[from + 1]!;
    row[to + 2]! += share * rgb[from + 2]!;
  }
  return row;
}

function tapsOf(from: number): Taps {
  const taps = { index: new Int32Array(4 * CROP_SIZE), weight: new Float64Array(4 * CROP_SIZE) };
  for (let i = 0; i < CROP_SIZE; i++) {
    const centre = (i + 0.5) * (from / CROP_SIZE) - 0.5;
    const floor = Math.floor(centre);
    const t = centre - floor;
    [far(t + 1), near(t), near(1 - t), far(2 - t)].forEach((weight, k) => {
      taps.index[4 * i + k] = Math.min(from - 1, Math.max(0, floor + k - 1));
      taps.weight[4 * i + k] = weight;
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
