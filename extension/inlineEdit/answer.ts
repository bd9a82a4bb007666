/** The code in a model's answer, as it stands in the place of what it rewrites. Pure. */
import {
  blockLines,
  commonIndent,
  indentOf,
  indentUnit,
  isBlank,
  linesOf,
  rebased,
  withUnit,
} from '../edits/placing/lines.ts';

const FENCE = /^\s*(`{3,}|~{3,})[^`]*$/;
/** A sentence in front of code that has no fence. */
const PROSE =
  /^(?:here|sure|certainly|of course|okay|below|the (?:updated|rewritten|new|following|changed))\b.*[:.!]$/i;

/** The lines that replace `old`, indented as these are in a file with that unit; none where the answer has no code. */
export function newLines(answer: string, old: readonly string[], unit: string | undefined): string[] {
  const code = codeOf(answer);
  if (code.every(isBlank)) return [];
  const lines = withFirstLineIn(withUnit(code, indentUnit(code), unit));
  return rebased(lines, commonIndent(lines), old.every(isBlank) ? indentOf(old[0] ?? '') : commonIndent(old));
}

/** A fence within a fence is the longer one's text: the fence ends at the last line that may end it. */
function codeOf(answer: string): string[] {
  const lines = linesOf(answer);
  const open = lines.findIndex((line) => FENCE.test(line));
  if (open < 0) {
    const code = blockLines(answer);
    return PROSE.test(code[0]!.trim()) ? blockLines(code.slice(1).join('\n')) : code;
  }
  const fence = FENCE.exec(lines[open]!)![1]!;
  const closes = (line: string): boolean => line.trim() === fence;
  // What the answer says behind the block may hold further blocks, each with a name behind its fence or prose around it.
  const nested = /^\s*[`~]{3,}\s*(?:md|markdown)\b/i.test(lines[open]!);
  const behind = lines.slice(open + 1);
  const close = nested ? behind.findLastIndex(closes) : behind.findIndex(closes);
  return blockLines(behind.slice(0, close < 0 ? behind.length : close).join('\n'));
}

/** Models leave out the first line's indentation where the text that they saw began behind it. */
function withFirstLineIn(lines: readonly string[]): string[] {
  const [first = '', ...rest] = lines;
  const common = commonIndent(rest);
  const last = rest.findLast((line) => !isBlank(line)) ?? '';
  const closes = /^\s*(?:[}\])]|end\b|<\/)/.test(last) && indentOf(last) === common;
  return indentOf(first) === '' && common !== '' && closes ? [common + first, ...rest] : [...lines];
}
