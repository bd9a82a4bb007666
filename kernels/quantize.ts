import type { WeightDType } from './ops.ts';
import { f16ToF32, f32ToF16 } from './shared/f16.ts';
import { IQ4_LEVELS } from './stored/iq4NL.ts';
import {
  SUPER_BLOCKS,
  SUPER_BLOCK_FACTOR_BYTES,
  SUPER_BLOCK_VALUES,
  type SuperBlockDType,
  isSuperBlock,
} from './superBlocks.ts';

/** How a quantised weight format holds its values: whole codes of `bits` bits, with f16 numbers per group along `in`. */
export interface QuantizedFormat {
  readonly bits: 4 | 5 | 6 | 8;
  /** Values that share a scale, and a minimum where there is one. */
  readonly group: 16 | 32;
  /** The lowest code; the highest is lowest + 2^bits - 1, unless there are levels. */
  readonly lowest: number;
  readonly hasMinimum: boolean;
  /** The 2^bits codes that occur, in ascending order, where they are not consecutive. */
  readonly levels?: Int8Array;
}

/**
 * The formats that weights are quantised to: w = scale * code (+ minimum). What checkpoints store in up to 8 bits goes into
 * one of them, or of superBlocks.ts, without being rounded again (keep.ts). Each backend packs them in a layout of its own.
 */
export const QUANTIZED: Readonly<Record<QuantizedDType, QuantizedFormat>> = {
  q8: { bits: 8, group: 32, lowest: -128, hasMinimum: false },
  q4: { bits: 4, group: 32, lowest: -8, hasMinimum: false },
  q4nl: { bits: 4, group: 32, lowest: -127, hasMinimum: false, levels: IQ4_LEVELS },
  q4m: { bits: 4, group: 32, lowest: 0, hasMinimum: true },
  q5m: { bits: 5, group: 32, lowest: 0, hasMinimum: true },
  q6m: { bits: 6, group: 16, lowest: 0, hasMinimum: true },
};

export type QuantizedDType = Exclude<WeightDType, 'f32' | 'f16' | SuperBlockDType>;

export function isQuantized(dtype: WeightDType): dtype is QuantizedDType {
  return Object.hasOwn(QUANTIZED, dtype);
}

/** Rows of a quantised weight are a whole number of so many values. */
export const GROUP = 32;

/** Bytes that a value takes in a format, with its share of scale and minimum. */
export function bytesPerValue(dtype: WeightDType): number {
  if (isSuperBlock(dtype)) return SUPER_BLOCKS[dtype].bits / 8 + SUPER_BLOCK_FACTOR_BYTES / SUPER_BLOCK_VALUES;
  if (!isQuantized(dtype)) return dtype === 'f32' ? 4 : 2;
  const { bits, group, hasMinimum } = QUANTIZED[dtype];
  return bits / 8 + (hasMinimum ? 4 : 2) / group;
}

const LARGEST_F16 = 65504;
/** The largest magnitude that a weight may have in each format: f16 values, scales and minima must not become infinite. */
export const LARGEST_WEIGHT: Readonly<Record<WeightDType, number>> = {
  f32: Infinity,
  f16: LARGEST_F16,
  q8: 127 * LARGEST_F16,
  q4: 8 * LARGEST_F16,
  q4nl: 127 * LARGEST_F16,
  q4m: LARGEST_F16,
  q4k: Infinity,
  q5m: LARGEST_F16,
  q5k: Infinity,
  q6m: LARGEST_F16,
};

/** Rows in a quantised format. */
export interface QuantizedRows {
  /** One per value. */
  readonly codes: Int8Array;
  /** f16 bits, one per group. */
  readonly scales: Uint16Array;
  /** f16 bits, one per group; empty where the format has none. */
  readonly minima: Uint16Array;
}

/** Room for `values` values. */
export function emptyRows(values: number, dtype: QuantizedDType): QuantizedRows {
  const { group, hasMinimum } = QUANTIZED[dtype];
  const groups = values / group;
  return {
    codes: new Int8Array(values),
    scales: new Uint16Array(groups),
    minima: new Uint16Array(hasMinimum ? groups : 0),
  };
}

/** Quantises rows (a multiple of GROUP values), group by group. */
export function quantize(x: Float32Array, dtype: QuantizedDType, into: QuantizedRows): void {
  if (dtype === 'q4') quantizeQ4(x, into.codes, into.scales);
  else if (dtype === 'q8') quantizeQ8(x, into.codes, into.scales);
  else if (dtype === 'q4nl') quantizeLevels(x, into.codes, into.scales);
  else quantizeWithMinimum(x, dtype, into);
}

