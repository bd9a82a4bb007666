import { half, isFiniteHalf } from '../simd';
import { toHalf } from './packRow';

const PAIR_BOUND: f64 = 1.0 / 2048.0;

/** Rounds scale and minimum as roundPair of kernels/shared does, in f64 too. Writes their f16 to `to` and `to` + 16. */
export function storePair(to: usize, scale: f64, minimum: f64, highest: i32): void {
  const nearestScale = toHalf(<f32>scale);
  const nearestMinimum = toHalf(<f32>minimum);
  store<u16>(to, nearestScale);
  store<u16>(to, nearestMinimum, 16);
  if (!isFiniteHalf(to) || !isFiniteHalf(to + 16)) return;
  const sum = abs(errorOf(to, scale) * minimum) + abs(errorOf(to + 16, minimum) * scale);
  if (!(sum > PAIR_BOUND * abs(scale * minimum))) return;
  let least = pairError(to, scale, minimum, highest);
  if (least <= PAIR_BOUND) return;
  const otherScale = otherNeighbour(to, scale);
  const otherMinimum = otherNeighbour(to + 16, minimum);
  let best = 0;
  for (let pair = 1; pair < 4; pair++) {
    store<u16>(to, pair & 2 ? otherScale : nearestScale);
    store<u16>(to, pair & 1 ? otherMinimum : nearestMinimum, 16);
    const error = pairError(to, scale, minimum, highest);
    if (error >= least) continue;
    least = error;
    best = pair;
  }
  store<u16>(to, best & 2 ? otherScale : nearestScale);
  store<u16>(to, best & 1 ? otherMinimum : nearestMinimum, 16);
}

// @inline
function errorOf(at: usize, value: f64): f64 {
  return <f64>half(at) - value;
}

function pairError(at: usize, scale: f64, minimum: f64, highest: i32): f64 {
  const ofScale = errorOf(at, scale);
  const ofMinimum = errorOf(at + 16, minimum);
  let largest: f64 = 0;
  for (let code = 0; code <= highest; code++) {
    const size = max(abs(scale * <f64>code), abs(minimum));
    largest = max(largest, abs(ofScale * <f64>code + ofMinimum) / size);
  }
  return largest;
}

/** at: address of the nearest f16. */
function otherNeighbour(at: usize, value: f64): u16 {
  const nearest = load<u16>(at);
  const magnitude = <f64>abs(half(at));
  if (magnitude > abs(value)) return nearest - 1;
  return magnitude === abs(value) || (nearest & 0x7fff) === 0x7bff ? nearest : nearest + 1;
}
