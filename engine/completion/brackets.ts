import type { SyntaxError } from '../syntax/findErrors.ts';
import type { Language } from '../prompt/languages.ts';
import { COMMENT, openLiteral } from './openLiteral.ts';

const CLOSERS: Readonly<Record<string, string>> = { '(': ')', '[': ']', '{': '}' };

/** Replaces strings and a comment at the end by spaces of the same length, so that only brackets of code remain. */
export function maskLiterals(line: string, language: Language): string {
  const comment = language.lineComment?.replace(/[*/.]/g, '\\$&');
  const literals = [
    '"(?:[^"\\\\]|\\\\.)*"',
    '`(?:[^`\\\\]|\\\\.)*`',
    language.singleQuotes ? "(?<!\\w)'(?:[^'\\\\]|\\\\.)*'" : "'(?:[^'\\\\]|\\\\.)'",
    ...(comment ? [`(?<![:\\w])${comment}.*`] : []),
  ];
  return line.replace(new RegExp(literals.join('|'), 'g'), (found) => ' '.repeat(found.length));
}

/** Number of opening minus closing brackets in masked code. */
export function depthOf(masked: string): number {
  let depth = 0;
  for (const character of masked) {
    if ('([{'.includes(character)) depth++;
    else if (')]}'.includes(character)) depth--;
  }
  return depth;
}

/** Offsets of the closing brackets in masked code whose opening brackets precede the code. */
export function unmatchedClosers(masked: string): number[] {
  const found: number[] = [];
  const open: string[] = [];
  for (let i = 0; i < masked.length; i++) {
    const character = masked[i]!;
    const closer = CLOSERS[character];
    if (closer) open.push(closer);
    else if (')]}'.includes(character)) {
      if (open.at(-1) === character) open.pop();
      else found.push(i);
    }
  }
  return found;
}

/** An opening bracket, and what closes it. */
export interface OpenBracket {
  readonly at: number;
  readonly closer: string;
}

/** The brackets outside of strings and comments that `text` leaves open, and where one or a string is closed wrongly. */
export function bracketsOf(text: string, language: Language): { open: OpenBracket[]; errors: SyntaxError[] } {
  const open: OpenBracket[] = [];
  const errors: SyntaxError[] = [];
  const wrong = (at: number): void => void errors.push({ start: at, end: at + 1 });
  const onCode = (at: number): void => {
    const character = text[at]!;
    const closer = CLOSERS[character];
    if (closer) open.push({ at, closer });
    else if (')]}'.includes(character)) {
      if (open.at(-1)?.closer === character) open.pop();
      else wrong(at);
    }
  };
  const literal = openLiteral(text, language, onCode, wrong);
  if (literal !== undefined && literal !== COMMENT) wrong(text.length);
  return { open, errors };
}

/** The errors that brackets and quotes show, for languages without a parser. */
export function bracketErrors(text: string, language: Language): SyntaxError[] {
  const { open, errors } = bracketsOf(text, language);
  return [...errors, ...open.map(({ at }) => ({ start: at, end: at + 1 }))];
}
