import { type Cursor, indentOf, indentWidth } from './cursor.ts';
import { opensBlock } from './lineMode.ts';

/**
 * Fits the text to the file's indentation: does not indent twice where the cursor's line is already indented, and uses
 * tabs or spaces as the file does.
 */
export function fitIndentation(text: string, cursor: Cursor): string {
  return inFileStyle(withoutDoubledIndent(text, cursor), cursor);
}

/** On a blank line, the text may only add the indentation that the block above requires. */
function withoutDoubledIndent(text: string, cursor: Cursor): string {
  if (cursor.lineBefore.trim() !== '') return text;
  const there = cursor.lineBefore;
  const trimmed = there === '' ? text : text.replace(/^(?:[ \t]*\n)+/, '');
  const added = indentOf(trimmed);
  if (there === '' || added === '') return trimmed;
  const opened = opensBlock(cursor.previousLine, cursor.language);
  const mayGoDeeper = opened && indentWidth(there) <= indentWidth(cursor.previousLine);
  return mayGoDeeper ? trimmed : trimmed.slice(added.length);
}

function inFileStyle(text: string, { lineBefore, indentUnit }: Cursor): string {
  if (indentUnit === undefined) return text;
  // The first line has an indentation of its own where the cursor's line has nothing else.
  const indents = lineBefore.trim() === '' ? /(?<=^|\n)[ \t]+/g : /(?<=\n)[ \t]+/g;
  const from = indentUnit === '\t' ? ' '.repeat(unitOf(text, indents)) : '\t';
  return text.replace(indents, (indent) => indent.replaceAll(from, indentUnit));
}

/** Width of a level in a text that is indented with spaces. */
function unitOf(text: string, indents: RegExp): number {
  return [...text.matchAll(indents)].some(([indent]) => indent.length % 4 !== 0) ? 2 : 4;
}
