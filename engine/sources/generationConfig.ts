import * as z from 'zod';
import { BadModel } from '../errors.ts';
import type { SamplingDefaults } from '../wire/protocol.ts';

/** The part of generation_config.json that the engine uses. */
export interface GenerationConfig {
  /** Tokens that end a text. */
  readonly stopIds: readonly number[];
  /** Texts that end an answer, for chat templates that are not made of special tokens. */
  readonly stopStrings: readonly string[];
  /** How the model's makers sample answers. */
  readonly sampling: SamplingDefaults;
}

/** Values of transformers where the file samples but does not name them. */
const SAMPLED = { temperature: 1, topP: 1, topK: 50 };
/** Greedy, as transformers without `do_sample`. Top-p matters once the user sets a temperature. */
const GREEDY = { temperature: 0, topP: 0.95, topK: 0 };

const texts = z.custom<string | string[]>(
  (value) => [value].flat().every((text) => typeof text === 'string' && text !== ''),
  'neither a text nor a list of texts',
);
/** As in transformers; a top-k of 0 means all tokens. */
const number = (least: number, most: number) => {
  const problem = `not a number from ${least} to ${most}`;
  return z.number(problem).min(least, problem).max(most, problem).nullish();
};
const schema = z.object({
  eos_token_id: z.union([z.int(), z.array(z.int())], 'neither a number nor a list of numbers').nullish(),
  stop_strings: texts.nullish(),
  do_sample: z.boolean('neither true nor false').nullish(),
  temperature: number(0, 10),
  top_p: number(0, 1),
  top_k: z.int('not a whole number from 0').min(0, 'not a whole number from 0').nullish(),
  min_p: number(0, 1),
  repetition_penalty: number(0.1, 10),
});

/** Checks the parsed generation_config.json; undefined stands for a model without one. Throws BadModel. */
export function parseGenerationConfig(json: unknown): GenerationConfig {
  const parsed = schema.safeParse(json ?? {});
  if (!parsed.success) {
    const { path, message } = parsed.error.issues[0]!;
    throw new BadModel(`generation_config.json: ${path.join('.') || 'the file'} is ${message}.`);
  }
  const { eos_token_id: ids, stop_strings: strings } = parsed.data;
  return { stopIds: [ids ?? []].flat(), stopStrings: [strings ?? []].flat(), sampling: samplingOf(parsed.data) };
}

/** transformers ignores temperature, top-k and top-p without `do_sample`, but not the repetition penalty. */
function samplingOf(config: z.output<typeof schema>): SamplingDefaults {
  const { do_sample: samples, temperature, top_p: topP, top_k: topK, min_p: minP, repetition_penalty } = config;
  const repetitionPenalty = repetition_penalty ?? 1;
  if (!samples) return { ...GREEDY, minP: 0, repetitionPenalty };
  return {
    temperature: temperature ?? SAMPLED.temperature,
    // transformers keeps at least one token at a top-p of 0, which top-k 1 does too.
    topP: topP || SAMPLED.topP,
    topK: topP === 0 ? 1 : (topK ?? SAMPLED.topK),
    minP: minP ?? 0,
    repetitionPenalty,
  };
}
