import type { ImageRows } from '../models/decoder.ts';
import type { Prompt, PromptImage } from '../prompt/prompt.ts';

/** The tokens of one request: its prompt, followed by what `Session.extend` has appended. */
export class Sequence {
  readonly images: readonly PromptImage[];
  readonly #ids: number[];

  constructor({ ids, images }: Prompt) {
    this.#ids = Array.from(ids);
    this.images = images;
  }

  get ids(): readonly number[] {
    return this.#ids;
  }

  get length(): number {
    return this.#ids.length;
  }

  push(ids: readonly number[]): void {
    for (const id of ids) this.#ids.push(id);
  }

  /** Drops the tokens from position `length` on, such as a draft that was rejected. */
  truncate(length: number): void {
    this.#ids.length = Math.min(length, this.#ids.length);
  }

  /** The rows of image features that belong to the `count` positions from `start`. */
  imageRows(start: number, count: number): ImageRows[] {
    return this.images.flatMap(({ key, at, length }) => {
      const from = Math.max(at, start);
      const to = Math.min(at + length, start + count);
      return from < to ? [{ key, at: from - start, first: from - at, length: to - from }] : [];
    });
  }
}
