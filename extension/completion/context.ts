/** The text around the cursor that goes to the engine, which cuts it to its token budget. Pure. */

export interface Around {
  readonly prefix: string;
  readonly suffix: string;
}

/** Offsets of the document between which text is sent. */
export interface Span {
  readonly start: number;
  readonly end: number;
}

/** Code has 3 to 4 characters per token. */
const CHARS_PER_TOKEN = 4;
/** Far above what a small model's prompt holds, and no work to send. */
const LEAST_CHARS = 64_000;
/** Half a megabyte takes some milliseconds to copy and send at a key. */
const MOST_CHARS = 512_000;
/** Of a larger document, up to three quarters precede the cursor, one follows it; the start moves by whole quarters. */
const QUARTERS = 4;

/**
 * What is sent of a document of `length` characters for a cursor at `offset`: the whole where the model's window could
 * hold it. Else a part whose start stands still while one types, so that the engine's cache holds.
 */
export function sentSpan(length: number, offset: number, contextLength: number): Span {
  const chars = Math.min(MOST_CHARS, Math.max(LEAST_CHARS, contextLength * CHARS_PER_TOKEN));
  if (length <= chars) return { start: 0, end: length };
  const quarter = Math.floor(chars / QUARTERS);
  const start = Math.max(0, Math.floor(offset / quarter) - (QUARTERS - 1)) * quarter;
  return { start, end: Math.min(length, offset + quarter) };
}

/** `before` and `after` as the engine takes them. A prefix that is cut begins at a line; lines end in "\n". */
export function around(before: string, after: string, isCut: boolean): Around {
  const start = isCut ? before.indexOf('\n') + 1 : 0;
  return { prefix: unixLines(before.slice(start)), suffix: unixLines(after) };
}

const unixLines = (text: string): string => text.replaceAll('\r\n', '\n');
