import { depthOf, maskLiterals } from './brackets.ts';
import { type Cursor, indentWidth, isClosed } from './cursor.ts';
import { type LineMode, opensBlock } from './lineMode.ts';

/** Users do not read longer ghost text. */
const MOST_LINES = 12;
/** After this many lines, a blank line is a good place to stop. */
const LINES_BEFORE_BLANK = 3;

/**
 * The offset in the generated `text` at which the completion ends; undefined while it may continue. Judges complete lines
 * only, so that it can be called after every token. With a newline appended it judges the last line too.
 */
export function stopOffset(text: string, cursor: Cursor, mode: LineMode): number | undefined {
  if (mode === 'single') return endOfLine(text, cursor);
  const lines = text.split('\n').slice(0, -1); // The last line may still grow.
  let end = 0; // End of the text that belongs to the completion so far.
  let filled = 0;
  let at = 0;
  for (const [i, line] of lines.entries()) {
    const verdict = i === 0 ? firstLine(line, cursor, mode) : nextLine(line, text.slice(0, at), cursor, mode);
    if (verdict === 'before') return end;
    at += line.length + 1;
    if (verdict === 'last') return at - 1;
    if (line.trim() !== '') {
      filled++;
      end = at - 1;
      if (filled >= MOST_LINES) return end;
    } else if (i > 0 && (filled >= LINES_BEFORE_BLANK || lines[i - 1]!.trim() === '')) return end;
  }
  return undefined;
}

/**
 * The end of the first line; or, where that leaves a bracket open in front of the document's own closing bracket, of the
 * line that closes it.
 */
function endOfLine(text: string, cursor: Cursor): number | undefined {
  let end = text.indexOf('\n');
  if (end >= 0 && isClosed(cursor)) {
    for (let lines = 1; lines < MOST_LINES && depthOf(maskLiterals(text.slice(0, end), cursor.language)) > 0; lines++) {
      end = text.indexOf('\n', end + 1);
      if (end < 0) return undefined;
    }
  }
  return end < 0 ? undefined : end;
}

/** Whether the completion ends before this line, with it ('last'), or continues ('more'). */
type Verdict = 'before' | 'last' | 'more';

function firstLine(line: string, cursor: Cursor, mode: LineMode): Verdict {
  const whole = cursor.lineBefore + line;
  if (isFence(line, cursor)) return 'before';
  if (cursor.lineBefore.trim() === '' && repeatsNextLine(whole, '', cursor)) return 'before';
  return mode === 'multi' && !opensBlock(whole, cursor.language) ? 'last' : 'more';
}

function nextLine(line: string, textBefore: string, cursor: Cursor, mode: LineMode): Verdict {
  if (line.trim() === '') return 'more';
  if (isFence(line, cursor) || repeatsNextLine(line, textBefore, cursor)) return 'before';
  const width = indentWidth(line);
  const floor = indentWidth(cursor.lineBefore + (mode === 'block' ? textBefore : ''));
  const closes = /^\s*(?:[)\]}]|<\/|(?:end|done|fi|esac)\b)/.test(line);
  if (mode === 'block') {
    if (width < floor) return closes ? 'last' : 'before';
    return width === 0 && closes && !opensBlock(line, cursor.language) ? 'last' : 'more';
  }
  if (width > floor) return 'more';
  // `} else {` closes and opens; Python's `else:` opens only.
  if (width < floor || !(closes || continuesBlock(line))) return 'before';
  return opensBlock(line, cursor.language) ? 'more' : 'last';
}

function continuesBlock(line: string): boolean {
  return /^\s*(?:else|elif|elsif|except|finally|catch|rescue)\b/.test(line);
}

/** Whether the document already has this line below, and it closes nothing that the text itself has opened. */
function repeatsNextLine(line: string, textBefore: string, cursor: Cursor): boolean {
  if (line.trim() === '' || line.trim() !== cursor.nextLine.trim()) return false;
  if (indentWidth(line) !== indentWidth(cursor.nextLine)) return false;
  const tag = /^\s*<\/([\w-]+)/.exec(line)?.[1];
  if (tag !== undefined) return !textBefore.includes(`<${tag}`);
  const isCloser = /^\s*[)\]}]/.test(line);
  return !isCloser || depthOf(maskLiterals(textBefore, cursor.language)) <= 0;
}

function isFence(line: string, cursor: Cursor): boolean {
  return !cursor.language.prose && line.trim().startsWith('```');
}
