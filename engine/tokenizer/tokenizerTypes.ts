import type { ChatMessage, ChatOptions } from './chatTemplate.ts';

/** 'first': a text at the very start; 'always': also each text behind a special token. */
export type LeadingSpace = 'never' | 'first' | 'always';

/** Converts between text and token ids of one model. All sessions of the model share it. */
export interface Tokenizer {
  /**
   * Encodes plain text: `<|end|>` in it is seven characters, unless `specials` is set. With `bos`, the ids begin with the
   * model's start token, if it has one. With `continues`, the text follows other text: no space is put before it.
   */
  encode(text: string, options?: { specials?: boolean; bos?: boolean; continues?: boolean }): number[];
  /** Decodes ids. Special tokens are omitted unless `specials` is set. Invalid UTF-8 becomes U+FFFD. */
  decode(ids: readonly number[], options?: { specials?: boolean }): string;
  /** The UTF-8 bytes that a token adds to a text; for a special token those of its name. Empty for unknown ids. */
  bytes(id: number): Uint8Array;
  /** The id of the special token with this name. */
  special(name: string): number | undefined;
  /** Ids of tokens that belong to no text. Others may have a name and be text, such as `<think>`. */
  readonly specialIds: ReadonlySet<number>;
  /** Ids that end a text: those of generation_config.json, the tokenizer's own, and the end marks of chats. */
  readonly stopIds: ReadonlySet<number>;
  /** Id of the start token; undefined where texts begin without one. */
  readonly bosId: number | undefined;
  /** One more than the highest id. */
  readonly vocabSize: number;
  /** Which texts are encoded as if a space stood before them. decode removes one. */
  readonly leadingSpace: LeadingSpace;
  /** A place between lines where a text may be cut without changing its ids; undefined where none is known. */
  readonly lineBreak: RegExp | undefined;
  readonly hasChatTemplate: boolean;
  /** Whether the model was trained to chat: its files have a template, or its vocabulary marks that only such models have. */
  readonly isChatModel: boolean;
  /** Renders a conversation with the model's chat template. Throws BadModel where the template is missing or fails. */
  renderChat(messages: readonly ChatMessage[], options: ChatOptions): string;
  /** Renders and encodes a conversation. Messages and `prefill` are plain text, so they cannot end their own turn. */
  chat(messages: readonly ChatMessage[], options: ChatOptions): number[];
  /** As `chat`, but returns special tokens and the texts between them, which are still to be encoded. */
  chatParts(messages: readonly ChatMessage[], options: ChatOptions): (number | string)[];
  /** Frees memory outside of the JavaScript heap. The tokenizer cannot be used afterwards; a second call does nothing. */
  dispose(): void;
}
