import type { Sampling } from '../inference/generationTypes.ts';
import type { ChatSampling, SamplingDefaults } from '../wire/protocol.ts';

/**
 * The sampling of an answer: the model's own defaults with what the call changes. undefined means greedy decoding, for
 * which the backend finds the most likely token itself.
 */
export function answerSampling(defaults: SamplingDefaults, asked: ChatSampling | undefined): Sampling | undefined {
  if (!asked) return undefined;
  const { seed, leastTemperature = 0, ...changes } = asked;
  const { temperature, topP, topK, minP, repetitionPenalty } = { ...defaults, ...changes };
  const used = Math.max(temperature, leastTemperature);
  if (used === 0 && repetitionPenalty === 1) return undefined;
  return { temperature: used, topP, ...(topK > 0 ? { topK } : {}), minP, repetitionPenalty, seed };
}
