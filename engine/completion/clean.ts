import { maskLiterals, openQuote, unmatchedClosers } from './brackets.ts';
import { type Cursor, indentWidth } from './cursor.ts';
import { fitIndentation } from './indentation.ts';
import type { LineMode } from './lineMode.ts';
import { stopOffset } from './stopRules.ts';

export interface CleanOptions {
  readonly mode: LineMode;
  /** The model is a chat model, which may write sentences in place of code. */
  readonly instruct: boolean;
  /** The token limit cut the text off, so its last line may be incomplete. */
  readonly cutOff: boolean;
}

/** Whether the completion is complete, so that no further text can belong to it. */
export function isComplete(generated: string, cursor: Cursor, mode: LineMode): boolean {
  const text = fitted(generated, cursor);
  return stopOffset(text, cursor, mode) !== undefined || withoutLoops(text) !== text;
}

/** Returns the part of the generated text to insert at the cursor; empty where none is worth showing. */
export function cleanCompletion(generated: string, cursor: Cursor, options: CleanOptions): string {
  let text = fitted(generated, cursor);
  if (options.instruct && !cursor.language.prose) text = withoutProse(text);
  text = text.slice(0, stopOffset(text + '\n', cursor, options.mode) ?? text.length);
  if (options.cutOff) text = withoutHalfLine(text);
  text = withoutLoops(text);
  text = withoutOwnedClosers(text, cursor);
  text = withoutRestOfLine(text, cursor.lineAfter);
  if (repeatsNeighbour(text, cursor)) return '';
  // White space before the rest of a line may be intended; at the end of a line it never is.
  if (cursor.lineAfter.trim() === '') text = text.trimEnd();
  return text.trim() === '' || text.trim() === cursor.lineAfter.trim() ? '' : text;
}

/** Removes an opening code fence, and indents the text as the file is. */
function fitted(text: string, cursor: Cursor): string {
  return fitIndentation(cursor.language.prose ? text : text.replace(/^[ \t]*```[\w+#.-]*[ \t]*\n/, ''), cursor);
}

const PROSE =
  /^(?:here(?:'s| is| are)\b|sure[,!. ]|certainly\b|of course\b|note that\b|explanation\b|this (?:code|function|snippet|method|class)\b|the (?:above|following|code|function|completed?)\b|i (?:have|will|am|can)\b|i'(?:m|ve|ll)\b|please\b|to complete\b|in this\b)/i;

/** Cuts at the first unindented line that speaks to the reader, unless it is inside a string or comment. */
function withoutProse(text: string): string {
  let at = 0;
  for (const line of text.split('\n')) {
    const open = (text.slice(0, at).split(/"""|'''|`|\/\*|\*\/|<!--|-->/).length - 1) % 2 === 1;
    if (!open && PROSE.test(line)) return text.slice(0, at).trimEnd();
    at += line.length + 1;
  }
  return text;
}

function withoutHalfLine(text: string): string {
  const newline = text.lastIndexOf('\n');
  return newline > 0 && text.slice(0, newline).trim() !== '' ? text.slice(0, newline) : text;
}

/** Drops a last line that repeats itself. Of lines that occur three times in a row, the first ones stay. */
function withoutLoops(text: string): string {
  const lines = text.split('\n');
  if (loopsAtEnd(lines.at(-1)!)) lines.pop();
  for (let start = 0; start < lines.length; start++) {
    for (let period = 1; start + 3 * period <= lines.length; period++) {
      const block = lines.slice(start, start + period).join('\n');
      const again = [1, 2].every((n) => lines.slice(start + n * period, start + (n + 1) * period).join('\n') === block);
      if (again && /[\p{L}\p{N}]{2}/u.test(block)) return lines.slice(0, start + period).join('\n');
    }
  }
  return lines.join('\n');
}

const LONGEST_REPEATED = 60;
const LEAST_REPEATS = 4;
const LEAST_REPEATED_LENGTH = 20;

/** Finds `get(this.get(this.get(this.get(this.` or `, 0, 0, 0, 0, 0, 0, 0`. A rule of dashes may be intended. */
function loopsAtEnd(line: string): boolean {
  for (let size = 1; size <= LONGEST_REPEATED; size++) {
    const unit = line.slice(-size);
    const repeats = Math.max(LEAST_REPEATS, Math.ceil(LEAST_REPEATED_LENGTH / size));
    if (line.length < size * repeats) return false;
    if (/[\p{L}\p{N}]/u.test(unit) && line.endsWith(unit.repeat(repeats))) return true;
  }
  return false;
}

/** Cuts before the first closing bracket or quote that the document already has. */
function withoutOwnedClosers(text: string, cursor: Cursor): string {
  const rest = cursor.lineAfter.trimStart();
  const quote = openQuote(cursor.lineBefore, cursor.language);
  let inner = 0;
  if (quote !== undefined) {
    const end = new RegExp(`(?<!\\\\)${quote}`).exec(text)?.index;
    if (end === undefined || rest.startsWith(quote)) return text.slice(0, end);
    inner = end + 1;
  }
  const masked = ' '.repeat(inner) + maskLiterals(text.slice(inner), cursor.language);
  for (const at of unmatchedClosers(masked)) {
    const lineStart = text.lastIndexOf('\n', at) + 1;
    const startsLine = lineStart > 0 && text.slice(lineStart, at).trim() === '';
    if (rest.startsWith(text[at]!)) return text.slice(0, at);
    const below = cursor.nextLine;
    const sameColumn = indentWidth(text.slice(lineStart, at + 1)) === indentWidth(below);
    if (rest === '' && startsLine && sameColumn && below.trimStart().startsWith(text[at]!)) {
      return text.slice(0, lineStart).trimEnd();
    }
  }
  return text;
}

/** Shorter overlaps occur by chance. */
const SHORTEST_OVERLAP = 4;

/** Removes the end of the text that the rest of the cursor's line begins with. */
function withoutRestOfLine(text: string, lineAfter: string): string {
  const rest = lineAfter.trimEnd();
  if (rest.trim() === '') return text;
  for (const wanted of new Set([rest, rest.trimStart()])) {
    if (text.trimEnd().endsWith(wanted)) return text.trimEnd().slice(0, -wanted.length);
    if (wanted.length >= SHORTEST_OVERLAP && text.includes(wanted)) return text.slice(0, text.indexOf(wanted));
  }
  for (let length = rest.length - 1; length >= SHORTEST_OVERLAP; length--) {
    if (text.endsWith(rest.slice(0, length))) return text.slice(0, -length);
  }
  return text;
}

/** Whether the text repeats the line above or below literally. Short lines (`}`, `else`) may occur twice. */
function repeatsNeighbour(text: string, cursor: Cursor): boolean {
  if (cursor.lineAfter.trim() !== '') return false;
  const first = (cursor.lineBefore + text.split('\n')[0]!).trim();
  if (first.length < 2 * SHORTEST_OVERLAP) return false;
  return first === cursor.previousLine.trim() || (first === cursor.nextLine.trim() && !text.trimEnd().includes('\n'));
}
