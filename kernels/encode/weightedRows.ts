import { check } from '../check.ts';
import { STORED, storedBytes } from '../stored/storedTypes.ts';
import type { WeightedGroup } from './leastSquares.ts';
import { encodeQ4K } from './q4K.ts';
import { encodeQ4_1 } from './q4_1.ts';

const ENCODERS = {
  Q4_1: encodeQ4_1,
  Q4_K: encodeQ4K,
} satisfies Record<string, (group: WeightedGroup, into: Uint8Array) => void>;

/** A stored type that can be encoded by weighted least squares. */
export type WeightedType = keyof typeof ENCODERS;

/** The type with the fewest bits that holds rows of so many values: 4.5 per value, or 5 where they are no blocks of Q4_K. */
export function weightedType(columns: number): WeightedType {
  return columns % STORED.Q4_K.blockValues === 0 ? 'Q4_K' : 'Q4_1';
}

export interface WeightedRowsOptions {
  readonly type: WeightedType;
  /** Values of a row: a whole number of blocks. */
  readonly columns: number;
  /**
   * One number per column: how much an error in it matters, for example the mean square of the inputs that are multiplied
   * with it. Without it all columns matter alike.
   */
  readonly importance?: Float32Array | undefined;
}

/** Encodes rows of finite values as a checkpoint stores them in the type, with small weighted squared errors. */
export function encodeWeightedRows(
  rows: Float32Array,
  { type, columns, importance }: WeightedRowsOptions,
): Uint8Array<ArrayBuffer> {
  const { blockValues, blockBytes } = STORED[type];
  check(
    columns % blockValues === 0 && rows.length % columns === 0,
    () => `encodeWeightedRows: ${rows.length} values in rows of ${columns} as ${type}`,
  );
  check(
    !importance || importance.length === columns,
    () => `encodeWeightedRows: ${importance!.length} importances of ${columns} columns`,
  );
  const bytes = new Uint8Array(storedBytes(rows.length, type));
  const group = { values: new Float64Array(blockValues), weights: new Float64Array(blockValues) };
  for (let at = 0, block = 0; at < rows.length; at += blockValues, block += blockBytes) {
    group.values.set(rows.subarray(at, at + blockValues));
    const column = at % columns;
    setWeights(group, importance?.subarray(column, column + blockValues));
    ENCODERS[type](group, bytes.subarray(block, block + blockBytes));
  }
  return bytes;
}

/** Large values count more, beside small ones a little: a model is most sensitive to those. */
function setWeights({ values, weights }: WeightedGroup, importance: Float32Array | undefined): void {
  let squares = 0;
  for (const value of values) squares += value * value;
  const mean = squares / values.length;
  for (let i = 0; i < values.length; i++) {
    const value = values[i]!;
    weights[i] = importance ? importance[i]! * Math.sqrt(mean + value * value) : Math.sqrt(mean) + Math.abs(value);
  }
}
