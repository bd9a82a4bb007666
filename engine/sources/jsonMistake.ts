/**
 * Where the first mistake of a text that is not valid JSON lies, counted from 1. (JSON.parse says so only in some cases,
 * and quotes the text.)
 */
export function findJsonMistake(text: string): { line: number; column: number } {
  const before = text.slice(0, firstMistake(text)).split('\n');
  return { line: before.length, column: before.at(-1)!.length + 1 };
}

/** What may come next: a value, a member's name, the colon after it, what follows a value, or nothing more. */
type Expected = 'value' | 'valueOrEnd' | 'name' | 'nameOrEnd' | 'colon' | 'next';

const SPACE = /[ \t\n\r]*/y;
const SCALAR = /-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?(?![\w.+-])|(?:true|false|null)(?!\w)/y;
const ESCAPE = /\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4})/y;

/** Index of the first character that cannot stand where it does; the text's length where the text ends too early. */
function firstMistake(text: string): number {
  const open: string[] = [];
  let expected: Expected = 'value';
  let at = endOf(SPACE, text, 0)!;
  while (at < text.length) {
    const mark: string = text[at]!;
    const isValue: boolean = expected === 'value' || expected === 'valueOrEnd';
    if ((mark === '{' || mark === '[') && isValue) {
      open.push(mark);
      expected = mark === '{' ? 'nameOrEnd' : 'valueOrEnd';
      at++;
    } else if (mark === ':' && expected === 'colon') {
      expected = 'value';
      at++;
    } else if (mark === ',' && expected === 'next' && open.length > 0) {
      expected = open.at(-1) === '{' ? 'name' : 'value';
      at++;
    } else if (closes(mark, open.at(-1), expected)) {
      open.pop();
      expected = 'next';
      at++;
    } else if (mark === '"' && (isValue || expected === 'name' || expected === 'nameOrEnd')) {
      const end = endOfString(text, at);
      if (end.mistake) return end.at;
      expected = isValue ? 'next' : 'colon';
      at = end.at;
    } else {
      const end = isValue ? endOf(SCALAR, text, at) : undefined;
      if (end === undefined) return at;
      expected = 'next';
      at = end;
    }
    at = endOf(SPACE, text, at)!;
  }
  return at;
}

function closes(mark: string, open: string | undefined, expected: Expected): boolean {
  if (mark === '}') return open === '{' && (expected === 'next' || expected === 'nameOrEnd');
  return mark === ']' && open === '[' && (expected === 'next' || expected === 'valueOrEnd');
}

/** Where a match that starts at `at` ends. */
function endOf(pattern: RegExp, text: string, at: number): number | undefined {
  pattern.lastIndex = at;
  return pattern.test(text) ? pattern.lastIndex : undefined;
}

/** The end of the string that starts at `start`, or the place of the mistake in it. */
function endOfString(text: string, start: number): { at: number; mistake: boolean } {
  let at = start + 1;
  while (at < text.length) {
    if (text[at] === '"') return { at: at + 1, mistake: false };
    if (text[at] === '\\') {
      const end = endOf(ESCAPE, text, at);
      if (end === undefined) return { at, mistake: true };
      at = end;
    } else {
      if (text.charCodeAt(at) < 0x20) return { at, mistake: true };
      at++;
    }
  }
  return { at, mistake: true };
}
