/** Text from files, terminals and diffs as prompts hold it, and names that fit one line. Pure. */

/** Line ends `\n`, and no U+FEFF. */
export function plainText(text: string): string {
  return text.replace(/\r\n?/g, '\n').replaceAll('\uFEFF', '');
}

/** The same without a terminal's colours and other control characters; a lone carriage return ends no line here. */
export function withoutControls(text: string): string {
  return text.replaceAll('\r\n', '\n').replace(TERMINAL_SEQUENCE, '').replace(CONTROLS, '').replaceAll('\uFEFF', '');
}

/** A path or name on one line, as it is read: what breaks lines or turns the reading direction becomes U+FFFD. */
export function oneLine(name: string): string {
  return name.replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu, '\uFFFD');
}

/** Lines `first` to `last`, from 1, of a text with `\n`. */
export function linesOf(text: string, first: number, last: number): string {
  return text
    .split('\n')
    .slice(first - 1, last)
    .join('\n');
}

/** Where a line (from 0) and character of the original stand in a text whose lines may have become shorter. */
export function offsetOf(text: string, line: number, character: number): number {
  const lines = text.split('\n');
  const before = lines.slice(0, line).reduce((sum, each) => sum + each.length + 1, 0);
  return Math.min(text.length, before + Math.min(character, lines[line]?.length ?? 0));
}

/** CSI and OSC sequences. */
const TERMINAL_SEQUENCE = /\u001B(?:\[[0-?]*[ -/]*[@-~]|\][^\u0007\u001B]*(?:\u0007|\u001B\\))/g;
/** All but tab and line feed. */
const CONTROLS = /(?![\t\n])\p{Cc}/gu;
