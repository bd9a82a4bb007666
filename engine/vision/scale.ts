import type { PictureMemory } from './pictureMemory.ts';
import type { Pixels } from './pixels.ts';

/** Where a scaled picture goes: the address of its first row, and the bytes from a row to the next. */
export interface Target {
  readonly at: number;
  readonly rowBytes: number;
}

/**
 * Scales a picture as Pillow's BILINEAR does for 8 bits: a triangle filter that is as wide as a pixel of the smaller
 * picture, with weights of 22 bits, in two passes, each rounded to 8 bits. Equal to it in every sample. Pillow's first pass
 * goes across; the order shows. Reference: Resample.c of Pillow.
 */
export function scale(
  memory: PictureMemory,
  picture: Pixels,
  size: { readonly width: number; readonly height: number },
  first: 'across' | 'down',
  to: Target,
): void {
  const across = tapsOf(picture.width, size.width);
  const down = tapsOf(picture.height, size.height);
  if (first === 'across') {
    const rowBytes = 3 * size.width;
    const { byteOffset: at } = memory.take(rowBytes * picture.height);
    scaleAcross(memory, rowsOf(memory, picture, 1), picture.height, across, { at, rowBytes });
    scaleDown(memory, (row) => at + row * rowBytes, rowBytes, down, to);
  } else {
    const rowBytes = 3 * picture.width;
    const { byteOffset: at } = memory.take(rowBytes * size.height);
    scaleDown(memory, rowsOf(memory, picture, down.mostSamples), rowBytes, down, { at, rowBytes });
    scaleAcross(memory, (row) => at + row * rowBytes, size.height, across, to);
  }
}

/** The address of rows from `first` on, which stay there until the next call. */
type Rows = (first: number) => number;

/** Copies `count` rows of a picture at a time, because it can be far larger than what becomes of it. */
function rowsOf(memory: PictureMemory, { width, rgb }: Pixels, count: number): Rows {
  const room = memory.take(3 * width * count);
  return (first) => {
    room.set(rgb.subarray(3 * width * first, 3 * width * (first + count)));
    return room.byteOffset;
  };
}

/** The samples that each scaled sample is made of: their first, their number and pairs of weights, from `starts` on. */
interface Taps {
  readonly values: Int32Array;
  readonly starts: Int32Array;
  readonly mostSamples: number;
}

const BITS = 22;
const LOW_BITS = 11;

function tapsOf(from: number, to: number): Taps {
  const step = from / to;
  const support = Math.max(step, 1);
  const values: number[] = [];
  const starts = new Int32Array(to);
  let mostSamples = 0;
  for (let i = 0; i < to; i++) {
    const centre = (i + 0.5) * step;
    const low = Math.max(0, Math.trunc(centre - support + 0.5));
    const high = Math.min(from, Math.trunc(centre + support + 0.5));
    const shares = Array.from({ length: high - low }, (_, k) => {
      return Math.max(0, 1 - Math.abs((low + k - centre + 0.5) / support));
    });
    const sum = shares.reduce((a, b) => a + b, 0);
    starts[i] = values.length;
    const weights = shares.map((share) => Math.trunc((sum === 0 ? share : share / sum) * 2 ** BITS + 0.5));
    values.push(low, high - low);
    for (let k = 0; k < weights.length; k += 2) values.push(...pairOf(weights[k]!, weights[k + 1] ?? 0));
    mostSamples = Math.max(mostSamples, high - low);
  }
  return { values: Int32Array.from(values), starts, mostSamples };
}

/** Two weights as the kernels take them (kernels/wasm/assembly/pictures/scale.ts): their lower bits, then the upper ones. */
function pairOf(a: number, b: number): readonly [low: number, high: number] {
  const most = 2 ** LOW_BITS - 1;
  return [(a & most) | ((b & most) << 16), (a >> LOW_BITS) | ((b >> LOW_BITS) << 16)];
}

function scaleAcross(memory: PictureMemory, rows: Rows, height: number, taps: Taps, to: Target): void {
  const at = memory.put(taps.values);
  for (let y = 0; y < height; y++) {
    memory.kernels.scaleRow(rows(y), at, taps.starts.length, to.at + y * to.rowBytes);
  }
}

function scaleDown(memory: PictureMemory, rows: Rows, bytes: number, { values, starts }: Taps, to: Target): void {
  const taps = memory.put(values);
  starts.forEach((start, y) => {
    const [first, count] = [values[start]!, values[start + 1]!];
    memory.kernels.mixRows(rows(first), bytes, taps + 4 * (start + 2), count, to.at + y * to.rowBytes);
  });
}
