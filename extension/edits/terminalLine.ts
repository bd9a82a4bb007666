/** What of a code block may be put into a terminal, where every line end and many control characters act. Pure. */

/** Terminals in line mode take no longer lines. */
const LONGEST = 4000;

/**
 * The one command of a code block as text that cannot run by itself: no line end, no control character, nothing that
 * changes the reading direction or is not to be seen. Undefined where it has several commands, or none, or is too long.
 */
export function terminalLine(code: string): string | undefined {
  const joined = code.replace(LINE_END, '\n').replace(/\\\n[ \t]*/g, '');
  const lines = joined
    .split('\n')
    .map((line) => line.replace(/\s+/gu, ' ').replace(UNSEEN, '').trim())
    .filter((line) => line !== '' && !line.startsWith('# '));
  const command = (lines[0] ?? '').replace(/^\$ /, '');
  return lines.length === 1 && command !== '' && command.length <= LONGEST ? command : undefined;
}

const LINE_END = /\r\n|[\n\v\f\r\u0085\u2028\u2029]/g;
/** Control, format, surrogate and private characters. */
const UNSEEN = /\p{C}/gu;
