import type { FindErrors } from '../syntax/findErrors.ts';
import { bracketsOf, depthOf, maskLiterals, unmatchedClosers } from './brackets.ts';
import { CLOSED, type Cursor, indentWidth } from './cursor.ts';
import { withoutOpenEnd } from './expressionEnd.ts';
import { fitIndentation } from './indentation.ts';
import type { LineMode } from './lineMode.ts';
import { openLiteral } from './openLiteral.ts';
import { soundText } from './soundness.ts';
import { stopOffset } from './stopRules.ts';

export interface CleanOptions {
  readonly mode: LineMode;
  /** The model is a chat model, which may write sentences in place of code. */
  readonly instruct: boolean;
  /** The token limit cut the text off, so its last line may be incomplete. */
  readonly cutOff: boolean;
  /** The text ends where the model is no longer sure of its line, so a shorter beginning of that is as good. */
  readonly unsure?: boolean;
  /** Finds the errors of syntax of a document in this language; absent where no parser is. */
  readonly findErrors?: FindErrors | undefined;
}

/** Whether the completion is complete, so that no further text can belong to it. */
export function isComplete(generated: string, cursor: Cursor, mode: LineMode): boolean {
  const text = fitted(generated, cursor);
  return stopOffset(text, cursor, mode) !== undefined || withoutLoops(text) !== text;
}

/** What is shown of a generated text. */
export interface Cleaned {
  /** The text to insert at the cursor; empty where none is worth showing. */
  readonly text: string;
  /** The rule that changed the text last; empty where it is shown as it was generated. */
  readonly why: string;
}

type Rule = readonly [why: string, change: (text: string, cursor: Cursor, options: CleanOptions) => string];

const RULES: readonly Rule[] = [
  ['indented as the file is', fitted],
  [
    'sentences to the reader are no code',
    (text, { language }, { instruct }) => (instruct && !language.prose ? withoutProse(text) : text),
  ],
  [
    'the line or block ends there',
    (text, cursor, { mode }) => text.slice(0, stopOffset(text + '\n', cursor, mode) ?? text.length),
  ],
  ['the last line may be incomplete', (text, _cursor, { cutOff }) => (cutOff ? withoutHalfLine(text) : text)],
  ['it repeats itself', withoutLoops],
  ['what closes the bracket or string follows the cursor', withoutOwnedClosers],
  ['the rest of the line follows the cursor', withoutRestOfLine],
  ['the next line says so', (text, cursor) => (repeatsNextLine(text, cursor) ? '' : text)],
  ['the parser would see an error', (text, cursor, { findErrors }) => soundText(text, cursor, findErrors)],
  ['it goes on unknown', (text, cursor, { unsure }) => (unsure ? withoutOpenEnd(text, cursor) : text)],
  ['it leaves open what is closed behind the cursor', (text, cursor) => (leavesOpen(text, cursor) ? '' : text)],
  // White space before the rest of a line may be intended; at the end of a line it never is.
  ['nothing but white space is left', (text, { lineAfter }) => (lineAfter.trim() === '' ? text.trimEnd() : text)],
  [
    'nothing new is left',
    (text, { lineAfter }) => (text.trim() === '' || text.trim() === lineAfter.trim() ? '' : text),
  ],
];

/** Decides what of the generated text to show at the cursor. */
export function cleanCompletion(generated: string, cursor: Cursor, options: CleanOptions): Cleaned {
  const cleaned = applyRules(generated, cursor, options);
  if (cleaned.text !== '' || !options.unsure) return cleaned;
  for (const beginning of beginnings(generated)) {
    const shorter = applyRules(beginning, cursor, options);
    if (shorter.text !== '') return { ...shorter, why: cleaned.why };
  }
  return cleaned;
}

/** Each is parsed. */
const MOST_BEGINNINGS = 8;

