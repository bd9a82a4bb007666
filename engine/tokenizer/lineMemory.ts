/** Enough for the largest windows: 128,000 tokens are some 12,000 lines of code. About 12 MB when full. */
const MOST_LINES = 32_768;
/** Longer ones are seldom code. */
const LONGEST_LINE = 500;

/**
 * After a newline that only blanks and then something else follow. Neither tokenizer makes a token across it: phi-3's
 * vocabularies have none, and cl100k's pattern ends every match at the last newline of white space.
 */
export const LINE_START = /(?<=\n)(?=[ \t]*\P{White_Space})/u;

/**
 * `encode` line by line, remembering what it gave: the unchanged lines of the next keystroke's prompt are free. For
 * tokenizers in which no token crosses LINE_START.
 */
export function rememberLines(encode: (line: string) => number[]): (text: string) => number[] {
  const known = new Map<string, number[]>();
  return (text) =>
    text.split(LINE_START).flatMap((line) => {
      const before = known.get(line);
      if (before) return before;
      const own = copy(line);
      const ids = encode(own);
      if (known.size >= MOST_LINES) known.clear();
      if (own.length <= LONGEST_LINE) known.set(own, ids);
      return ids;
    });
}

/** A part of a string keeps the whole string in memory: here, every prompt there ever was. */
function copy(text: string): string {
  return Buffer.from(text, 'utf16le').toString('utf16le');
}
