import type { Ops, ReadBack, Tensor } from '../../kernels/ops.ts';

/**
 * What a step reads back of each row of logits. logits: all of it. argmax: (2), the likeliest id and its log-probability.
 * Candidates: a row of ops.topK, and the logits only where that does not suffice.
 */
export type Output = 'logits' | 'argmax' | CandidateOutput;

export interface CandidateOutput {
  readonly k: number;
  readonly inverseTemperature: number;
  readonly suffices: (row: Float32Array) => boolean;
}

/** Rows that were read back. */
export interface OutputRows {
  /** Row by row. */
  readonly values: Float32Array;
  /** Of candidates: for each row the logits, or null where the candidates of its step suffice. Otherwise empty. */
  readonly logits: readonly (Float32Array | null)[];
}

/** Inside a step, of its logits. */
export function recordOutput(ops: Ops, logits: Tensor, output: Output): Tensor | ReadBack {
  if (output === 'logits') return logits;
  if (output === 'argmax') return ops.argmax(logits);
  const candidates = ops.topK(logits, output.k, output.inverseTemperature);
  const needsLogits = (values: Float32Array): boolean => !rowsOf(values, logits.shape[0]!).every(output.suffices);
  return { candidates, needsLogits, logits };
}

/** What such a step has brought. */
export function outputRows(
  values: Float32Array,
  output: Output,
  { rows, vocabulary }: { rows: number; vocabulary: number },
): OutputRows {
  if (typeof output === 'string') return { values, logits: [] };
  const end = rows * (2 * Math.min(output.k, vocabulary) + 2);
  const logits = values.length > end ? rowsOf(values.subarray(end), rows) : new Array<null>(rows).fill(null);
  return { values: values.subarray(0, end), logits };
}

/** Views of equal parts. */
export function rowsOf(values: Float32Array, rows: number): Float32Array[] {
  const width = values.length / rows;
  return Array.from({ length: rows }, (_, row) => values.subarray(row * width, (row + 1) * width));
}
