/**
 * Stands for the tokenizer of a server's model, which is not on this machine: its ids are pieces of text, about as long
 * as tokens are. So the rules for prompts (engine/chat, engine/completion, engine/prompt) count with estimates, and the
 * prompt that they build can be read as the text that is sent.
 */
import type { ChatMessage, ChatOptions } from '../../engine/tokenizer/chatTemplate.ts';
import type { Tokenizer } from '../../engine/tokenizer/tokenizer.ts';

/**
 * Words in pieces of five letters, digits and signs one by one, each word or sign with the space before it; line breaks
 * with the indentation behind them. Of code and English this makes up to a third more than tokenizers make
 * (test/extension/remote/textTokenizer.test.ts).
 */
const PIECE = / ?[A-Za-z][a-z]{0,4}|[0-9]|\n[ \t]*|[ \t]+(?=[ \t])|\p{L}| ?[^\p{L}\p{N}\s]|\s|[^]/gu;

/** A turn of a conversation, as a special token. */
const ROLES = ['system', 'user', 'assistant'] as const;

/** A prompt as it is sent. */
export type TextPrompt =
  | { readonly kind: 'text'; readonly text: string }
  | { readonly kind: 'chat'; readonly messages: readonly ChatMessage[] };

export class TextTokenizer implements Tokenizer {
  readonly specialIds: ReadonlySet<number>;
  readonly stopIds: ReadonlySet<number> = new Set();
  readonly bosId = undefined;
  /** No token is known to be part of a longer one, so nothing is healed. */
  readonly vocabSize = 0;
  readonly leadingSpace = 'never';
  readonly lineBreak = /(?<=\n)(?=\S)/u;
  readonly hasChatTemplate = true;
  readonly isChatModel: boolean;
  readonly #texts: string[];
  readonly #ids = new Map<string, number>();

  /** `marks` are the model's own, for filling in. */
  constructor({ isChatModel, marks = [] }: { isChatModel: boolean; marks?: readonly string[] }) {
    this.isChatModel = isChatModel;
    this.#texts = [...ROLES, ...marks];
    this.specialIds = new Set(this.#texts.keys());
  }

  encode(text: string): number[] {
    return (text.match(PIECE) ?? []).map((piece) => this.idOf(piece));
  }

  decode(ids: readonly number[], { specials = false } = {}): string {
    return ids.map((id) => (specials || !this.specialIds.has(id) ? (this.#texts[id] ?? '') : '')).join('');
  }

  bytes(id: number): Uint8Array {
    return new TextEncoder().encode(this.#texts[id] ?? '');
  }

  special(name: string): number | undefined {
    const id = this.#texts.indexOf(name, ROLES.length);
    return this.specialIds.has(id) ? id : undefined;
  }

  /** The id of a piece of any length, such as a server has written. */
  idOf(piece: string): number {
    let id = this.#ids.get(piece);
    if (id === undefined) {
      id = this.#texts.push(piece) - 1;
      this.#ids.set(piece, id);
    }
    return id;
  }

  renderChat(messages: readonly ChatMessage[]): string {
    return messages.map(({ role, content }) => `${role}\n${content}\n`).join('');
  }

  chat(messages: readonly ChatMessage[], options: ChatOptions): number[] {
    return this.chatParts(messages, options).flatMap((part) => (typeof part === 'number' ? [part] : this.encode(part)));
  }

  chatParts(messages: readonly ChatMessage[], { prefill = '' }: ChatOptions): (number | string)[] {
    const begun = prefill === '' ? [] : [{ role: 'assistant' as const, content: prefill }];
    return [...messages, ...begun].flatMap(({ role, content }) => [ROLES.indexOf(role), content]);
  }

  /** The prompt as text, in which `plain` is applied to everything but the model's marks. */
  prompt(ids: readonly number[], plain: (text: string) => string): TextPrompt {
    const turns: { role: (typeof ROLES)[number]; ids: number[] }[] = [];
    for (const id of ids) {
      const role = ROLES[id];
      if (role) turns.push({ role, ids: [] });
      else turns.at(-1)?.ids.push(id);
    }
    if (turns.length > 0) {
      return { kind: 'chat', messages: turns.map(({ role, ids }) => ({ role, content: plain(this.decode(ids)) })) };
    }
    let text = '';
    let piece: number[] = [];
    for (const id of [...ids, -1]) {
      if (id >= 0 && !this.specialIds.has(id)) {
        piece.push(id);
        continue;
      }
      text += plain(this.decode(piece)) + (this.#texts[id] ?? '');
      piece = [];
    }
    return { kind: 'text', text };
  }

  dispose(): void {}
}
