import type { Language } from './languages.ts';

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
