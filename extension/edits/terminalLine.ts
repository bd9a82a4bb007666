/** The text of a code block that may be typed into a terminal, where line ends and control characters act. Pure. */

/** Terminals in line mode accept no longer lines. */
const LONGEST = 4000;

/**
 * The only command of a code block, as text that cannot run by itself: it has no line end, no control character, and
 * nothing invisible. Undefined if the block has several commands or none, or if the command is too long.
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
/** Control, format, surrogate and private-use characters. */
const UNSEEN = /\p{C}/gu;
