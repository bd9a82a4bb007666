import { BadModel } from '../errors.ts';
import type { ChatMessage, ChatOptions } from './chatTemplate.ts';
import { createTokenizer } from './hfTokenizer.ts';
import { createPhi3SmallTokenizer, VOCAB_SIZE } from './phi3SmallTokenizer.ts';

export { createTokenizer };

/** Text <-> token ids of one model. Shared by all sessions of the model. */
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
  /** As chat: special tokens, and the texts between them, which `encode` turns into the ids that chat gives. */
  chatParts(messages: readonly ChatMessage[], options: ChatOptions): (number | string)[];
  /** Frees what lies outside of the JavaScript heap. The tokenizer is of no use afterwards; a second call does nothing. */
  dispose(): void;
}

/** The files from which a tokenizer is made; a model may lack any of them. */
export interface TokenizerFiles {
  /** Parsed tokenizer.json. */
  readonly tokenizerJson?: unknown;
  /** Parsed tokenizer_config.json. */
  readonly tokenizerConfig?: unknown;
  /** Text of chat_template.jinja. */
  readonly chatTemplate?: string | undefined;
}

export interface TokenizedModel {
  readonly architecture: string;
  readonly vocabSize: number;
  /** eos_token_id of generation_config.json (or config.json). */
  readonly generationStopIds: readonly number[];
}

/**
 * Makes a model's tokenizer from tokenizer.json where it has one, otherwise phi-3-small's own where the architecture
 * asks for it. Resolves to null for a model that takes ids only. Rejects with BadModel, in one sentence. The caller
 * disposes the tokenizer.
 */
export async function readTokenizer(files: TokenizerFiles, model: TokenizedModel): Promise<Tokenizer | null> {
  const { tokenizerJson, tokenizerConfig, chatTemplate } = files;
  const texts = {
    tokenizerConfig: tokenizerConfig ?? {},
    generationStopIds: model.generationStopIds,
    ...(chatTemplate === undefined ? {} : { chatTemplate }),
  };
  if (tokenizerJson !== undefined) {
    const tokenizer = createTokenizer({ tokenizerJson, ...texts });
    checkVocabulary('tokenizer.json', tokenizer.vocabSize, model.vocabSize);
    return tokenizer;
  }
  if (model.architecture !== 'Phi3SmallForCausalLM') return null;
  // Without any file of a tokenizer, a smaller vocabulary is not the released one, and not meant to be text.
  if (tokenizerConfig === undefined && model.vocabSize < VOCAB_SIZE) return null;
  checkVocabulary("phi-3-small's tokenizer", VOCAB_SIZE, model.vocabSize);
  return createPhi3SmallTokenizer(texts);
}

/** Every id that the tokenizer makes must have a row in the embedding. */
function checkVocabulary(name: string, ids: number, vocabSize: number): void {
  if (ids > vocabSize)
    throw new BadModel(`${name} has ids up to ${ids - 1}; config.json says vocab_size ${vocabSize}.`);
}
