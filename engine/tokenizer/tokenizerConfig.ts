import { z } from 'zod';
import { BadModel } from '../errors.ts';

/** The settings of a model folder for texts, beside the vocabulary. */
export interface TextSettings {
  /** Parsed tokenizer_config.json; {} where the folder has none. */
  readonly tokenizerConfig: unknown;
  /** eos_token_id of generation_config.json (or config.json). */
  readonly generationStopIds?: readonly number[];
  /** chat_template.jinja, for models that keep it beside tokenizer_config.json. */
  readonly chatTemplate?: string;
}

/** The settings that tokenizers use. */
export interface TokenizerConfig {
  readonly bosToken: string | undefined;
  readonly eosToken: string | undefined;
  /** Other tokens that end an answer: eot_token and eom_token, which stand for the ends of a turn and of a message. */
  readonly endTokens: readonly string[];
  /** Whether texts begin with bosToken; undefined where the file does not tell. */
  readonly addsBos: boolean | undefined;
  readonly chatTemplate: string | undefined;
  readonly generationStopIds: readonly number[];
}

/** Reads tokenizer_config.json. Throws BadModel, in one sentence. */
export function parseTokenizerConfig(settings: TextSettings): TokenizerConfig {
  const config = parseFile('tokenizer_config.json', configSchema, settings.tokenizerConfig);
  return {
    bosToken: tokenName(config.bos_token),
    eosToken: tokenName(config.eos_token),
    endTokens: [config.eot_token, config.eom_token].map(tokenName).filter((name) => name !== undefined),
    addsBos: config.add_bos_token ?? undefined,
    chatTemplate: settings.chatTemplate ?? chatTemplate(config.chat_template),
    generationStopIds: settings.generationStopIds ?? [],
  };
}

/** Validates the content of a file. Throws BadModel, in one sentence. */
export function parseFile<T extends z.ZodType>(file: string, schema: T, value: unknown): z.infer<T> {
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  const issue = parsed.error.issues[0]!;
  throw new BadModel(`${file} cannot be used: ${issue.path.join('.') || 'the file'}: ${issue.message}.`);
}

const token = z.union([z.string(), z.looseObject({ content: z.string() })]).nullish();
const configSchema = z.looseObject({
  bos_token: token,
  eos_token: token,
  eot_token: token,
  eom_token: token,
  add_bos_token: z.boolean().nullish(),
  chat_template: z.union([z.string(), z.array(z.object({ name: z.string(), template: z.string() }))]).nullish(),
});

function tokenName(value: z.infer<typeof token>): string | undefined {
  return typeof value === 'string' ? value : value?.content;
}

function chatTemplate(value: z.infer<typeof configSchema>['chat_template']): string | undefined {
  return typeof value === 'string' ? value : value?.find((entry) => entry.name === 'default')?.template;
}
