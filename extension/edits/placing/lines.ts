/** Lines of code: their indentation, and where the block that a line opens ends. Pure. */

/** Splits at line ends of any kind; a text that ends with one has an empty last line. */
export function linesOf(text: string): string[] {
  return text.split(/\r\n|\r|\n/);
}

/** The lines of a code block without blank ones at its start and end. */
export function blockLines(code: string): string[] {
  const lines = linesOf(code);
  while (lines.length > 1 && lines.at(-1)!.trim() === '') lines.pop();
  while (lines.length > 1 && lines[0]!.trim() === '') lines.shift();
  return lines;
}

export function indentOf(line: string): string {
  return /^[ \t]*/.exec(line)![0];
}

export function isBlank(line: string): boolean {
  return line.trim() === '';
}

/** Whether a line occurs in too many places to identify one: closing brackets, `else {`, `end`. */
export function isWeak(line: string): boolean {
  return (
    !/[\p{L}\p{N}_]{2}/u.test(line) ||
    /^\s*[}\])]*\s*(else|end|try|finally|do|fi|done|then|begin|pass)\b\W*$/.test(line)
  );
}

const WIDEST_UNIT = 8;

/** One level of indentation in these lines, as a tab or spaces; undefined if they do not show it. */
export function indentUnit(lines: readonly string[], isGap?: (line: string) => boolean): string | undefined {
  let tabs = 0;
  let last: number | undefined;
  const [deeper, outward] = [new Map<number, number>(), new Map<number, number>()];
  for (const line of lines) {
    // The line after a gap may be any number of levels away.
    const gap = isGap?.(line) ?? false;
    if (gap) last = undefined;
    // The asterisks of a block comment are indented by one more column.
    if (gap || isBlank(line) || line.trimStart().startsWith('*')) continue;
    const indent = indentOf(line);
    if (indent.startsWith('\t')) tabs++;
    const step = indent.length - (last ?? indent.length);
    const steps = step > 0 ? deeper : outward;
    if (Math.abs(step) > 1 && Math.abs(step) <= WIDEST_UNIT && !indent.includes('\t'))
      steps.set(Math.abs(step), (steps.get(Math.abs(step)) ?? 0) + 1);
    last = indent.length;
  }
  // Code goes in by one level at a time, but out by several: steps out count only if there are no steps in.
  const steps = deeper.size > 0 ? deeper : outward;
  const [width, count] = [...steps].sort((a, b) => b[1] - a[1] || a[0] - b[0])[0] ?? [0, 0];
  if (tabs > count) return '\t';
  return count > 0 ? ' '.repeat(width) : undefined;
}

/** Replaces each indentation unit `from` by `to`; columns beyond a full level stay spaces. */
export function withUnit(lines: readonly string[], from: string | undefined, to: string | undefined): string[] {
  if (!from || !to || from === to) return [...lines];
  return lines.map((line) => {
    const indent = indentOf(line);
    const spaces = indent.replaceAll('\t', '').length;
    const levels = indent.length - spaces + (from === '\t' ? 0 : Math.floor(spaces / from.length));
    const rest = from === '\t' ? spaces : spaces % from.length;
    return to.repeat(levels) + ' '.repeat(rest) + line.slice(indent.length);
  });
}

/** Shifts lines so that a line indented by `from` becomes indented by `to`. Blank lines become empty. */
export function rebased(lines: readonly string[], from: string, to: string): string[] {
  return lines.map((line) => {
    if (isBlank(line)) return '';
    const indent = indentOf(line);
    if (indent.startsWith(from)) return to + line.slice(from.length);
    // A line that is indented less than `from`.
    return to.slice(0, Math.max(0, to.length - (from.length - indent.length))) + line.slice(indent.length);
  });
}

/** The indentation that all non-blank lines share. */
export function commonIndent(lines: readonly string[]): string {
  const indents = lines.filter((line) => !isBlank(line)).map(indentOf);
  let common = indents[0] ?? '';
  for (const indent of indents) while (!indent.startsWith(common)) common = common.slice(0, -1);
  return common;
}

