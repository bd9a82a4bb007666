import type { CursorText } from '../prompt/cursorText.ts';
import { type Language, languageOf } from '../prompt/languages.ts';
import { COMMENT, openLiteral } from './openLiteral.ts';

/** Characters before and after the cursor that are examined for the file's indentation. */
const CHARACTERS_LOOKED_AT = 8000;

/** The lines around the cursor, which all completion rules depend on. */
export interface Cursor extends CursorText {
  readonly language: Language;
  /** The parts of the cursor's line. */
  readonly lineBefore: string;
  readonly lineAfter: string;
  /** The nearest lines above and below that are not blank; empty where none exist. */
  readonly previousLine: string;
  readonly nextLine: string;
  /** One level of the file's indentation, a tab or spaces; undefined where the file does not show it. */
  readonly indentUnit: string | undefined;
  /** The delimiter of the string that the cursor is in. */
  readonly openString: string | undefined;
  readonly inComment: boolean;
}

export function cursorAt(request: CursorText): Cursor {
  const prefix = request.prefix.replaceAll('\r\n', '\n');
  const suffix = request.suffix.replaceAll('\r\n', '\n');
  const lineStart = prefix.lastIndexOf('\n') + 1;
  const above = prefix.slice(0, lineStart).trimEnd();
  const lineEnd = suffix.indexOf('\n');
  const below = lineEnd < 0 ? '' : suffix.slice(lineEnd);
  const language = languageOf(request.languageId);
  const open = language.prose ? undefined : openLiteral(prefix, language);
  return {
    fileName: request.fileName,
    languageId: request.languageId,
    language,
    indentUnit: indentUnitOf(prefix, suffix),
    openString: open === COMMENT ? undefined : open,
    inComment: open === COMMENT,
    otherFiles: request.otherFiles,
    prefix,
    suffix,
    lineBefore: prefix.slice(lineStart),
    lineAfter: lineEnd < 0 ? suffix : suffix.slice(0, lineEnd),
    previousLine: above.slice(above.lastIndexOf('\n') + 1),
    nextLine: /^[ \t]*\S.*/m.exec(below)?.[0] ?? '',
  };
}

/** Tabs or spaces, as most lines around the cursor have them. Lines of block comments begin with an asterisk. */
function indentUnitOf(prefix: string, suffix: string): string | undefined {
  const around = `${prefix.slice(-CHARACTERS_LOOKED_AT)}${suffix.slice(0, CHARACTERS_LOOKED_AT)}`.split('\n');
  const tabs = around.filter((line) => /^\t+[^\s*]/.test(line));
  const spaces = around.filter((line) => /^ {2,}[^\s*]/.test(line));
  if (tabs.length > spaces.length) return '\t';
  return spaces.length > tabs.length ? ' '.repeat(Math.min(...spaces.map(indentWidth))) : undefined;
}

export function indentOf(line: string): string {
  return /^[ \t]*/.exec(line)![0];
}

/** Number of columns of white space at the start. A tab counts as four, since only the order matters. */
export function indentWidth(line: string): number {
  return indentOf(line).replaceAll('\t', '    ').length;
}

/** What begins with a closing bracket. */
export const CLOSED = /^\s*[)\]}]/;

/** Whether a bracket that closes what is open at the cursor follows it. */
export function isClosed({ lineAfter, openString }: Cursor): boolean {
  return openString === undefined && CLOSED.test(lineAfter);
}
