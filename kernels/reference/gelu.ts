import type { Gelu } from '../ops.ts';

/** y[i] = x[i] sigmoid(1.702 x[i]), or x[i] (1 + erf(x[i] / sqrt(2))) / 2. */
export function gelu(x: Float32Array, kind: Gelu): Float32Array {
  if (kind === 'quick') return x.map((value) => value / (1 + Math.exp(-1.702 * value)));
  return x.map((value) => (value * erfc(-value / Math.SQRT2)) / 2);
}

/** 1 - erf(z) with a relative error below 1e-12 (Abramowitz and Stegun 7.1.5 and 7.1.14). */
function erfc(z: number): number {
  if (z < 2) return z < -6 ? 2 : 1 - erfSeries(z);
  let fraction = 0;
  for (let k = 60; k > 0; k--) fraction = k / 2 / (z + fraction);
  return Math.exp(-z * z) / (Math.sqrt(Math.PI) * (z + fraction));
}

/** 2 / sqrt(pi) exp(-z^2) sum 2^n z^(2n+1) / (1 3 .. (2n+1)), whose terms have one sign. */
function erfSeries(z: number): number {
  let term = z;
  let sum = z;
  for (let n = 1; n < 200; n++) {
    term *= (2 * z * z) / (2 * n + 1);
    sum += term;
  }
  return (2 / Math.sqrt(Math.PI)) * Math.exp(-z * z) * sum;
}
