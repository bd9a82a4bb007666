/** A first token with a probability below 8 % is a guess. */
const LEAST_FIRST_LOGPROB = Math.log(0.08);
/** The least mean over the tokens of a line. */
const LEAST_LINE_LOGPROB = Math.log(0.4);
/** Number of tokens of a line after which it is judged. */
const TOKENS_TO_JUDGE = 8;

/**
 * Judges from log-probabilities whether the model is sure of its text, since noise is worse than no ghost text. Tokens
 * that a constraint forced must not be added.
 */
export class Confidence {
  readonly #lines: number[][] = [];
  #first: number | undefined;

  /** Adds a token that begins in line `line` of the text. Returns false where the model is guessing. */
  add(line: number, logprob: number): boolean {
    const tokens = (this.#lines[line] ??= []);
    tokens.push(logprob);
    this.#first ??= logprob;
    if (this.#first < LEAST_FIRST_LOGPROB) return false;
    return tokens.length < TOKENS_TO_JUDGE || mean(tokens) >= LEAST_LINE_LOGPROB;
  }

  /** The leading lines of `text` that the model is sure of. Lines without added tokens count as sure. */
  sureLines(text: string): string {
    const lines = text.split('\n');
    const unsure = lines.findIndex((_, i) => mean(this.#lines[i] ?? []) < LEAST_LINE_LOGPROB);
    return unsure < 0 ? text : lines.slice(0, unsure).join('\n');
  }
}

function mean(logprobs: readonly number[]): number {
  return logprobs.reduce((sum, value) => sum + value, 0) / Math.max(1, logprobs.length);
}
