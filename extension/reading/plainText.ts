/** Normalises text from files, terminals and diffs for prompts, and names for a single line. Pure. */

/** Normalises line ends to `\n` and drops U+FEFF. */
export function plainText(text: string): string {
  return text.replace(/\r\n?/g, '\n').replaceAll('\uFEFF', '');
}

/** Also drops a terminal's colours and other control characters; a lone carriage return does not end a line. */
export function withoutControls(text: string): string {
  return text.replaceAll('\r\n', '\n').replace(TERMINAL_SEQUENCE, '').replace(CONTROLS, '').replaceAll('\uFEFF', '');
}

/** Makes a path or name safe for one line: what breaks lines or changes the reading direction becomes U+FFFD. */
export function oneLine(name: string): string {
  return name.replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu, '\uFFFD');
}

/** Lines `first` to `last` of a text with line ends `\n`, counted from 1. */
export function linesOf(text: string, first: number, last: number): string {
  return text
    .split('\n')
    .slice(first - 1, last)
    .join('\n');
}

/** The offset of a line (from 0) and character of the original in a text whose lines may have become shorter. */
export function offsetOf(text: string, line: number, character: number): number {
  const lines = text.split('\n');
  const before = lines.slice(0, line).reduce((sum, each) => sum + each.length + 1, 0);
  return Math.min(text.length, before + Math.min(character, lines[line]?.length ?? 0));
}

/** CSI and OSC sequences. */
const TERMINAL_SEQUENCE = /\u001B(?:\[[0-?]*[ -/]*[@-~]|\][^\u0007\u001B]*(?:\u0007|\u001B\\))/g;
/** All control characters but tab and line feed. */
const CONTROLS = /(?![\t\n])\p{Cc}/gu;
