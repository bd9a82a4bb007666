import type { MetadataReader } from './metadataReader.ts';

/** Tokens that end a text by the metadata, each absent where the model has none. */
const STOP_KEYS = ['eos_token_id', 'eot_token_id', 'eom_token_id'].map((name) => `tokenizer.ggml.${name}`);

/**
 * Marks of published models that end an answer. Files often name only one of them as the end, or store `<|end|>` as a
 * normal token; llama.cpp goes by these texts too.
 */
const STOP_MARKS = new Set([
  ...['<|end|>', '<|im_end|>', '<|eot_id|>', '<|eom_id|>', '<|endoftext|>', '<|end_of_text|>'],
]);

/** Sampling that the model's makers recommend, by its names in generation_config.json. */
const SAMPLING: readonly [key: string, name: string][] = [
  ['general.sampling.temp', 'temperature'],
  ['general.sampling.top_k', 'top_k'],
  ['general.sampling.top_p', 'top_p'],
  ['general.sampling.min_p', 'min_p'],
  ['general.sampling.penalty_repeat', 'repetition_penalty'],
];

/** What generation_config.json says, from the metadata. Throws BadModel. */
export function translateGeneration(reader: MetadataReader): Record<string, unknown> {
  const tokens = reader.get('tokenizer.ggml.tokens');
  const marks = Array.isArray(tokens)
    ? [...tokens.entries()].filter(([, text]) => STOP_MARKS.has(text as string)).map(([id]) => id)
    : [];
  const stopIds = new Set([...STOP_KEYS.flatMap((key) => reader.count(key) ?? []), ...marks]);
  const sampling = SAMPLING.flatMap(([key, name]) => {
    const value = reader.number(key);
    return value === undefined ? [] : [[name, value] as const];
  });
  const samples = sampling.some(([name]) => name === 'temperature');
  return { eos_token_id: [...stopIds], ...Object.fromEntries(sampling), ...(samples && { do_sample: true }) };
}
