import type { WeightDType } from '../../ops.ts';
import { isQuantized, QUANTIZED } from '../../quantize.ts';
import { isSuperBlock } from '../../superBlocks.ts';
import type { Arithmetic } from './variant.ts';

/** Factors of a product, row by row: x (rows, width), w (outs, width) as the format of the weight gives its values back. */
export interface Factors {
  readonly x: Float32Array;
  readonly w: Float32Array;
  readonly width: number;
  readonly dtype: WeightDType;
}

export interface Expected {
  /** (rows, outs), computed in f64. */
  readonly values: Float64Array;
  /** How far each may be off. */
  readonly allowed: Float64Array;
}

/** Values that are rounded together. */
const GROUP = 32;
/** Rounding errors are as good as random: of so many times their root mean square none in billions is larger. */
const DEVIATIONS = 4;
/** A multiply-add of f16 or f32 is off by at most this share: a unit in the last place, since devices may cut. */
const F16_SHARE = 2 ** -10;
const F32_SHARE = 2 ** -23;
/** The products of a group, the additions up to its sum, and x itself, each rounded to f16. */
const F16_ROUNDINGS = 12;
/** f16 below it may count as zero. */
const SMALLEST_F16 = 2 ** -14;
/** Likewise of w, of which tilesMatrices.wgsl takes W_SCALE times as much. */
const SMALLEST_SCALED = SMALLEST_F16 / 16;

/** x @ w^T, and the errors that an arithmetic makes at worst. */
export function expectedProduct({ x, w, width, dtype }: Factors, arithmetic: Arithmetic): Expected {
  const [rows, outs] = [x.length / width, w.length / width];
  const parts = magnitudesOfParts(w, dtype);
  const values = new Float64Array(rows * outs);
  const allowed = new Float64Array(rows * outs);
  for (let row = 0; row < rows; row++) {
    for (let out = 0; out < outs; out++) {
      let sum = 0;
      let magnitude = 0;
      let squares = 0;
      for (let from = 0; from < width; from += GROUP) {
        const group = groupOf(x, w, parts, row * width + from, out * width + from, Math.min(GROUP, width - from));
        sum += group.sum;
        magnitude += group.magnitude;
        squares += SQUARED_ERROR[arithmetic](group);
      }
      values[row * outs + out] = sum;
      allowed[row * outs + out] = DEVIATIONS * Math.sqrt(squares) + (width + GROUP) * F32_SHARE * magnitude;
    }
  }
  return { values, allowed };
}

interface Group {
  readonly sum: number;
  /** The sum of the magnitudes of the terms. */
  readonly magnitude: number;
  readonly largestX: number;
  readonly largestW: number;
  /** Of the magnitudes of w. */
  readonly squaresOfW: number;
  /** Of the products. */
  readonly squares: number;
}

const SQUARED_ERROR: Record<Arithmetic, (group: Group) => number> = {
  f32: () => 0,
  f16: ({ magnitude, largestX, largestW }) =>
    F16_ROUNDINGS * (F16_SHARE * magnitude) ** 2 + GROUP * (SMALLEST_F16 * largestX * largestW) ** 2,
  // Half a step of 127 to the largest.
  int8: ({ largestX, squaresOfW }) => (largestX / 254) ** 2 * squaresOfW,
  // Both factors of each product.
  'f16 factors': ({ squares, largestX }) => 2 * F16_SHARE ** 2 * squares + GROUP * (SMALLEST_SCALED * largestX) ** 2,
};

function groupOf(
  x: Float32Array,
  w: Float32Array,
  parts: Float32Array,
  atX: number,
  atW: number,
  length: number,
): Group {
  let [sum, magnitude, largestX, largestW, squaresOfW, squares] = [0, 0, 0, 0, 0, 0];
  for (let i = 0; i < length; i++) {
    const value = x[atX + i]!;
    const part = parts[atW + i]!;
    sum += value * w[atW + i]!;
    squares += (value * w[atW + i]!) ** 2;
    magnitude += Math.abs(value) * part;
    largestX = Math.max(largestX, Math.abs(value));
    largestW = Math.max(largestW, part);
    squaresOfW += part * part;
  }
  return { sum, magnitude, largestX, largestW, squaresOfW, squares };
}

/** The magnitudes that errors are relative to: of w, or of its product of scale and code and its minimum, which cancel. */
function magnitudesOfParts(w: Float32Array, dtype: WeightDType): Float32Array {
  const magnitudes = w.map(Math.abs);
  const hasMinimum = isSuperBlock(dtype) || (isQuantized(dtype) && QUANTIZED[dtype].hasMinimum);
  if (!hasMinimum) return magnitudes;
  // Codes of a group reach from end to end, so neither is more than twice the largest value.
  for (let from = 0; from < w.length; from += GROUP) {
    const group = magnitudes.subarray(from, from + GROUP);
    group.fill(4 * group.reduce((a, b) => Math.max(a, b), 0));
  }
  return magnitudes;
}
