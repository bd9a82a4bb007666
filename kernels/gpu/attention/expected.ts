import { PAGE_TOKENS, type AttentionOptions } from '../../ops.ts';
import { visibleBlock, visibleBlocks } from '../../sparsity.ts';
import type { HardPage } from './hardPages.ts';

export interface Attended {
  readonly q: Float32Array;
  readonly pages: readonly HardPage[];
  /** Tokens that are stored, those that ask included, and which of them the first of those is. */
  readonly stored: number;
  readonly length: number;
  readonly options: AttentionOptions;
}

/** What a head of a token sees in f64, and how far f32 may be off. */
export interface ExpectedRow {
  readonly values: Float64Array;
  readonly allowed: Float64Array;
}

/** Rounding of f32: a unit in the last place, since devices may cut. */
const UNIT = 2 ** -23;
/** Units that exp(x) may be off by in WGSL: EXP_UNITS + 2 |x|. */
const EXP_UNITS = 3;
/** Roundings of a score beside those of its sum, of a rescaled sum by unit of keys, and of a result. */
const SCORE_ROUNDINGS = 8;
const RESCALE_ROUNDINGS = EXP_UNITS + 2;
const RESULT_ROUNDINGS = 16;

/** softmax(scale q k^T) v of a head of the `token`-th row of q, and the errors that f32 makes at worst in whatever order it adds. */
export function expectedRow({ q, pages, stored, length, options }: Attended, token: number, head: number): ExpectedRow {
  const { heads, kvHeads, headDim, scale } = options;
  const kvHead = Math.floor((head * kvHeads) / heads);
  const query = q.subarray((token * heads + head) * headDim, (token * heads + head + 1) * headDim);
  const rowOf = (position: number, kind: 'keys' | 'values'): Float32Array => {
    const row = kvHead * PAGE_TOKENS + (position % PAGE_TOKENS);
    return pages[Math.floor(position / PAGE_TOKENS)]![kind].subarray(row * headDim, (row + 1) * headDim);
  };
  const seen = positionsSeen({ stored, options }, length + token, head);
  const scores = seen.map((position) => {
    const key = rowOf(position, 'keys');
    let sum = 0;
    let magnitude = 0;
    query.forEach((value, dim) => {
      sum += value * key[dim]!;
      magnitude += Math.abs(value * key[dim]!);
    });
    return { score: scale * sum, error: (headDim + SCORE_ROUNDINGS) * UNIT * scale * magnitude };
  });
  const largest = scores.reduce((most, { score }) => Math.max(most, score), -Infinity);
  const weights = scores.map(({ score }) => Math.exp(score - largest));
  const total = weights.reduce((a, b) => a + b, 0);
  // Of each weight, as a share of it. The largest score is subtracted in steps, each of which is an exp and a product.
  const steps = Math.ceil(stored / 16) + 2;
  const errors = scores.map(({ score, error }) => {
    const units = RESCALE_ROUNDINGS * steps + 6 * (largest - score) + 2 * (Math.abs(score) + Math.abs(largest));
    return Math.expm1(error + units * UNIT);
  });
  const totalError = weights.reduce((sum, weight, i) => sum + (weight / total) * errors[i]!, 0);
  const adding = 2 * (seen.length + RESULT_ROUNDINGS) * UNIT;
  const values = new Float64Array(headDim);
  const allowed = new Float64Array(headDim).fill(1e-30); // Weights below the smallest f32 count as none.
  seen.forEach((position, i) => {
    const share = weights[i]! / total;
    const error = share * ((errors[i]! + totalError) / Math.max(1e-3, 1 - totalError) + adding);
    rowOf(position, 'values').forEach((value, dim) => {
      values[dim]! += share * value;
      allowed[dim]! += error * Math.abs(value);
    });
  });
  return { values, allowed };
}

function positionsSeen(
  { stored, options }: Pick<Attended, 'stored' | 'options'>,
  asking: number,
  head: number,
): number[] {
  const { sparsity, window, bidirectional } = options;
  const last = bidirectional ? stored - 1 : asking;
  const from = Math.max(0, asking + 1 - window);
  const seen: number[] = [];
  if (!sparsity) {
    for (let position = from; position <= last; position++) seen.push(position);
    return seen;
  }
  const { blockTokens } = sparsity;
  const visible = visibleBlocks(Math.floor(asking / blockTokens), head, sparsity);
  for (let i = 0; i < visible.count; i++) {
    const start = visibleBlock(visible, i, sparsity) * blockTokens;
    for (let position = Math.max(start, from); position < Math.min(start + blockTokens, last + 1); position++)
      seen.push(position);
  }
  return seen;
}
