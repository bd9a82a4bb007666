/** The text around the cursor that goes to the engine, which cuts it to its token budget. Pure. */

export interface Around {
  readonly prefix: string;
  readonly suffix: string;
}

/** Far above any token budget in use, far below what would be slow to copy and send at every key. */
const PREFIX_CHARS = 48_000;
export const SUFFIX_CHARS = 16_000;
/** The start moves in steps of this, so that the engine sees the same beginning, and its cache holds, while one types. */
const STEP_CHARS = 16_000;

/** Offset from which the text before a cursor at `offset` is read. */
export function prefixStart(offset: number): number {
  return Math.max(0, Math.floor((offset - PREFIX_CHARS) / STEP_CHARS) * STEP_CHARS);
}

/** `before` from prefixStart, `after` of SUFFIX_CHARS. A prefix that is cut begins at a line; lines end in "\n". */
export function around(before: string, after: string, isCut: boolean): Around {
  const start = isCut ? before.indexOf('\n') + 1 : 0;
  return { prefix: unixLines(before.slice(start)), suffix: unixLines(after) };
}

const unixLines = (text: string): string => text.replaceAll('\r\n', '\n');
