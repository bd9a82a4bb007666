import { mulberry32 } from '../../engine/inference/random.ts';

/** Seeded uniform numbers in [-1, 1) with some outliers, as real activations have them. */
export function randomValues(seed: number, length: number, outlierEvery = 97): Float32Array {
  const next = mulberry32(seed);
  return Float32Array.from({ length }, (_, i) => (next() * 2 - 1) * (i % outlierEvery === outlierEvery - 1 ? 20 : 1));
}
