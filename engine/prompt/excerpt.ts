/** Code has 3 to 4 characters per token; where it has fewer, prefixExcerpt halves its window. */
const CHARACTERS_PER_TOKEN = 3;

export interface Window {
  readonly text: string;
  readonly ids: number[];
  /** Characters between it and the cursor. */
  readonly skipped: number;
}

/**
 * The end of `prefix` in at most `tokens` tokens. Its start stands still while the user types at the end: it lies on a
 * grid of half windows counted from the start of the file, moved on to the next line. Only when the text has grown by
 * half a window does it jump, and the cached prompt is computed anew.
 */
export function prefixExcerpt(prefix: string, tokens: number, encode: (text: string) => number[]): Window {
  for (let characters = tokens * CHARACTERS_PER_TOKEN; ; characters = Math.ceil(characters / 2)) {
    const text = prefix.slice(windowStart(prefix, characters));
    const ids = encode(text);
    if (ids.length <= tokens) return { text, ids, skipped: 0 };
    // A character has at most 4 bytes, a byte at most one token.
    if (characters * 4 <= tokens) return { text, ids: ids.slice(-tokens), skipped: 0 };
  }
}

function windowStart(text: string, characters: number): number {
  if (text.length <= characters) return 0;
  const step = Math.max(1, Math.floor(characters / 2));
  const start = Math.ceil((text.length - characters) / step) * step;
  const newline = text.indexOf('\n', start);
  if (newline >= 0 && newline < start + step / 2) return newline + 1;
  return isLowSurrogate(text, start) ? start + 1 : start;
}

/**
 * The beginning of `suffix` in at most `tokens` tokens, ending with a whole line where one ends in its second half.
 * What the line of the cursor still holds is left out where it is only closers: editors write and remove those while
 * the user types, and each change would cost the cached prompt. engine/completion/clean.ts removes them from the answer.
 */
export function suffixExcerpt(suffix: string, tokens: number, encode: (text: string) => number[]): Window {
  const skipped = /^[\s)\]}>"'`;,]*?(?=\n|$)/.exec(suffix)?.[0].length ?? 0;
  const rest = suffix.slice(skipped);
  if (rest.trim() === '') return { text: '', ids: [], skipped };
  const end = tokens * CHARACTERS_PER_TOKEN;
  const newline = rest.lastIndexOf('\n', end);
  const text = rest.length <= end ? rest : rest.slice(0, newline > end / 2 ? newline + 1 : end);
  return { text, ids: encode(text).slice(0, tokens), skipped };
}

/** Whether a cut in front of `index` would divide a character. */
export function isLowSurrogate(text: string, index: number): boolean {
  const code = text.charCodeAt(index);
  return code >= 0xdc00 && code <= 0xdfff;
}
