import { MAX_F32 } from '../../kernels/ops.ts';
import { BadRequest } from '../errors.ts';
import type { Sampling } from './generationTypes.ts';
import { mulberry32 } from './random.ts';

/**
 * Number of most likely tokens that are read back to draw from. Measured on 1024 positions in code with the starter model
 * and top-p 0.95: 256 candidates are too few at temperature 0.5 never, at 0.7 in 3 % and at 1 in 38 % of the positions;
 * 64 candidates in 2, 19 and 55 %.
 */
const CANDIDATES = 256;

/** Tokens whose logit is this far below the largest, at temperature 1, weigh less than 1e-6 of it. */
const FAR_BELOW = 14;

/** A row of ops.topK, most likely tokens first. */
export interface Candidates {
  readonly ids: Float32Array;
  readonly values: Float32Array;
  /** log(sum(exp(x - largest))) over the whole row, and the same for (x - largest) / temperature. */
  readonly logSum: number;
  readonly scaledLogSum: number;
}

/** Splits a row of ops.topK. */
export function candidatesOf(row: Float32Array): Candidates {
  const k = (row.length - 2) / 2;
  return {
    ids: row.subarray(0, k),
    values: row.subarray(k, 2 * k),
    logSum: row[2 * k]!,
    scaledLogSum: row[2 * k + 1]!,
  };
}

/**
 * Draws token ids from logits. In this order: repetition penalty, temperature, top-k, top-p, min-p, then one seeded
 * draw; the same seed and logits give the same ids. Temperature 0 is greedy.
 */
export class Sampler {
  readonly #random: () => number;
  /** Tokens that the repetition penalty applies to: those of the first #penalisedLength of the context. */
  readonly #penalised = new Set<number>();
  #penalisedLength = 0;

  readonly #sampling: Sampling;

  constructor(sampling: Sampling) {
    this.#sampling = sampling;

    const { temperature, topP = 1, topK = 1, minP = 0, repetitionPenalty = 1 } = sampling;
    require(temperature >= 0 && temperature <= 10, `temperature ${temperature} is not within 0 and 10`);
    require(topP > 0 && topP <= 1, `top-p ${topP} is not within 0 and 1`);
    require(Number.isInteger(topK) && topK >= 1, `top-k ${topK} is not a whole number from 1`);
    require(minP >= 0 && minP <= 1, `min-p ${minP} is not within 0 and 1`);
    require(repetitionPenalty > 0, `repetition penalty ${repetitionPenalty} is not above 0`);
    this.#random = mulberry32(sampling.seed);
  }

