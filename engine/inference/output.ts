import type { Ops, ReadBack, Tensor } from '../../kernels/ops.ts';

/**
 * The values that a step reads back for each row of logits. 'logits': all of them. 'argmax': (2), the most likely id and
 * its log-probability. Candidates: a row of ops.topK, and the logits only where the candidates do not suffice.
 */
export type Output = 'logits' | 'argmax' | CandidateOutput;

export interface CandidateOutput {
  readonly k: number;
  readonly inverseTemperature: number;
  readonly suffices: (row: Float32Array) => boolean;
}

/** The rows that a step has read back. */
export interface OutputRows {
  /** The rows, one after the other. */
  readonly values: Float32Array;
  /** For candidates, the logits of each row, or null where the candidates of its step suffice. Otherwise empty. */
  readonly logits: readonly (Float32Array | null)[];
}

/** Records, inside a step, what is read back of its logits. */
export function recordOutput(ops: Ops, logits: Tensor, output: Output): Tensor | ReadBack {
  if (output === 'logits') return logits;
  if (output === 'argmax') return ops.argmax(logits);
  const candidates = ops.topK(logits, output.k, output.inverseTemperature);
  const needsLogits = (values: Float32Array): boolean => !rowsOf(values, logits.shape[0]!).every(output.suffices);
  return { candidates, needsLogits, logits };
}

/** Splits the values that such a step has read back. */
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

/** Views of `rows` equal parts of the values. */
export function rowsOf(values: Float32Array, rows: number): Float32Array[] {
  const width = values.length / rows;
  return Array.from({ length: rows }, (_, row) => values.subarray(row * width, (row + 1) * width));
}
