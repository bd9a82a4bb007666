import type { MetadataReader } from './metadataReader.ts';

/** Tokens that end a text, a turn and a message to a tool. The tokenizer knows further ones by their names. */
const STOP_KEYS = ['eos_token_id', 'eot_token_id', 'eom_token_id'].map((name) => `tokenizer.ggml.${name}`);

/** Sampling that the model's makers recommend, by its names in generation_config.json. */
const SAMPLING: readonly [key: string, name: string][] = [
  ['general.sampling.temp', 'temperature'],
  ['general.sampling.top_k', 'top_k'],
  ['general.sampling.top_p', 'top_p'],
  ['general.sampling.min_p', 'min_p'],
  ['general.sampling.penalty_repeat', 'repetition_penalty'],
];

/** The part of a parsed generation_config.json that says how answers are sampled; undefined stands for no file. */
export function samplingOf(json: unknown): Record<string, unknown> {
  const names = new Set(['do_sample', ...SAMPLING.map(([, name]) => name)]);
  return Object.fromEntries(Object.entries(json ?? {}).filter(([name]) => names.has(name)));
}

/** What generation_config.json says, from the metadata. Throws BadModel. */
export function translateGeneration(reader: MetadataReader): Record<string, unknown> {
  const stopIds = new Set(STOP_KEYS.flatMap((key) => reader.count(key) ?? []));
  const sampling = SAMPLING.flatMap(([key, name]) => {
    const value = reader.number(key);
    return value === undefined ? [] : [[name, value] as const];
  });
  const samples = sampling.some(([name]) => name === 'temperature');
  return { eos_token_id: [...stopIds], ...Object.fromEntries(sampling), ...(samples && { do_sample: true }) };
}
