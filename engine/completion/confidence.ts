/** What a token adds to the text, and the natural logarithm of its probability. */
export interface WrittenToken {
  readonly text: string;
  readonly logprob: number;
}

/** Further lines of a block are shown as far as the mean over the tokens of each is no lower. */
const LEAST_LINE_LOGPROB = Math.log(0.4);

/**
 * Judges whether the model is sure of its text, since noise is worse than no ghost text. The first line is shown as far
 * as the model gives all of it at least the probability `least`, the product over its tokens.
 */
export class Confidence {
  readonly #leastLogprob: number;
  readonly #tokens: WrittenToken[] = [];
  /** Of the first line so far. */
  #logprob = 0;
  #line = 0;

  constructor(least: number) {
    this.#leastLogprob = Math.log(least);
  }

  /** Returns false where the model is guessing, so that nothing further will be shown. */
  add(token: WrittenToken): boolean {
    this.#tokens.push(token);
    // A break without text before it is no part of the line.
    if (this.#line === 0 && !token.text.startsWith('\n')) this.#logprob += token.logprob;
    if (token.text.includes('\n')) this.#line++;
    return !this.unsure;
  }

  /** Whether the model is guessing at the end of the first line. */
  get unsure(): boolean {
    return this.#logprob < this.#leastLogprob;
  }

  /** The beginning of the text that the model is sure of. No word in it is cut. */
  sureText(): string {
    const text = this.#tokens.map((token) => token.text).join('');
    if (!this.unsure) return this.#sureLines(text);
    const unsure = this.#tokens.at(-1)!.text;
    const sure = text.slice(0, text.length - unsure.length);
    const whole = /^[\p{L}\p{N}_$]/u.test(unsure) ? sure.replace(/[\p{L}\p{N}_$]+$/u, '') : sure;
    return /[\p{L}\p{N}]/u.test(whole) ? whole.trimEnd() : '';
  }

  #sureLines(text: string): string {
    const lines = text.split('\n');
    const logprobs = lines.map((): number[] => []);
    let line = 0;
    for (const token of this.#tokens) {
      logprobs[line]!.push(token.logprob);
      line += token.text.split('\n').length - 1;
    }
    const unsure = logprobs.findIndex((all, i) => i > 0 && mean(all) < LEAST_LINE_LOGPROB);
    return unsure < 0 ? text : lines.slice(0, unsure).join('\n');
  }
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / Math.max(1, values.length);
}
