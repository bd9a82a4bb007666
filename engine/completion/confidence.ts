/** Whether the model means what it writes. Ghost text that is noise is worse than none. */

/** A first token below 8 % is a guess among many. */
const LEAST_FIRST_LOGPROB = Math.log(0.08);
/** Mean over the tokens of a line. */
const LEAST_LINE_LOGPROB = Math.log(0.4);
/** So many tokens of a line show whether the rest is worth the time. */
const TOKENS_TO_JUDGE = 8;

/** Collects log-probabilities as tokens come. Tokens that a constraint forced are not to be added. */
export class Confidence {
  readonly #lines: number[][] = [];
  #first: number | undefined;

  /** A token that begins in line `line` of the text. False where the model goes on guessing. */
  add(line: number, logprob: number): boolean {
    const tokens = (this.#lines[line] ??= []);
    tokens.push(logprob);
    this.#first ??= logprob;
    if (this.#first < LEAST_FIRST_LOGPROB) return false;
    return tokens.length < TOKENS_TO_JUDGE || mean(tokens) >= LEAST_LINE_LOGPROB;
  }

  /** The leading lines of `text` that the model was sure of; lines without added tokens count as sure. */
  sureLines(text: string): string {
    const lines = text.split('\n');
    const unsure = lines.findIndex((_, i) => mean(this.#lines[i] ?? []) < LEAST_LINE_LOGPROB);
    return unsure < 0 ? text : lines.slice(0, unsure).join('\n');
  }
}

function mean(logprobs: readonly number[]): number {
  return logprobs.reduce((sum, value) => sum + value, 0) / Math.max(1, logprobs.length);
}