  /**
   * logits: (vocabulary), -Infinity for tokens that are not allowed; the first `length` of `context` are the tokens so
   * far, which begin with those of the call before.
   */
  pick(logits: Float32Array, context: readonly number[], length = context.length): number {
    const penalised = this.#penalise(logits, context, length);
    const likeliest = indexOfLargest(penalised);
    if (this.#most === 1) return likeliest;
    const largest = penalised[likeliest]!;
    const { temperature, topP = 1, minP = 0 } = this.#sampling;
    if (this.#most === Infinity && topP === 1 && minP === 0) return this.#drawFromAll(penalised, largest);
    // Most draws end among few tokens: all are put in order only where those do not suffice.
    for (const least of [largest - FAR_BELOW * temperature, -Infinity]) {
      const ids = rank(penalised, this.#most, least);
      const all = ids.length === this.#most || least === -Infinity;
      if (!all && this.#most < Infinity) continue;
      const weights = this.#weigh(ids.map((id) => penalised[id]!));
      const total = all ? sum(weights) : sumOfWeights(penalised, largest, temperature);
      const drawable = this.#cut(weights, total) ?? (all ? weights : null);
      if (drawable) return ids[this.#draw(drawable)]!;
    }
    throw new Error('no logit is a number');
  }

  /**
   * The parameters of ops.topK for pickFrom. undefined where whole rows are needed: without a cut; with a top-k beyond the
   * candidates, whose sum is neither theirs nor the row's; and with a penalty, which changes order and sums.
   */
  get candidates(): { readonly k: number; readonly inverseTemperature: number } | undefined {
    const { temperature, topP = 1, minP = 0, repetitionPenalty = 1 } = this.#sampling;
    const cuts = this.#most <= CANDIDATES || (this.#most === Infinity && (topP < 1 || minP > 0));
    if (repetitionPenalty !== 1 || !cuts) return undefined;
    return { k: Math.min(this.#most, CANDIDATES), inverseTemperature: Math.min(1 / temperature, MAX_F32) };
  }

  /**
   * The index of the candidate that pick would draw from the whole row; null where other tokens may be drawn too, as in a
   * flat distribution. (The kernel sums the row in f32, so a top-p that ends very close to a token may differ.)
   */
  pickFrom(candidates: Candidates): number | null {
    const drawable = this.#drawable(candidates);
    return drawable && this.#draw(drawable);
  }

  /** Whether pickFrom returns an index. */
  suffices(candidates: Candidates): boolean {
    return this.#drawable(candidates) !== null;
  }

  #drawable({ values, scaledLogSum }: Candidates): number[] | null {
    const weights = this.#weigh([...values].filter((value) => value > -Infinity));
    const all = this.#most <= CANDIDATES || weights.length < CANDIDATES;
    return this.#cut(weights, all ? sum(weights) : Math.exp(scaledLogSum)) ?? (all ? weights : null);
  }

  get #most(): number {
    const { temperature, topK = Infinity } = this.#sampling;
    return temperature === 0 ? 1 : topK;
  }

  /** Weights of values in descending order, relative to the first. */
  #weigh(values: readonly number[]): number[] {
    if (values.length === 1) return [1];
    return values.map((value) => Math.exp((value - values[0]!) / this.#sampling.temperature));
  }

  /** The leading weights that top-p (a share of `total`) and min-p keep; null where neither cuts among these. */
  #cut(weights: readonly number[], total: number): number[] | null {
    const { topP = 1, minP = 0 } = this.#sampling;
    const goal = topP < 1 ? topP * total : Infinity;
    let reached = 0;
    for (const [i, weight] of weights.entries()) {
      if (weight < minP) return weights.slice(0, i);
      reached += weight;
      if (reached >= goal) return weights.slice(0, i + 1);
    }
    return null;
  }

  #draw(weights: readonly number[]): number {
    let left = this.#random() * sum(weights);
    const index = weights.findIndex((weight) => (left -= weight) < 0);
    return index < 0 ? weights.length - 1 : index;
  }

  /** Without a cut, the order of the tokens does not matter. */
  #drawFromAll(logits: Float32Array, largest: number): number {
    const { temperature } = this.#sampling;
    let left = this.#random() * sumOfWeights(logits, largest, temperature);
    const index = logits.findIndex((value) => (left -= Math.exp((value - largest) / temperature)) < 0);
    return index < 0 ? indexOfLargest(logits) : index;
  }

  /**
   * As in CTRL (arXiv 1909.05858) and transformers, divides the logits of all tokens so far, those of the prompt
   * included, by the penalty where they are positive, and multiplies them where not.
   */
  #penalise(logits: Float32Array, context: readonly number[], length: number): Float32Array {
    const { repetitionPenalty = 1 } = this.#sampling;
    if (repetitionPenalty === 1) return logits;
    for (; this.#penalisedLength < length; this.#penalisedLength++) {
      const id = context[this.#penalisedLength]!;
      // A negative id is a position of an image.
      if (id >= 0) this.#penalised.add(id);
    }
    const y = logits.slice();
    for (const id of this.#penalised) y[id] = y[id]! > 0 ? y[id]! / repetitionPenalty : y[id]! * repetitionPenalty;
    return y;
  }
}

/** log(sum(exp(values))), computed without overflow. */
export function logSumExp(values: Float32Array): number {
  let largest = -Infinity;
  for (const value of values) if (value > largest) largest = value;
  let total = 0;
  for (const value of values) total += Math.exp(value - largest);
  return largest + Math.log(total);
}

/** At most `count` ids of finite logits from `least` on, largest first; on ties the lowest id comes first. */
function rank(logits: Float32Array, count: number, least: number): number[] {
  const ids: number[] = [];
  for (let id = 0; id < logits.length; id++) if (logits[id]! >= least && logits[id]! > -Infinity) ids.push(id);
  // Numbers without a comparison function sort some twenty times as fast: minus the logit's rank among f32, then the id.
  const keys = Float64Array.from(ids, (id) => id - ordinal(logits[id]!) * logits.length);
  return Array.from(keys.sort().subarray(0, count), (key) => ((key % logits.length) + logits.length) % logits.length);
}

const one = new Float32Array(1);
const bits = new Int32Array(one.buffer);
/** A whole number below 2^31 in size that is larger for a larger f32, and equal for equal ones. */
function ordinal(value: number): number {
  one[0] = value;
  return bits[0]! < 0 ? -(bits[0]! & 0x7fffffff) : bits[0]!;
}

/** The sum of exp((x - largest) / temperature). */
function sumOfWeights(logits: Float32Array, largest: number, temperature: number): number {
  let total = 0;
  for (const value of logits) total += Math.exp((value - largest) / temperature);
  return total;
}

/** On ties the lowest index. */
export function indexOfLargest(values: Float32Array): number {
  let best = 0;
  for (let i = 1; i < values.length; i++) if (values[i]! > values[best]!) best = i;
  return best;
}

function sum(values: readonly number[]): number {
  return values.reduce((a, b) => a + b, 0);
}

function require(ok: boolean, message: string): void {
  if (!ok) throw new BadRequest(`${message[0]!.toUpperCase()}${message.slice(1)}.`);
}
