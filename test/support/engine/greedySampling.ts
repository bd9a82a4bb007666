import type { SamplingDefaults } from '../../../engine/wire/protocol.ts';

/** The defaults of a model whose generation_config.json says nothing of sampling. */
export const GREEDY_SAMPLING: SamplingDefaults = { temperature: 0, topP: 0.95, topK: 0, minP: 0, repetitionPenalty: 1 };
