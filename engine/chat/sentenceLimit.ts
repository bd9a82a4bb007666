/** Abbreviations do not end a sentence, and a number with a full stop begins an item of a list. */
export const SENTENCE_END = /(?<!\b(?:e\.g|i\.e|etc|vs|z\.B|d\.h)|^\s*\d+)[.!?]["')”*]*$/i;
export const FENCE = /^\s*(```|~~~)/;

/** Ends a growing answer behind a number of sentences. What stands in code blocks does not count. */
export class SentenceLimit {
  #left: number;
  #line = '';
  #inCode = false;

  constructor(sentences: number) {
    this.#left = sentences;
  }

  get reached(): boolean {
    return this.#left === 0;
  }

  /** Appends a piece of text. Returns what of it belongs to the answer. */
  push(piece: string): string {
    if (this.#left === Infinity) return piece;
    for (let i = 0; i < piece.length; i++) {
      if (this.reached) return piece.slice(0, i);
      const character = piece[i]!;
      if (/\s/.test(character) && !this.#inCode && SENTENCE_END.test(this.#line)) {
        this.#left--;
        if (this.reached) return piece.slice(0, i);
      }
      if (character === '\n') {
        if (FENCE.test(this.#line)) this.#inCode = !this.#inCode;
        this.#line = '';
      } else this.#line += character;
    }
    return this.reached ? '' : piece;
  }
}
