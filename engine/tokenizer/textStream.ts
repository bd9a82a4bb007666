import type { Tokenizer } from './tokenizer.ts';

export interface TextStreamOptions {
  /** Number of bytes at the start to skip: those that token healing makes the model write again. */
  readonly skipBytes?: number;
  /** Drops one space at the very start, as decode() does, for a text that follows a special token. */
  readonly dropLeadingSpace?: boolean;
}

/** Decodes token ids one by one. A character appears with its last byte. Special tokens show nothing. */
export class TextStream {
  readonly #decoder = new TextDecoder('utf-8', { ignoreBOM: true });
  #skip: number;
  #dropSpace: boolean;

  readonly #tokenizer: Tokenizer;

  constructor(tokenizer: Tokenizer, options: TextStreamOptions = {}) {
    this.#tokenizer = tokenizer;

    this.#skip = options.skipBytes ?? 0;
    this.#dropSpace = options.dropLeadingSpace ?? false;
  }

  /** Returns the characters that `id` completes, which may be none. */
  push(id: number): string {
    if (this.#tokenizer.specialIds.has(id)) return '';
    const bytes = this.#tokenizer.bytes(id);
    const shown = bytes.subarray(this.#skip);
    this.#skip -= bytes.length - shown.length;
    return this.#withoutSpace(this.#decoder.decode(shown, { stream: true }));
  }

  /** Ends the text. Returns U+FFFD where it stops inside a character, otherwise an empty text. */
  end(): string {
    return this.#decoder.decode();
  }

  #withoutSpace(text: string): string {
    if (!this.#dropSpace || text === '') return text;
    this.#dropSpace = false;
    return text.startsWith(' ') ? text.slice(1) : text;
  }
}
