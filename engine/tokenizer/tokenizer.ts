import { Tokenizer as LibraryTokenizer } from '@huggingface/tokenizers';
import { z } from 'zod';
import { BadModel } from '../errors.ts';
import { type AddedToken, addedTokenSplitter } from './addedTokens.ts';
import { type ChatMessage, type ChatOptions, hideSpecials, renderChat, showSpecials } from './chatTemplate.ts';
import { tokenBytes } from './tokenBytes.ts';

/** Text <-> token ids of one model. Pure; shared by all sessions of the model. */
export interface Tokenizer {
  /** Plain text: `<|end|>` in it is seven characters, unless `specials` is set. `bos` adds the model's own start, if any. */
  encode(text: string, options?: { specials?: boolean; bos?: boolean }): number[];
  /** Whole text of ids; special tokens are left out unless `specials` is set. Broken UTF-8 becomes U+FFFD. */
  decode(ids: readonly number[], options?: { specials?: boolean }): string;
  /** UTF-8 bytes that a token adds to a running text; for a special token those of its name. Empty where unknown. */
  bytes(id: number): Uint8Array;
  /** Id of a special token by its name. */
  special(name: string): number | undefined;
  /** Ids of all special tokens. */
  readonly specialIds: ReadonlySet<number>;
  /** Ids after which the model has said all: those of generation_config.json, eos_token, and the chat's end marks. */
  readonly stopIds: ReadonlySet<number>;
  /** undefined where the model starts without. */
  readonly bosId: number | undefined;
  /** One more than the highest id. */
  readonly vocabSize: number;
  /** Texts are encoded as if a space stood before them, and after every special token; decode takes one away. */
  readonly addsLeadingSpace: boolean;
  readonly hasChatTemplate: boolean;
  /** Text of a conversation by the model's chat template. Throws BadModel where the template is missing or fails. */
  renderChat(messages: readonly ChatMessage[], options: ChatOptions): string;
  /** As renderChat, in ids. Messages and `prefill` are plain text: they cannot end their turn. */
  chat(messages: readonly ChatMessage[], options: ChatOptions): number[];
}

export interface TokenizerFiles {
  /** Parsed tokenizer.json. */
  readonly tokenizerJson: unknown;
  /** Parsed tokenizer_config.json; {} where the folder has none. */
  readonly tokenizerConfig: unknown;
  /** eos_token_id of generation_config.json (or config.json). */
  readonly generationStopIds?: readonly number[];
  /** chat_template.jinja, for models that keep it beside tokenizer_config.json. */
  readonly chatTemplate?: string;
}

const NONE = new Uint8Array(0);

/** What ends an answer even where generation_config.json forgets it (phi-3-vision names only 2). */
const END_MARKS = ['<|endoftext|>', '<|end|>', '<|assistant|>', '<|user|>', '<|system|>', '</s>'];

/**
 * Reads a byte-pair tokenizer. Throws BadModel with one sentence.
 *
 * @huggingface/tokenizers 0.2.0 computes normaliser, pre-tokeniser and merges. Two things are ours, since it differs
 * from the released tokenizers: cutting at added tokens (addedTokens.ts), and bytes -> text (its TextDecoder drops
 * U+FEFF at the start of a run of byte tokens).
 */
export function createTokenizer(files: TokenizerFiles): Tokenizer {
  const json = parse('tokenizer.json', tokenizerSchema, files.tokenizerJson);
  const config = parse('tokenizer_config.json', configSchema, files.tokenizerConfig);
  const library = build(json);
  const added = json.added_tokens;
  const split = addedTokenSplitter(added);
  const names = new Map(added.map((token) => [token.content, token.id]));
  const specials = new Set(added.map((token) => token.id));
  const bytes = tokenBytes(json);
  const addsLeadingSpace = library.normalizer?.normalize('x') === '\u2581x';
  const bos = tokenName(config.bos_token);
  const bosId = (config.add_bos_token ?? startsWithToken(json.post_processor, bos)) ? names.get(bos ?? '') : undefined;
  const plain = plainEncoder(library);
  const template = files.chatTemplate ?? chatTemplate(config.chat_template);

  const encodeSpecials = (text: string) =>
    split(text).flatMap((part) => (typeof part === 'number' ? [part] : plain(showSpecials(part))));
  const decode = (ids: readonly number[], options: { specials?: boolean } = {}) => {
    const kept = options.specials ? ids : ids.filter((id) => !specials.has(id));
    const text = new TextDecoder('utf-8', { ignoreBOM: true }).decode(concat(kept.map((id) => bytes[id] ?? NONE)));
    return addsLeadingSpace && text.startsWith(' ') ? text.slice(1) : text;
  };
  const render = (messages: readonly ChatMessage[], options: ChatOptions) => {
    if (template === undefined) throw new BadModel('This model has no chat template.');
    return renderChat(template, messages, {
      ...options,
      bosToken: bos ?? '',
      eosToken: tokenName(config.eos_token) ?? '',
    });
  };
  const eos = [tokenName(config.eos_token) ?? '', ...END_MARKS].map((name) => names.get(name));
  return {
    encode: (text, options = {}) => [
      ...(options.bos && bosId !== undefined ? [bosId] : []),
      ...(options.specials ? encodeSpecials(text) : plain(text)),
    ],
    decode,
    bytes: (id) => bytes[id] ?? NONE,
    special: (name) => names.get(name),
    specialIds: specials,
    stopIds: new Set([...(files.generationStopIds ?? []), ...eos.filter((id) => id !== undefined)]),
    bosId,
    vocabSize: bytes.length,
    addsLeadingSpace,
    hasChatTemplate: template !== undefined,
    renderChat: render,
    chat(messages, options) {
      const hidden = messages.map((message) => ({ ...message, content: hideSpecials(message.content, names.keys()) }));
      return encodeSpecials(render(hidden, options) + hideSpecials(options.prefill ?? '', names.keys()));
    },
  };
}

