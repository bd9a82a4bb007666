export interface AddedToken {
  readonly id: number;
  readonly content: string;
  /** The token swallows the white space before, after it. */
  readonly lstrip: boolean;
  readonly rstrip: boolean;
}

/**
 * Cuts text at added tokens: leftmost, then longest. Parts are ids and non-empty plain text.
 *
 * Ours, not the library's: white space is Unicode's White_Space here, as in the Rust tokenizers that made the released
 * models. JavaScript's trim() takes U+FEFF for white space and U+0085 not, which gives other ids.
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
      if (match.index < at) continue; // Inside white space that the token before has swallowed.
      const token = byContent.get(match[0])!;
      const before = text.slice(at, match.index);
      const kept = token.lstrip ? before.replace(/\p{White_Space}+$/u, '') : before;
      if (kept !== '') parts.push(kept);
      parts.push(token.id);
      at = match.index + match[0].length;
      if (token.rstrip) at += /^\p{White_Space}*/u.exec(text.slice(at))![0].length;
    }
    if (at < text.length) parts.push(text.slice(at));
    return parts;
  };
}
