import { type Language, languageOf } from './languages.ts';

/** The lines around the cursor, which all completion rules depend on. */
export interface Cursor {
  readonly fileName: string;
  readonly languageId: string;
  readonly language: Language;
  /** The whole text before and after the cursor, with `\n` line ends. */
  readonly prefix: string;
  readonly suffix: string;
  /** The parts of the cursor's line. */
  readonly lineBefore: string;
  readonly lineAfter: string;
  /** The nearest lines above and below that are not blank; empty where none exist. */
  readonly previousLine: string;
  readonly nextLine: string;
}

export function cursorAt(request: { fileName: string; languageId: string; prefix: string; suffix: string }): Cursor {
  const prefix = request.prefix.replaceAll('\r\n', '\n');
  const suffix = request.suffix.replaceAll('\r\n', '\n');
  const lineStart = prefix.lastIndexOf('\n') + 1;
  const above = prefix.slice(0, lineStart).trimEnd();
  const lineEnd = suffix.indexOf('\n');
  const below = lineEnd < 0 ? '' : suffix.slice(lineEnd);
  return {
    fileName: request.fileName,
    languageId: request.languageId,
    language: languageOf(request.languageId),
    prefix,
    suffix,
    lineBefore: prefix.slice(lineStart),
    lineAfter: lineEnd < 0 ? suffix : suffix.slice(0, lineEnd),
    previousLine: above.slice(above.lastIndexOf('\n') + 1),
    nextLine: /^[ \t]*\S.*/m.exec(below)?.[0] ?? '',
  };
}

export function indentOf(line: string): string {
  return /^[ \t]*/.exec(line)![0];
}

/** Number of columns of white space at the start. A tab counts as four, since only the order matters. */
export function indentWidth(line: string): number {
  return indentOf(line).replaceAll('\t', '    ').length;
}
