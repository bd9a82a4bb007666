/** Offsets of a text that the parser could not read, or where it misses something (then both are the same). */
export interface SyntaxError {
  readonly start: number;
  readonly end: number;
}

/** Throws ParserFailed where the parser itself fails. */
export type FindErrors = (text: string) => readonly SyntaxError[];

/** A parser that has failed is not asked again. */
export class ParserFailed extends Error {}

/** The parsers of languages. */
export interface Syntax {
  /** Resolves with undefined where there is no parser for the language. */
  finderFor(languageId: string): Promise<FindErrors | undefined>;
}
