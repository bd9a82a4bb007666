/** Extracts the code from a model's answer, indented like the code that it replaces. Pure. */
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
/** A sentence that introduces code without a fence. */
const PROSE =
  /^(?:here|sure|certainly|of course|okay|below|the (?:updated|rewritten|new|following|changed))\b.*[:.!]$/i;

/**
 * The lines that replace `old`, with its indentation and the file's indentation unit; empty if the answer has no code.
 */
export function newLines(answer: string, old: readonly string[], unit: string | undefined): string[] {
  const code = codeOf(answer);
  if (code.every(isBlank)) return [];
  const lines = withFirstLineIn(withUnit(code, indentUnit(code), unit));
  return rebased(lines, commonIndent(lines), old.every(isBlank) ? indentOf(old[0] ?? '') : commonIndent(old));
}

/** The code in the first fenced block. A Markdown block, which may contain fences, ends at the last closing line. */
function codeOf(answer: string): string[] {
  const lines = linesOf(answer);
  const open = lines.findIndex((line) => FENCE.test(line));
  if (open < 0) {
    const code = blockLines(answer);
    return PROSE.test(code[0]!.trim()) ? blockLines(code.slice(1).join('\n')) : code;
  }
  const fence = FENCE.exec(lines[open]!)![1]!;
  const closes = (line: string): boolean => line.trim() === fence;
  // For other languages, text after the block may contain further blocks, so the first closing line ends it.
  const nested = /^\s*[`~]{3,}\s*(?:md|markdown)\b/i.test(lines[open]!);
  const behind = lines.slice(open + 1);
  const close = nested ? behind.findLastIndex(closes) : behind.findIndex(closes);
  return blockLines(behind.slice(0, close < 0 ? behind.length : close).join('\n'));
}

/** Restores the first line's indentation, which models omit if the text that they saw began after it. */
function withFirstLineIn(lines: readonly string[]): string[] {
  const [first = '', ...rest] = lines;
  const common = commonIndent(rest);
  const last = rest.findLast((line) => !isBlank(line)) ?? '';
  const closes = /^\s*(?:[}\])]|end\b|<\/)/.test(last) && indentOf(last) === common;
  return indentOf(first) === '' && common !== '' && closes ? [common + first, ...rest] : [...lines];
}
