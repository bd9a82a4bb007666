import { f16ToF32, f32ToF16 } from './f16.ts';

/** What rounding may change a value by, relative to the larger of its product and its minimum. */
export const PAIR_BOUND = 2 ** -11;

/**
 * A scale and a minimum as f16 bits, the minimum in the upper half. Each becomes the nearest f16, unless their errors add
 * up so that a value scale * code + minimum (code: 0 to `highest`) would be off by more than PAIR_BOUND. Then each
 * becomes one of its two neighbours, so that the largest error is the least.
 */
export function roundPair(scale: number, minimum: number, highest: number): number {
  const nearestScale = f32ToF16(scale);
  const nearestMinimum = f32ToF16(minimum);
  const nearest = nearestScale | (nearestMinimum << 16);
  // Most pairs need no more: their errors add up the most where product and minimum are equal.
  const sum =
    Math.abs((f16ToF32(nearestScale) - scale) * minimum) + Math.abs((f16ToF32(nearestMinimum) - minimum) * scale);
  // Not a number or infinite where an f16 is not finite.
  if (!(sum > PAIR_BOUND * Math.abs(scale * minimum) && sum < Infinity)) return nearest;
  let least = pairError(nearest, scale, minimum, highest);
  if (least <= PAIR_BOUND) return nearest;
  let best = nearest;
  const otherScale = otherNeighbour(nearestScale, scale);
  const otherMinimum = otherNeighbour(nearestMinimum, minimum);
  for (const pair of [
    nearestScale | (otherMinimum << 16),
    otherScale | (nearestMinimum << 16),
    otherScale | (otherMinimum << 16),
  ]) {
    const error = pairError(pair, scale, minimum, highest);
    if (error >= least) continue;
    least = error;
    best = pair;
  }
  return best;
}

/** The largest error of a value with these f16 instead of scale and minimum, relative as PAIR_BOUND. */
export function pairError(pair: number, scale: number, minimum: number, highest: number): number {
  const ofScale = f16ToF32(pair & 0xffff) - scale;
  const ofMinimum = f16ToF32(pair >>> 16) - minimum;
  let largest = 0;
  for (let code = 0; code <= highest; code++) {
    const size = Math.max(Math.abs(scale * code), Math.abs(minimum));
    largest = Math.max(largest, Math.abs(ofScale * code + ofMinimum) / size);
  }
  return largest;
}

/** The f16 on the other side of a value than its nearest f16, which is returned where there is none. */
function otherNeighbour(nearest: number, value: number): number {
  const magnitude = Math.abs(f16ToF32(nearest));
  if (magnitude > Math.abs(value)) return nearest - 1;
  return magnitude === Math.abs(value) || (nearest & 0x7fff) === 0x7bff ? nearest : nearest + 1;
}
