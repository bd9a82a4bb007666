import { BadRequest } from './errors.ts';
import type { Sampling } from './generation.ts';
import { mulberry32 } from './random.ts';

/** Tokens that the repetition penalty looks back on. */
const PENALTY_TOKENS = 64;

/**
 * Draws token ids from logits. In this order: repetition penalty, temperature, top-k, top-p, min-p, then one seeded
 * draw; the same seed and logits give the same ids. Temperature 0 is greedy.
 */
export class Sampler {
  private readonly random: () => number;

  constructor(private readonly sampling: Sampling) {
    const { temperature, topP = 1, topK = 1, minP = 0, repetitionPenalty = 1 } = sampling;
    require(temperature >= 0 && temperature <= 10, `temperature ${temperature} is not within 0 and 10`);
    require(topP > 0 && topP <= 1, `top-p ${topP} is not within 0 and 1`);
    require(Number.isInteger(topK) && topK >= 1, `top-k ${topK} is not a whole number from 1`);
    require(minP >= 0 && minP <= 1, `min-p ${minP} is not within 0 and 1`);
    require(repetitionPenalty > 0, `repetition penalty ${repetitionPenalty} is not above 0`);
    this.random = mulberry32(sampling.seed);
  }

  /** logits: (vocabulary), -Infinity for tokens that are not allowed; `context` are the tokens so far. */
  pick(logits: Float32Array, context: readonly number[]): number {
    const penalised = this.penalise(logits, context);
    const { temperature, topK = Infinity, topP = 1, minP = 0 } = this.sampling;
    let candidates = rank(penalised, temperature === 0 ? 1 : topK);
    if (candidates.length === 1) return candidates[0]!;
    const largest = penalised[candidates[0]!]!;
    const weights = candidates.map((id) => Math.exp((penalised[id]! - largest) / temperature));
    const count = Math.min(countForTopP(weights, topP), weights.findLastIndex((weight) => weight >= minP) + 1);
    candidates = candidates.slice(0, count);
    let left = this.random() * weights.slice(0, count).reduce((a, b) => a + b, 0);
    const index = candidates.findIndex((_, i) => (left -= weights[i]!) < 0);
    return candidates[index < 0 ? candidates.length - 1 : index]!;
  }

  /** As CTRL (arXiv 1909.05858): logits of recent tokens are divided by the penalty where positive, else multiplied. */
  private penalise(logits: Float32Array, context: readonly number[]): Float32Array {
    const { repetitionPenalty = 1 } = this.sampling;
    if (repetitionPenalty === 1) return logits;
    const y = logits.slice();
    for (const id of new Set(context.slice(-PENALTY_TOKENS))) {
      y[id] = y[id]! > 0 ? y[id]! / repetitionPenalty : y[id]! * repetitionPenalty;
    }
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

/** Ids of finite logits, largest first (lowest id on ties), at most `count`. */
function rank(logits: Float32Array, count: number): number[] {
  const ids: number[] = [];
  for (let id = 0; id < logits.length; id++) if (logits[id]! > -Infinity) ids.push(id);
  ids.sort((a, b) => logits[b]! - logits[a]! || a - b);
  return ids.slice(0, count);
}

/** How many of the leading weights it takes to reach the share topP of their sum. */
function countForTopP(weights: readonly number[], topP: number): number {
  const goal = topP * weights.reduce((a, b) => a + b, 0);
  let sum = 0;
  const last = weights.findIndex((weight) => (sum += weight) >= goal);
  return last < 0 ? weights.length : last + 1;
}

function require(ok: boolean, message: string): void {
  if (!ok) throw new BadRequest(`${message[0]!.toUpperCase()}${message.slice(1)}.`);
}
