/** Seeded uniform numbers in [-1, 1) with some outliers, as real activations have them. */
export function randomValues(seed: number, length: number, outlierEvery = 97): Float32Array {
  const next = randomSource(seed);
  return Float32Array.from({ length }, (_, i) => (next() * 2 - 1) * (i % outlierEvery === outlierEvery - 1 ? 20 : 1));
}

/** Mulberry32: uniform in [0, 1). */
export function randomSource(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}
