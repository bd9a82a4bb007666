import { f16ToF32, f32ToF16 } from '../shared/f16.ts';

/** Values that share a scale and a minimum, with the weight of each one's squared error. */
export interface WeightedGroup {
  readonly values: Float64Array;
  readonly weights: Float64Array;
}

/** value = scale * code + minimum. */
export interface Affine {
  /** Exact f16 values. The scale is not negative. */
  readonly scale: number;
  readonly minimum: number;
  /** Weighted sum of the squared errors. */
  readonly error: number;
}

/** Widths of the range of codes that are tried, in steps of 0.4 below and above its own. */
const STEPS = 3;
/** For each of them the codes are rounded, and scale and minimum fitted to the codes, so many times. */
const ROUNDS = 2;

/**
 * Scale and minimum, at most `mostMinimum`, of small weighted squared error for codes from 0 to `highest`: the plain
 * rule, which spreads the codes from the least to the largest value, or the best of several starts from which rounding
 * and least squares take turns.
 */
export function fitAffine(group: WeightedGroup, highest: number, mostMinimum = Infinity): Affine {
  const { values } = group;
  let low = Math.min(mostMinimum, values[0]!);
  let high = values[0]!;
  for (const value of values) {
    if (value < low) low = value;
    if (value > high) high = value;
  }
  let best = inF16(group, (high - low) / highest, low, highest);
  for (let step = -STEPS; step <= STEPS; step++) {
    line.scale = (high - low) / (highest + 0.4 * step);
    line.minimum = low;
    for (let round = 0; round < ROUNDS; round++) fitLine(group, highest, mostMinimum);
    const found = inF16(group, line.scale, line.minimum, highest);
    if (found.error < best.error) best = found;
  }
  return best;
}

/** The code, from 0 to `highest`, whose value is nearest. */
export function nearestCode(
  value: number,
  { scale, minimum }: Pick<Affine, 'scale' | 'minimum'>,
  highest: number,
): number {
  if (scale === 0) return 0;
  const code = Math.floor((value - minimum) / scale + 0.5);
  return code < 0 ? 0 : code > highest ? highest : code;
}

/** Weighted sum of the squared errors of the nearest codes. */
export function affineError(
  { values, weights }: WeightedGroup,
  scale: number,
  minimum: number,
  highest: number,
): number {
  const inverse = scale === 0 ? 0 : 1 / scale;
  let sum = 0;
  for (let i = 0; i < values.length; i++) {
    const value = values[i]!;
    let code = Math.floor((value - minimum) * inverse + 0.5);
    if (code < 0) code = 0;
    else if (code > highest) code = highest;
    const error = scale * code + minimum - value;
    sum += weights[i]! * error * error;
  }
  return sum;
}

/** The line that fitLine improves. */
const line = { scale: 0, minimum: 0 };

/** Rounds the values to codes of `line`, then fits `line` to these codes by weighted least squares. */
function fitLine({ values, weights }: WeightedGroup, highest: number, mostMinimum: number): void {
  const { scale, minimum } = line;
  const inverse = scale === 0 ? 0 : 1 / scale;
  let [w, wq, wqq, wx, wqx] = [0, 0, 0, 0, 0];
  for (let i = 0; i < values.length; i++) {
    const value = values[i]!;
    const weight = weights[i]!;
    let code = Math.floor((value - minimum) * inverse + 0.5);
    if (code < 0) code = 0;
    else if (code > highest) code = highest;
    const weighted = weight * code;
    w += weight;
    wq += weighted;
    wqq += weighted * code;
    wx += weight * value;
    wqx += weighted * value;
  }
  const determinant = w * wqq - wq * wq;
  if (determinant <= 0) return;
  line.scale = (w * wqx - wq * wx) / determinant;
  line.minimum = (wqq * wx - wq * wqx) / determinant;
  if (line.minimum <= mostMinimum) return;
  line.minimum = mostMinimum;
  line.scale = (wqx - mostMinimum * wq) / wqq;
}

function inF16(group: WeightedGroup, exactScale: number, exactMinimum: number, highest: number): Affine {
  const scale = f16ToF32(f32ToF16(Math.max(0, exactScale)));
  const minimum = f16ToF32(f32ToF16(exactMinimum));
  const error = affineError(group, scale, minimum, highest);
  return { scale, minimum, error: Number.isNaN(error) ? Infinity : error };
}
