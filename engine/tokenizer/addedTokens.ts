export interface AddedToken {
  readonly id: number;
  readonly content: string;
  /** Whether the token absorbs the white space before it, and after it. */
  readonly lstrip: boolean;
  readonly rstrip: boolean;
  /** False for tokens that are part of texts, such as `<think>`. */
  readonly special: boolean;
}

/**
 * Splits text at added tokens, at the leftmost and then the longest. Parts are ids and non-empty plain text.
 *
 * This replaces the library's splitting. White space here is Unicode's White_Space, as in the Rust tokenizers of the
 * released models. JavaScript's trim() includes U+FEFF and excludes U+0085, which gives other ids.
 */
export function addedTokenSplitter(tokens: readonly AddedToken[]): (text: string) => (number | string)[] {
  if (tokens.length === 0) return (text) => (text === '' ? [] : [text]);
  const byContent = new Map(tokens.map((token) => [token.content, token]));
  const longestFirst = [...byContent.keys()].sort((a, b) => b.length - a.length);
  const pattern = new RegExp(
    longestFirst.map((content) => content.replace(/[\\^$.*+?()[\]{}|]/g, '\\$&')).join('|'),
    'gu',
  );
  return (text) => {
    const parts: (number | string)[] = [];
    let at = 0;
    for (const match of text.matchAll(pattern)) {
      if (match.index < at) continue; // Inside white space that the previous token has absorbed.
      const token = byContent.get(match[0])!;
      const end = token.lstrip ? spaceStart(text, at, match.index) : match.index;
      if (end > at) parts.push(text.slice(at, end));
      parts.push(token.id);
      at = match.index + match[0].length;
      if (token.rstrip) at = spaceEnd(text, at);
    }
    if (at < text.length) parts.push(text.slice(at));
    return parts;
  };
}

const WHITE_SPACE = /\p{White_Space}/u;

/**
 * Where the white space begins that ends at `end`, not before `start`. A regular expression that ends in `$` would try
 * each gap in the text, in a time that grows with the square of its length.
 */
export function spaceStart(text: Pick<string, 'charAt'>, start: number, end: number): number {
  let at = end;
  while (at > start && WHITE_SPACE.test(text.charAt(at - 1))) at--;
  return at;
}

/** Where the white space ends that begins at `start`. */
function spaceEnd(text: string, start: number): number {
  let at = start;
  while (at < text.length && WHITE_SPACE.test(text.charAt(at))) at++;
  return at;
}
