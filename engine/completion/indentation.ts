import { type Cursor, indentOf, indentWidth } from './cursor.ts';
import { opensBlock } from './lineMode.ts';

/** Number of characters above the cursor that are examined for the file's indentation. */
const CHARACTERS_LOOKED_AT = 8000;

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

function inFileStyle(text: string, cursor: Cursor): string {
  const above = cursor.prefix.slice(-CHARACTERS_LOOKED_AT).split('\n');
  const tabs = above.some((line) => line.startsWith('\t'));
  const spaces = above.filter((line) => /^ {2,}\S/.test(line));
  if (tabs && spaces.length === 0) {
    const unit = /\n(?: {4})* {2}\S/.test(text) ? 2 : 4;
    return mapIndents(text, (indent) => indent.replaceAll(' '.repeat(unit), '\t'));
  }
  if (!tabs && spaces.length > 0) {
    const unit = Math.min(...spaces.map((line) => indentOf(line).length));
    return mapIndents(text, (indent) => indent.replaceAll('\t', ' '.repeat(unit)));
  }
  return text;
}

function mapIndents(text: string, change: (indent: string) => string): string {
  return text.replace(/(?<=\n)[ \t]+/g, change);
}
