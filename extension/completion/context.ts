/** The text around the cursor that goes to the engine, which cuts it to its token budget. Pure. */

export interface Around {
  readonly prefix: string;
  readonly suffix: string;
}

/** Far above any token budget in use, far below what would be slow to send at every key. */
const PREFIX_CHARS = 48_000;
const SUFFIX_CHARS = 16_000;
/** The start moves in steps of this, so that the engine sees the same beginning, and its cache holds, while one types. */
const STEP_CHARS = 16_000;

/** Cuts `text` around `offset`, the start at a line and in steps. Lines end in "\n", as models know them. */
export function around(text: string, offset: number): Around {
  const cut = Math.max(0, Math.floor((offset - PREFIX_CHARS) / STEP_CHARS) * STEP_CHARS);
  const lineEnd = cut === 0 ? -1 : text.indexOf('\n', cut);
  const start = lineEnd < 0 || lineEnd >= offset ? cut : lineEnd + 1;
  return {
    prefix: unixLines(text.slice(start, offset)),
    suffix: unixLines(text.slice(offset, offset + SUFFIX_CHARS)),
  };
}

const unixLines = (text: string): string => text.replaceAll('\r\n', '\n');
