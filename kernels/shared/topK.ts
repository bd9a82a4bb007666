import { check } from '../check.ts';
import { MOST_TOP_K, type Tensor } from '../ops.ts';

/** The k of a topK operation, limited to the size of the vocabulary. Throws where k or the temperature is out of range. */
export function checkedK(logits: Tensor, k: number, inverseTemperature: number): number {
  check(Number.isInteger(k) && k >= 1 && k <= MOST_TOP_K, () => `topK: k is ${k}, not from 1 to ${MOST_TOP_K}`);
  const factor = Math.fround(inverseTemperature);
  check(factor > 0 && factor < Infinity, () => `topK: the inverse temperature is ${inverseTemperature}`);
  return Math.min(k, logits.shape[1]!);
}
