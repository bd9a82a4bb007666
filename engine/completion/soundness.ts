/** What of a text a parser accepts at the cursor. */
import { type FindErrors, ParserFailed, type SyntaxError } from '../syntax/findErrors.ts';
import { bracketErrors, bracketsOf, type OpenBracket } from './brackets.ts';
import { type Cursor, indentOf, isClosed } from './cursor.ts';
import { COMMENT, openLiteral } from './openLiteral.ts';

/** Parsing a longer document for the first time would hold up its completion. */
const MOST_PARSED = 200_000;
/** Deeper blocks are not opened by what people read as ghost text. */
const MOST_OPEN = 8;

/**
 * The longest beginning of `text`, in lines, with which the parser sees no error that was not there before, once what
 * the beginning leaves open at its end is closed. Where a closing bracket stands behind the cursor, nothing may be open.
 */
export function soundText(text: string, cursor: Cursor, parser?: FindErrors): string {
  if (text.trim() === '' || cursor.language.prose) return text;
  const { prefix, suffix, language } = cursor;
  const brackets: FindErrors = (whole) => bracketErrors(whole, language);
  if (!parser || prefix.length + suffix.length > MOST_PARSED) return soundBy(brackets, text, cursor);
  try {
    return soundBy(parser, text, cursor);
  } catch (error) {
    if (!(error instanceof ParserFailed)) throw error;
    return soundBy(brackets, text, cursor);
  }
}

function soundBy(find: FindErrors, text: string, cursor: Cursor): string {
  const { prefix, suffix, language } = cursor;
  // What is open above the cursor is closed nowhere while it is typed. What a parser makes of that depends on little
  // things, so that it may stand closed as well, if there is no error at the cursor then.
  const { open } = bracketsOf(prefix + suffix, language);
  const unclosed = open.filter(({ at }) => at < prefix.length).toReversed();
  const below = [
    suffix,
    ...(unclosed.length > 0 ? [suffix + unclosed.map(({ closer }) => `\n${closer}`).join('')] : []),
  ];
  const isSound = (shown: string): boolean =>
    below.some((after) => {
      const before = find(prefix + after);
      return endings(shown, cursor).some((ending) => {
        const errors = find(prefix + shown + ending + after);
        const end = prefix.length + shown.length + ending.length;
        if (after !== suffix && errors.some((error) => error.start <= end && error.end >= prefix.length)) return false;
        return !addsErrors(before, errors, prefix, shown + ending);
      });
    });
  // White space at the end leads to a bracket below.
  const end = /\n[ \t]*$/.exec(text)?.[0] ?? '';
  const lines = text.slice(0, text.length - end.length).split('\n');
  for (let count = lines.length; count > 0; count--) {
    const shown = lines.slice(0, count).join('\n') + end;
    if (shown.trim() !== '' && isSound(shown)) return shown;
  }
  return '';
}

function addsErrors(
  before: readonly SyntaxError[],
  after: readonly SyntaxError[],
  prefix: string,
  added: string,
): boolean {
  if (after.length > before.length) return true;
  const start = prefix.length;
  const end = start + added.length;
  const moved = (offset: number, atCursor: number): number =>
    offset < start ? offset : offset > start ? offset + added.length : atCursor;
  const known = before.map((error) => ({ start: moved(error.start, start), end: moved(error.end, end) }));
  return after.some((error) => {
    // It may end behind the text, in what could not be read there before.
    if (error.start >= start && error.start < end) return true;
    return !known.some((other) => other.start <= error.end && error.start <= other.end);
  });
}

/** What may follow `text`, so that nothing is open that it has opened itself: the likeliest first. */
function endings(text: string, cursor: Cursor): string[] {
  const { language, openString = '', inComment, lineBefore, lineAfter } = cursor;
  if (isClosed(cursor) || (openString !== '' && lineAfter.startsWith(openString))) return [''];
  const { lineComment } = language;
  const comment = lineComment !== null && lineBefore.includes(lineComment) ? lineComment : '/*';
  const code = (inComment ? comment : openString) + text;
  const literal = openLiteral(code, language);
  const quote = literal !== undefined && literal !== openString && literal.length === 3 ? literal : '';
  const open = [...bracketsOf(code, language).open, ...openWords(code, cursor), ...openTags(code, cursor)]
    .sort((a, b) => b.at - a.at)
    .slice(0, MOST_OPEN);
  const body = literal === undefined || literal === COMMENT ? bodyAfter(lineBefore + text, cursor) : '';
  const closers = open.map((_, i) =>
    open
      .slice(0, open.length - i)
      .map(({ closer }) => `\n${closer}`)
      .join(''),
  );
  return [...closers, ''].flatMap((ending) => [...(body ? [body + ending] : []), quote + ending]);
}

/** The least that is taken as a block, where the last line opens one that cannot be empty. */
function bodyAfter(text: string, { language, languageId }: Cursor): string {
  const line = text.trimEnd().split('\n').at(-1)!;
  if (languageId === 'shellscript') return /(?:\b(?:then|do|else)|\{)$/.test(line) ? '\n:' : '';
  return language.blocks === 'indentation' && /:(?:\s*#.*)?$/.test(line) ? `\n${indentOf(line)}    pass` : '';
}

type Words = readonly [opens: RegExp, closes: RegExp, closer: string];
/** Blocks that end with a word. */
const WORDS: Readonly<Record<string, readonly Words[]>> = {
  ruby: [
    [/^\s*(?:def|class|module|if|unless|while|until|for|case|begin)\b|\bdo\s*(?:\|.*\|)?\s*$/, /^\s*end\b/, 'end'],
  ],
  shellscript: [
    [/^\s*if\b/, /(?:^|;)\s*fi\b/, 'fi'],
    [/^\s*(?:for|while|until|select)\b/, /(?:^|;)\s*done\b/, 'done'],
    [/^\s*case\b/, /(?:^|;)\s*esac\b/, 'esac'],
  ],
};

function openWords(code: string, { languageId }: Cursor): OpenBracket[] {
  const words = WORDS[languageId];
  if (!words) return [];
  const open: OpenBracket[] = [];
  let at = 0;
  for (const line of code.split('\n')) {
    for (const [opens, closes, closer] of words) {
      if (opens.test(line)) open.push({ at, closer });
      if (closes.test(line) && open.at(-1)?.closer === closer) open.pop();
    }
    at += line.length + 1;
  }
  return open;
}

/** An opening tag, also with an arrow in it, or a closing one. */
const TAG = /(?<![\w$])<(\/?)([A-Za-z][\w.:-]*)((?:=>|[^<>])*)>/g;

function openTags(code: string, { languageId }: Cursor): OpenBracket[] {
  if (!/react$|^javascript$/.test(languageId)) return [];
  const open: OpenBracket[] = [];
  for (const { 1: slash, 2: name, 3: rest, index } of code.matchAll(TAG)) {
    const closer = `</${name!}>`;
    if (slash === '' && !rest!.endsWith('/')) open.push({ at: index, closer });
    else if (slash === '/' && open.at(-1)?.closer === closer) open.pop();
  }
  return open;
}