/** Encodes text without added tokens. */
function plainEncoder(library: LibraryTokenizer): (text: string) => number[] {
  const model = library.model!;
  // Where no token holds a newline, no merge crosses one. Then lines are encoded on their own, and the library's cache
  // of pieces (10,000, under 256 characters) makes the unchanged lines of the next keystroke's prompt free.
  const byLine = !library.pre_tokenizer && !model.vocab.some((token) => token.length > 1 && token.includes('\n'));
  return (text) => {
    if (text === '') return [];
    const normal = library.normalizer ? library.normalizer.normalize(text) : text;
    const pieces = library.pre_tokenizer
      ? library.pre_tokenizer.pre_tokenize([normal])
      : byLine
        ? normal.split(/(\n)/).filter((piece) => piece !== '')
        : [normal];
    return model._call(pieces).map((token) => model.tokens_to_ids.get(token) ?? model.unk_token_id!);
  };
}

function build(json: TokenizerJson): LibraryTokenizer {
  try {
    return new LibraryTokenizer(json, {});
  } catch (error) {
    throw new BadModel(`tokenizer.json cannot be used: ${error instanceof Error ? error.message : String(error)}.`);
  }
}

function concat(parts: readonly Uint8Array[]): Uint8Array {
  const all = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return all;
}

const isObject = (value: unknown): value is object => typeof value === 'object' && value !== null;
/** Vocabularies have 100,000 entries: looked at once, with a plain loop. */
const vocabulary = z.custom<Record<string, number>>(
  (value) => isObject(value) && Object.values(value).every((id) => Number.isInteger(id) && id >= 0 && id < 1 << 24),
  'must map every token to its id',
);
const merges = z.custom<string[] | [string, string][]>(
  (value) => Array.isArray(value) && value.every((m) => (typeof m === 'string' ? m.includes(' ') : m?.length === 2)),
  'must be a list of pairs',
);
const part = z.looseObject({ type: z.string() }).nullable().default(null);
const tokenizerSchema = z.looseObject({
  model: z.looseObject({ type: z.literal('BPE').default('BPE'), vocab: vocabulary, merges }),
  added_tokens: z.array(
    z.looseObject({
      id: z.int().nonnegative(),
      content: z.string().min(1),
      lstrip: z.boolean().default(false),
      rstrip: z.boolean().default(false),
    }),
  ) satisfies z.ZodType<AddedToken[]>,
  normalizer: part,
  pre_tokenizer: part,
  post_processor: part,
  decoder: part,
});
export type TokenizerJson = z.infer<typeof tokenizerSchema>;

const token = z.union([z.string(), z.looseObject({ content: z.string() })]).nullish();
const configSchema = z.looseObject({
  bos_token: token,
  eos_token: token,
  add_bos_token: z.boolean().nullish(),
  chat_template: z.union([z.string(), z.array(z.object({ name: z.string(), template: z.string() }))]).nullish(),
});

function parse<T extends z.ZodType>(file: string, schema: T, value: unknown): z.infer<T> {
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  const issue = parsed.error.issues[0]!;
  throw new BadModel(`${file} is not one that can be used: ${issue.path.join('.') || 'the file'}: ${issue.message}.`);
}

function tokenName(value: z.infer<typeof token>): string | undefined {
  return typeof value === 'string' ? value : value?.content;
}

function chatTemplate(value: z.infer<typeof configSchema>['chat_template']): string | undefined {
  return typeof value === 'string' ? value : value?.find((entry) => entry.name === 'default')?.template;
}

/** Whether a TemplateProcessing post-processor puts `name` before a single text. */
function startsWithToken(postProcessor: TokenizerJson['post_processor'], name: string | undefined): boolean {
  const single = postProcessor?.['single'];
  return Array.isArray(single) && single[0]?.SpecialToken?.id === name;
}
