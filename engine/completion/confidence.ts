/** Whether the model means what it writes. Ghost text that is noise is worse than none. */

/** A first token below 8 % is a guess among many. */
const LEAST_FIRST_LOGPROB = Math.log(0.08);
/** Mean over the tokens of a line. */
const LEAST_LINE_LOGPROB = Math.log(0.4);

/** Collects tokens as they come. Tokens that a constraint forced are not judged. */
export class Confidence {
  private readonly tokens: { readonly start: number; readonly logprob: number }[] = [];

  /** A token whose characters begin at `start` of the text. False where nothing good can follow. */
  add(start: number, logprob: number): boolean {
    this.tokens.push({ start, logprob });
    return this.tokens.length > 1 || logprob >= LEAST_FIRST_LOGPROB;
  }

  /** The leading lines of `text` that the model was sure of. */
  sureLines(text: string): string {
    let from = 0;
    for (const line of text.split('\n')) {
      const to = from + line.length + 1;
      const logprobs = this.tokens.filter(({ start }) => start >= from && start < to).map(({ logprob }) => logprob);
      const mean = logprobs.reduce((sum, value) => sum + value, 0) / Math.max(1, logprobs.length);
      if (mean < LEAST_LINE_LOGPROB) return text.slice(0, Math.max(0, from - 1));
      from = to;
    }
    return text;
  }
}