/** Beginnings of a line that end between words, the longest first; each has a word or a part of one. */
function beginnings(line: string): string[] {
  const ends = [...line.matchAll(/(?<![\p{L}\p{N}_$])|(?![\p{L}\p{N}_$])/gu)].map(({ index }) => index);
  const all = ends.map((end) => line.slice(0, end).trimEnd()).filter((text) => /[\p{L}\p{N}]/u.test(text));
  return [...new Set(all)]
    .filter((text) => text !== line)
    .toReversed()
    .slice(0, MOST_BEGINNINGS);
}

function applyRules(generated: string, cursor: Cursor, options: CleanOptions): Cleaned {
  return RULES.reduce<Cleaned>(
    (shown, [why, change]) => {
      const text = change(shown.text, cursor, options);
      return text === shown.text ? shown : { text, why };
    },
    { text: generated, why: '' },
  );
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

/** What rules and tables are drawn with. */
const DRAWN = /^[-=_*#~.|+:/\\\s]*$/;

/** Finds `get(this.get(this.get(this.get(this.`, `, 0, 0, 0, 0, 0, 0, 0` or `{}: {}: {}: {}: {}: `. */
function loopsAtEnd(line: string): boolean {
  for (let size = 1; size <= LONGEST_REPEATED; size++) {
    const unit = line.slice(-size);
    const repeats = Math.max(LEAST_REPEATS, Math.ceil(LEAST_REPEATED_LENGTH / size));
    if (line.length < size * repeats) return false;
    if (!DRAWN.test(unit) && line.endsWith(unit.repeat(repeats))) return true;
  }
  return false;
}

/** Cuts before the first closing bracket or quote that the document already has. */
function withoutOwnedClosers(text: string, cursor: Cursor): string {
  const rest = cursor.lineAfter.trimStart();
  const quote = cursor.openString;
  let inner = 0;
  if (quote !== undefined) {
    const end = new RegExp(`(?<!\\\\)${quote}`).exec(text)?.index;
    if (end === undefined || rest.startsWith(quote)) return text.slice(0, end);
    inner = end + quote.length;
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

/** Removes the end of the text that the rest of the cursor's line begins with, unless it closes what the text opens. */
function withoutRestOfLine(text: string, { lineAfter, language }: Cursor): string {
  const rest = lineAfter.trimEnd();
  if (rest.trim() === '') return text;
  const depth = Math.max(0, depthOf(maskLiterals(text, language)));
  const closes = (from: number): boolean => depthOf(maskLiterals(text.slice(0, from), language)) > depth;
  for (const wanted of new Set([rest, rest.trimStart()])) {
    const end = text.trimEnd().length - wanted.length;
    if (text.trimEnd().endsWith(wanted) && !closes(end)) return text.slice(0, end);
    if (wanted.length >= SHORTEST_OVERLAP && text.includes(wanted)) return text.slice(0, text.indexOf(wanted));
  }
  for (let length = rest.length - 1; length >= SHORTEST_OVERLAP; length--) {
    if (text.endsWith(rest.slice(0, length))) return text.slice(0, -length);
  }
  return text;
}

/** Whether the text is what the next line says already. Short lines (`}`, `else`) may occur twice. */
function repeatsNextLine(text: string, cursor: Cursor): boolean {
  if (cursor.lineAfter.trim() !== '' || text.trimEnd().includes('\n')) return false;
  const line = (cursor.lineBefore + text).trim();
  return line.length >= 2 * SHORTEST_OVERLAP && line === cursor.nextLine.trim();
}

/** Whether the text in front of a closing bracket opens another one, closes that one, or leaves a string or comment open. */
function leavesOpen(text: string, { lineAfter, openString = '', language }: Cursor): boolean {
  if (!CLOSED.test(lineAfter)) return false;
  const code = openString + text;
  let isLeft = false;
  const literal = openLiteral(code, language, () => (isLeft = true));
  // The bracket may stand in the string.
  if (literal === openString && !isLeft) return false;
  const { open, errors } = bracketsOf(code, language);
  return literal !== undefined || open.length > 0 || errors.length > 0;
}
