import { encodeLongStart, encodeLongText } from '../prompt/encodeText.ts';
import type { ChatMessage, ChatOptions } from '../tokenizer/chatTemplate.ts';
import type { Tokenizer } from '../tokenizer/tokenizer.ts';

/** Number of characters between two pauses: some milliseconds of work. */
const SLICE_CHARACTERS = 16_000;

/**
 * Encodes the texts of one request line by line, each distinct line once: a source that is measured, truncated and then
 * quoted in a message, or a conversation that is rendered again without its oldest messages, costs look-ups only. No
 * token crosses the tokenizer's lineBreak, so the ids are those of the whole text.
 */
export class LineEncoder {
  /** The ids of lines amid other text. */
  readonly #lines = new Map<string, readonly number[]>();
  /** The ids of lines at the start of a text or behind a special token, where some tokenizers add a space. */
  readonly #firstLines = new Map<string, readonly number[]>();

  readonly #tokenizer: Tokenizer;
  readonly #pause: () => Promise<unknown>;

  /** Long work awaits `pause` from time to time, and rejects when `pause` does. */
  constructor(tokenizer: Tokenizer, pause: () => Promise<unknown>) {
    this.#tokenizer = tokenizer;
    this.#pause = pause;
  }

  /** Encodes a text that stands amid other text. */
  async encode(text: string): Promise<number[]> {
    return this.#concat(this.#split(text), (line) => this.#line(line));
  }

  /** Counts the tokens of a text that stands amid other text; may be one off for a text that began a message. */
  async count(text: string): Promise<number> {
    let sum = 0;
    for (const line of this.#split(text)) {
      sum += (this.#lines.get(line) ?? this.#firstLines.get(line) ?? (await this.#line(line))).length;
    }
    return sum;
  }

  /** Encodes a conversation as Tokenizer.chat does, but in parts where its messages contain `mark`. */
  async chat(messages: readonly ChatMessage[], options: ChatOptions, mark: string): Promise<number[][]> {
    let ids: number[] = [];
    const all = [ids];
    const { leadingSpace } = this.#tokenizer;
    for (const part of this.#tokenizer.chatParts(messages, options)) {
      if (typeof part === 'number') {
        ids.push(part);
        continue;
      }
      for (const [i, text] of part.split(mark).entries()) {
        if (i > 0) all.push((ids = []));
        if (text === '') continue;
        const begins = leadingSpace === 'always' || (leadingSpace === 'first' && ids.length === 0);
        const encode = (line: string, n: number) => (begins && n === 0 ? this.#firstLine(line) : this.#line(line));
        append(ids, await this.#concat(this.#split(text), encode));
      }
    }
    return all;
  }

  #split(text: string): string[] {
    const { lineBreak } = this.#tokenizer;
    return lineBreak ? text.split(lineBreak) : [text];
  }

  async #concat(
    lines: readonly string[],
    encode: (line: string, index: number) => Promise<readonly number[]>,
  ): Promise<number[]> {
    const ids: number[] = [];
    let characters = 0;
    for (const [i, line] of lines.entries()) {
      append(ids, await encode(line, i));
      characters += line.length;
      if (characters < SLICE_CHARACTERS) continue;
      characters = 0;
      await this.#pause();
    }
    return ids;
  }

  async #line(line: string): Promise<readonly number[]> {
    return (
      this.#lines.get(line) ??
      this.#remember(this.#lines, line, await encodeLongText(this.#tokenizer, line, Infinity, this.#pause))
    );
  }

  async #firstLine(line: string): Promise<readonly number[]> {
    const known = this.#firstLines.get(line);
    if (known) return known;
    return this.#remember(this.#firstLines, line, await encodeLongStart(this.#tokenizer, line, this.#pause));
  }

  #remember(lines: Map<string, readonly number[]>, line: string, ids: readonly number[]): readonly number[] {
    lines.set(line, ids);
    return ids;
  }
}

function append(ids: number[], more: readonly number[]): void {
  for (const id of more) ids.push(id);
}
