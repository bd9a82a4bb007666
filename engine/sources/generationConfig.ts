import * as z from 'zod';
import { BadModel } from '../errors.ts';

/** The part of generation_config.json that the engine uses. */
export interface GenerationConfig {
  /** Tokens that end a text. */
  readonly stopIds: readonly number[];
  /** Texts that end an answer, for chat templates that are not made of special tokens. */
  readonly stopStrings: readonly string[];
}

const texts = z.custom<string | string[]>(
  (value) => [value].flat().every((text) => typeof text === 'string' && text !== ''),
  'neither a text nor a list of texts',
);
const schema = z.object({
  eos_token_id: z.union([z.int(), z.array(z.int())], 'neither a number nor a list of numbers').nullish(),
  stop_strings: texts.nullish(),
});

/** Checks the parsed generation_config.json; undefined stands for a model without one. Throws BadModel. */
export function parseGenerationConfig(json: unknown): GenerationConfig {
  const parsed = schema.safeParse(json ?? {});
  if (!parsed.success) {
    const { path, message } = parsed.error.issues[0]!;
    throw new BadModel(`generation_config.json: ${path.join('.') || 'the file'} is ${message}.`);
  }
  const { eos_token_id: ids, stop_strings: strings } = parsed.data;
  return { stopIds: [ids ?? []].flat(), stopStrings: [strings ?? []].flat() };
}
