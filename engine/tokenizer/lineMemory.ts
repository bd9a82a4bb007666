/** Enough for the longest contexts: 128,000 tokens are about 12,000 lines of code. Takes about 12 MB when full. */
const MOST_LINES = 32_768;
/** Longer lines are rarely code. */
const LONGEST_LINE = 500;

/**
 * The position after a newline that is followed by only blanks and then something else. These tokenizers make no token
 * across it: phi-3's vocabularies contain none, and cl100k's pattern ends every match at the last newline of white space.
 */
export const LINE_START = /(?<=\n)(?=[ \t]*\P{White_Space})/u;

/** The same for o200k's pattern, which takes newlines and slashes behind other signs together. */
export const LINE_START_NO_SLASH = /(?<=\n)(?!\/)(?=[ \t]*\P{White_Space})/u;

/**
 * The end of a line. GPT-2's pattern takes a newline and all but the last blank of the next line's indentation together,
 * but nothing that is no white space with the newline behind it.
 */
export const LINE_END = /(?<=\P{White_Space})(?=\r?\n)/u;

/**
 * Encodes line by line and caches the ids, so that unchanged lines of the next keystroke's prompt cost nothing. For
 * tokenizers in which no token crosses `lineBreak`.
 */
export function rememberLines(lineBreak: RegExp, encode: (line: string) => number[]): (text: string) => number[] {
  const known = new Map<string, number[]>();
  return (text) =>
    text.split(lineBreak).flatMap((line) => {
      const before = known.get(line);
      if (before) return before;
      const own = copy(line);
      const ids = encode(own);
      if (known.size >= MOST_LINES) known.clear();
      if (own.length <= LONGEST_LINE) known.set(own, ids);
      return ids;
    });
}

/** Copies a string, since a substring would keep the whole prompt in memory. */
function copy(text: string): string {
  return Buffer.from(text, 'utf16le').toString('utf16le');
}