/** The values that codes, scales and minima stand for. Exact in f32: an f16 times a code of 8 bits, then one sum. */
export function dequantizeRows({ codes, scales, minima }: QuantizedRows, dtype: QuantizedDType): Float32Array {
  const { group, hasMinimum } = QUANTIZED[dtype];
  return Float32Array.from(codes, (code, i) => {
    const at = Math.floor(i / group);
    const product = f16ToF32(scales[at]!) * code;
    return hasMinimum ? product + f16ToF32(minima[at]!) : product;
  });
}

/**
 * scale = f16(max|w| over the group, with its sign, / -8), as llama.cpp's Q4_0: the value of largest magnitude is hit
 * exactly by -8.
 */
function quantizeQ4(x: Float32Array, codes: Int8Array, scales: Uint16Array): void {
  for (let group = 0, at = 0; at < x.length; group++, at += GROUP) {
    const bits = f32ToF16(extremeOf(x, at) / -8);
    scales[group] = bits;
    const scale = f16ToF32(bits);
    const inverse = scale === 0 ? 0 : 1 / scale;
    for (let i = at; i < at + GROUP; i++) {
      const value = Math.floor(x[i]! * inverse + 0.5);
      codes[i] = value < -8 ? -8 : value > 7 ? 7 : value;
    }
  }
}

/** The first of the values of largest magnitude in the group at `at`. */
function extremeOf(x: Float32Array, at: number): number {
  let extreme = 0;
  for (let i = at; i < at + GROUP; i++) if (Math.abs(x[i]!) > Math.abs(extreme)) extreme = x[i]!;
  return extreme;
}

/** scale = f16(max|w| over the group, with its sign, / the lowest level), codes the nearest levels. */
function quantizeLevels(x: Float32Array, codes: Int8Array, scales: Uint16Array): void {
  const middles = Array.from(IQ4_LEVELS.subarray(1), (level, i) => (level + IQ4_LEVELS[i]!) / 2);
  for (let group = 0, at = 0; at < x.length; group++, at += GROUP) {
    const bits = f32ToF16(extremeOf(x, at) / IQ4_LEVELS[0]!);
    scales[group] = bits;
    const scale = f16ToF32(bits);
    const inverse = scale === 0 ? 0 : 1 / scale;
    for (let i = at; i < at + GROUP; i++) {
      const value = x[i]! * inverse;
      let level = 0;
      while (level < middles.length && value >= middles[level]!) level++;
      codes[i] = IQ4_LEVELS[level]!;
    }
  }
}

/** scale = f16(max|w| / 127), codes in -127..127. */
function quantizeQ8(x: Float32Array, codes: Int8Array, scales: Uint16Array): void {
  for (let group = 0, at = 0; at < x.length; group++, at += GROUP) {
    let largest = 0;
    for (let i = at; i < at + GROUP; i++) largest = Math.max(largest, Math.abs(x[i]!));
    const bits = f32ToF16(largest / 127);
    scales[group] = bits;
    const scale = f16ToF32(bits);
    const inverse = scale === 0 ? 0 : 1 / scale;
    for (let i = at; i < at + GROUP; i++) {
      const value = Math.floor(x[i]! * inverse + 0.5);
      codes[i] = value < -127 ? -127 : value > 127 ? 127 : value;
    }
  }
}

/** minimum = f16(min w), scale = f16((max w - min w) / highest code), as llama.cpp's Q4_1. */
function quantizeWithMinimum(x: Float32Array, dtype: 'q4m' | 'q5m' | 'q6m', into: QuantizedRows): void {
  const { bits, group: length } = QUANTIZED[dtype];
  const highest = 2 ** bits - 1;
  for (let group = 0, at = 0; at < x.length; group++, at += length) {
    let least = x[at]!;
    let most = least;
    for (let i = at + 1; i < at + length; i++) {
      if (x[i]! < least) least = x[i]!;
      if (x[i]! > most) most = x[i]!;
    }
    into.scales[group] = f32ToF16((most - least) / highest);
    into.minima[group] = f32ToF16(least);
    const scale = f16ToF32(into.scales[group]!);
    const minimum = f16ToF32(into.minima[group]!);
    const inverse = scale === 0 ? 0 : 1 / scale;
    for (let i = at; i < at + length; i++) {
      const value = Math.floor((x[i]! - minimum) * inverse + 0.5);
      into.codes[i] = value < 0 ? 0 : value > highest ? highest : value;
    }
  }
}
