/** What a tokenizer does, whatever it is made from. Types only. */
import type { ChatMessage, ChatOptions } from './chatTemplate.ts';

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
