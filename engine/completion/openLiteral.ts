import type { Language } from '../prompt/languages.ts';

/** A longer text is judged from its last lines, as if no string was open before them. */
const CHARACTERS_LOOKED_AT = 200_000;
/** After these, and at the start of a line, a slash begins a regular expression. */
const BEFORE_REGEX = /(?:^|[(,=:[!&|?{};\n]|\breturn)[ \t]*$/;

/** The delimiter of a string, or '//' for a comment of any kind. */
export const COMMENT = '//';

/**
 * The delimiter of the string that is open at the end of `text`, which begins outside of strings; or COMMENT. Calls
 * `onCode` with the offset of each character outside of strings and comments, and `onCut` with that of a line end at
 * which a string ends that may not go on.
 */
export function openLiteral(
  text: string,
  language: Language,
  onCode: (at: number) => void = () => {},
  onCut: (at: number) => void = () => {},
): string | undefined {
  let open: string | undefined;
  let at = text.length > CHARACTERS_LOOKED_AT ? text.indexOf('\n', text.length - CHARACTERS_LOOKED_AT) + 1 : 0;
  while (at < text.length) {
    if (open === undefined) {
      const comment = commentAt(text, at, language);
      if (comment === undefined) return COMMENT;
      if (comment > at) at = comment;
      else {
        open = delimiterAt(text, at, language);
        const length = open?.length ?? literalAt(text, at, language);
        if (open === undefined && length === 1) onCode(at);
        at += length;
      }
    } else if (text[at] === '\\') at += 2;
    else if (text.startsWith(open, at)) {
      at += open.length;
      open = undefined;
    } else {
      if (text[at] === '\n' && !language.longQuotes.includes(open)) {
        onCut(at);
        open = undefined;
      }
      at++;
    }
  }
  return open;
}

/** Where a comment that begins at `at` ends, undefined if it does not; `at` where none begins. */
function commentAt(text: string, at: number, { lineComment }: Language): number | undefined {
  if (lineComment !== null && text.startsWith(lineComment, at) && !/[:\w]/.test(text[at - 1] ?? '')) {
    return endOf(text, '\n', at);
  }
  if (text.startsWith('/*', at) && lineComment !== '#') return endOf(text, '*/', at + 2);
  return text.startsWith('<!--', at) ? endOf(text, '-->', at + 4) : at;
}

function endOf(text: string, mark: string, from: number): number | undefined {
  const found = text.indexOf(mark, from);
  return found < 0 ? undefined : found + mark.length;
}

function delimiterAt(text: string, at: number, { longQuotes, singleQuotes }: Language): string | undefined {
  const long = longQuotes.find((quote) => text.startsWith(quote, at));
  if (long !== undefined) return long;
  const character = text[at]!;
  if (character === '"' || character === '`') return character;
  return character === "'" && singleQuotes && !/\w/.test(text[at - 1] ?? '') ? character : undefined;
}

/** Length of the character literal or regular expression at `at`; 1 where there is none. */
function literalAt(text: string, at: number, { singleQuotes, lineComment }: Language): number {
  if (text[at] === "'" && !singleQuotes)
    return /^'(?:[^'\\\n]|\\.[^'\n]*)'/.exec(text.slice(at, at + 12))?.[0].length ?? 1;
  if (text[at] !== '/' || lineComment !== '//' || !BEFORE_REGEX.test(text.slice(Math.max(0, at - 40), at))) return 1;
  const line = text.slice(at, endOf(text, '\n', at));
  return /^\/(?:[^/\\[\n]|\\.|\[(?:[^\]\\\n]|\\.)*\])+\//.exec(line)?.[0].length ?? 1;
}