const CLOSES = /^(?:[}\])]|<\/|(?:end|fi|done|esac)\b)/;
/** Lines that continue a block at its own indentation: a bracket on a line of its own, or another branch. */
const CONTINUES = /^(?:\{\s*$|(?:else|elif|elsif|except|rescue|ensure|finally|catch)\b)/;
const OPENS = /(?:[{([:]|\b(?:then|do))\s*(?:(?:\/\/|#).*)?$/;

/** The line after the last one that belongs to line `at`, which includes its indented body and what closes it. */
export function extentEnd(lines: readonly string[], at: number): number {
  const base = indentOf(lines[at]!).length;
  let end = at + 1;
  let open = /[{([]\s*(?:(?:\/\/|#).*)?$/.test(lines[at]!);
  for (let line = at + 1; line < lines.length; line++) {
    const text = lines[line]!;
    if (isBlank(text)) continue;
    const indent = indentOf(text).length;
    const trimmed = text.trimStart();
    const closes = indent === base && CLOSES.test(trimmed);
    if (indent > base) {
      if (!open) end = line + 1;
    } else if (closes || (indent === base && CONTINUES.test(trimmed))) {
      end = line + 1;
      open = /[{([]\s*$/.test(text);
      const bracketNext = lines[line + 1]?.startsWith(indentOf(text) + '{') ?? false;
      if (closes && !OPENS.test(text) && !bracketNext) return end;
    } else if (!open) {
      return end;
    }
  }
  // Nothing at its indentation closes the bracket: only the indentation counts.
  return open ? deeperEnd(lines, at, base) : end;
}

/** Whether lines [at, end) are all of what line `at` opens, and not just the beginning that an excerpt shows. */
export function isComplete(lines: readonly string[], at: number, end: number): boolean {
  const last = lines[end - 1]!;
  if (indentOf(last) === indentOf(lines[at]!) && CLOSES.test(last.trimStart()) && end - at > 1) return true;
  // `} else {` closes what it does not open.
  const own = [lines[at]!.replace(/^\s*[})\]]+/, ''), ...lines.slice(at + 1, end)];
  return isBalanced(own) && end < lines.length;
}

/** Whether as many brackets close as open, strings left out. Brackets in comments are too rare to matter. */
export function isBalanced(lines: readonly string[]): boolean {
  const text = lines.join('\n').replace(/(["'`])(?:\\.|(?!\1)[^\\\n])*\1/g, '');
  const count = (pattern: RegExp): number => text.match(pattern)?.length ?? 0;
  return count(/[{([]/g) === count(/[})\]]/g);
}

function deeperEnd(lines: readonly string[], at: number, base: number): number {
  let end = at + 1;
  for (let line = at + 1; line < lines.length; line++) {
    if (isBlank(lines[line]!)) continue;
    if (indentOf(lines[line]!).length <= base) break;
    end = line + 1;
  }
  return end;
}

/** The likeness of two lines, 0 to 1: mostly by their words, and a little by their punctuation. */
export function likeness(a: string, b: string): number {
  if (a.trim() === b.trim()) return 1;
  const left = tokens(a);
  const right = tokens(b);
  const counts = new Map<string, number>();
  for (const token of left) counts.set(token, (counts.get(token) ?? 0) + 1);
  const shared = right.filter((token) => {
    const count = counts.get(token) ?? 0;
    counts.set(token, count - 1);
    return count > 0;
  });
  return (2 * weight(shared)) / (weight(left) + weight(right) || 1);
}

function tokens(line: string): string[] {
  return line.match(/[\p{L}\p{N}_]+|[^\s\p{L}\p{N}_]/gu) ?? [];
}

function weight(tokens: readonly string[]): number {
  return tokens.reduce((sum, token) => sum + (/^[\p{L}\p{N}_]/u.test(token) ? 1 : 0.25), 0);
}
