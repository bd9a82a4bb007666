import type { Pixels } from './pixels.ts';

/**
 * Scales a picture as Pillow's BILINEAR does for 8 bits: a triangle filter that is as wide as a pixel of the smaller
 * picture, with weights of 22 bits, across and then down, each rounded to 8 bits. Equal to it in every sample.
 * Reference: Resample.c of Pillow.
 */
export function scale(picture: Pixels, width: number, height: number): Pixels {
  const across = width === picture.width ? picture : scaleAcross(picture, width);
  return height === picture.height ? across : scaleDown(across, height);
}

const BITS = 22;
const HALF = 1 << (BITS - 1);

/** The samples that a scaled sample is made of: `count` from `first`, with their weights from `at`. */
interface Taps {
  readonly first: Int32Array;
  readonly count: Int32Array;
  readonly at: Int32Array;
  readonly weights: Int32Array;
}

function tapsOf(from: number, to: number): Taps {
  const step = from / to;
  const support = Math.max(step, 1);
  const [first, count, at] = [new Int32Array(to), new Int32Array(to), new Int32Array(to)];
  const weights: number[] = [];
  for (let i = 0; i < to; i++) {
    const centre = (i + 0.5) * step;
    const low = Math.max(0, Math.trunc(centre - support + 0.5));
    const high = Math.min(from, Math.trunc(centre + support + 0.5));
    const shares = Array.from({ length: high - low }, (_, k) => {
      return Math.max(0, 1 - Math.abs((low + k - centre + 0.5) / support));
    });
    const sum = shares.reduce((a, b) => a + b, 0);
    [first[i], count[i], at[i]] = [low, high - low, weights.length];
    for (const share of shares) weights.push(Math.trunc((sum === 0 ? share : share / sum) * 2 ** BITS + 0.5));
  }
  return { first, count, at, weights: Int32Array.from(weights) };
}

function scaleAcross({ width: from, height, rgb }: Pixels, width: number): Pixels {
  const taps = tapsOf(from, width);
  const scaled = new Uint8Array(3 * width * height);
  // The loops over a row are functions of their own, which V8 compiles during the first picture.
  for (let y = 0; y < height; y++) scaleRow(rgb, 3 * y * from, taps, scaled, 3 * y * width);
  return { width, height, rgb: scaled };
}

function scaleRow(rgb: Uint8Array, row: number, taps: Taps, scaled: Uint8Array, to: number): void {
  const { first, count, at, weights } = taps;
  for (let x = 0; x < first.length; x++, to += 3) {
    let r = HALF;
    let g = HALF;
    let b = HALF;
    let pixel = row + 3 * first[x]!;
    const end = at[x]! + count[x]!;
    for (let k = at[x]!; k < end; k++, pixel += 3) {
      const weight = weights[k]!;
      r = (r + Math.imul(weight, rgb[pixel]!)) | 0;
      g = (g + Math.imul(weight, rgb[pixel + 1]!)) | 0;
      b = (b + Math.imul(weight, rgb[pixel + 2]!)) | 0;
    }
    // The weights add up to one, so that no sum leaves the range.
    scaled[to] = r >> BITS;
    scaled[to + 1] = g >> BITS;
    scaled[to + 2] = b >> BITS;
  }
}

function scaleDown({ width, height: from, rgb }: Pixels, height: number): Pixels {
  const { first, count, at, weights } = tapsOf(from, height);
  const rowValues = 3 * width;
  const scaled = new Uint8Array(rowValues * height);
  const sums = new Int32Array(rowValues);
  for (let y = 0; y < height; y++) {
    const shares = weights.subarray(at[y]!, at[y]! + count[y]!);
    const start = first[y]! * rowValues;
    const into = scaled.subarray(y * rowValues, (y + 1) * rowValues);
    if (shares.length <= 3) mixRows(rgb, start, shares, into);
    else {
      sums.fill(HALF);
      shares.forEach((share, k) => addRow(rgb, start + k * rowValues, share, sums));
      for (let i = 0; i < rowValues; i++) into[i] = sums[i]! >> BITS;
    }
  }
  return { width, height, rgb: scaled };
}

/** The sum of up to three rows, which are all where a picture nearly keeps its size. */
function mixRows(rgb: Uint8Array, start: number, shares: Int32Array, into: Uint8Array): void {
  const [w0 = 0, w1 = 0, w2 = 0] = shares;
  const [r1, r2] = [1, 2].map((k) => start + Math.min(k, shares.length - 1) * into.length) as [number, number];
  for (let i = 0; i < into.length; i++) {
    const upper = (HALF + Math.imul(w0, rgb[start + i]!) + Math.imul(w1, rgb[r1 + i]!)) | 0;
    into[i] = (upper + Math.imul(w2, rgb[r2 + i]!)) >> BITS;
  }
}

function addRow(rgb: Uint8Array, row: number, share: number, sums: Int32Array): void {
  for (let i = 0; i < sums.length; i++) sums[i]! += Math.imul(share, rgb[row + i]!);
}
