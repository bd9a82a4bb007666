/** Code has 3 to 4 characters per token. Where it has fewer, prefixExcerpt halves its excerpt. */
const CHARACTERS_PER_TOKEN = 3;

/** The part of the text before or after the cursor that a prompt shows. */
export interface Excerpt {
  readonly text: string;
  readonly ids: number[];
  /** Number of characters between the excerpt and the cursor. */
  readonly skipped: number;
}

/**
 * The end of `prefix` in at most `tokens` tokens. Its start stays in place while the user types at the end: it lies on a
 * grid of half excerpts from the start of the file, moved on to the next line. It jumps only when the text has grown by
 * half an excerpt, and then the prompt must be computed again.
 */
export function prefixExcerpt(prefix: string, tokens: number, encode: (text: string) => number[]): Excerpt {
  for (let characters = tokens * CHARACTERS_PER_TOKEN; ; characters = Math.ceil(characters / 2)) {
    const text = prefix.slice(excerptStart(prefix, characters));
    const ids = encode(text);
    if (ids.length <= tokens) return { text, ids, skipped: 0 };
    // A character has at most 4 bytes, a byte at most one token.
    if (characters * 4 <= tokens) return { text, ids: ids.slice(-tokens), skipped: 0 };
  }
}

function excerptStart(text: string, characters: number): number {
  if (text.length <= characters) return 0;
  const step = Math.max(1, Math.floor(characters / 2));
  const start = Math.ceil((text.length - characters) / step) * step;
  const newline = text.indexOf('\n', start);
  if (newline >= 0 && newline < start + step / 2) return newline + 1;
  return isLowSurrogate(text, start) ? start + 1 : start;
}

/**
 * The beginning of `suffix` in at most `tokens` tokens, cut after a whole line where one ends in its second half. The rest
 * of the cursor's line is skipped where it consists of closers only: editors insert and remove those while the user types,
 * and each change would invalidate the cached prompt. engine/completion/clean.ts removes them from the answer.
 */
export function suffixExcerpt(suffix: string, tokens: number, encode: (text: string) => number[]): Excerpt {
  const skipped = /^[\s)\]}>"'`;,]*?(?=\n|$)/.exec(suffix)?.[0].length ?? 0;
  const rest = suffix.slice(skipped);
  if (rest.trim() === '') return { text: '', ids: [], skipped };
  const end = tokens * CHARACTERS_PER_TOKEN;
  const newline = rest.lastIndexOf('\n', end);
  const text = rest.length <= end ? rest : rest.slice(0, newline > end / 2 ? newline + 1 : end);
  return { text, ids: encode(text).slice(0, tokens), skipped };
}

/** Whether a cut before `index` would split a character. */
export function isLowSurrogate(text: string, index: number): boolean {
  const code = text.charCodeAt(index);
  return code >= 0xdc00 && code <= 0xdfff;
}
