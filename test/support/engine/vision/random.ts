import type { Pixels } from '../../../../engine/vision/pixels.ts';

/** As the scripts of test/fixtures/golden make it: the highest byte of each x = (1664525 x + 1013904223) mod 2^32. */
export function randomPicture(width: number, height: number, seed: number): Pixels {
  const rgb = new Uint8Array(3 * width * height);
  let x = seed;
  for (let i = 0; i < rgb.length; i++) rgb[i] = (x = next(x)) >>> 24;
  return { width, height, rgb };
}

/** x / 2^31 - 1 of each x of the same kind, from -1 to 1. */
export function uniform(seed: number, count: number): Float32Array {
  const values = new Float32Array(count);
  let x = seed;
  for (let i = 0; i < count; i++) values[i] = (x = next(x)) / 2 ** 31 - 1;
  return values;
}

function next(x: number): number {
  return (Math.imul(1664525, x) + 1013904223) >>> 0;
}
