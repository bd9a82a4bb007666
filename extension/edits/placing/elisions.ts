/** Code with gaps, such as `// ... existing code ...`, which stand for lines of the file that stay. Pure. */
import { lineKey } from './declarations.ts';
import { extentEnd, indentOf, isBalanced, isBlank, isComplete, isWeak, likeness } from './lines.ts';

const GAP =
  /^(?:\.{3}|…)$|^(?:\/\/+|#+|--|;+|%|\/\*+|<!--|\{\s*\/\*|\*)\s*[([]?\s*(?:(?:\.{3}|…)|(?:(?:all|the|your|keep)\s+)*(?:rest|remaining|existing|other|previous|same|unchanged)\b.*\b(?:code|unchanged|same|here|implementation|methods?|functions?|imports?|lines|before|above|remains?|stays?)\b)/i;

/** Whether a line stands for omitted code. A line that the file itself contains does not. */
export function isGap(line: string, file: readonly string[]): boolean {
  const text = line.trim();
  return GAP.test(text) && !(text.length > 3 && file.some((each) => each.trim() === text));
}

export interface ScopeOptions {
  /** Whether the block's first and last lines are those of the scope, as for a function but not for a whole file. */
  closed: boolean;
}

interface Piece {
  /** The lines of the scope that `lines` replace: from `start` up to, but not including, `end`. */
  start: number;
  end: number;
  lines: readonly string[];
}

/** The scope's new lines; undefined if a part of the block has no certain place. */
export function withGapsFilled(
  scope: readonly string[],
  block: readonly string[],
  { closed }: ScopeOptions,
): string[] | undefined {
  const parts = split(block, scope);
  const pieces: Piece[] = [];
  let from = 0;
  for (const [index, { lines, gapIndent }] of parts.entries()) {
    if (lines.every(isBlank)) continue;
    const atStart = closed && index === 0;
    const atEnd = closed && index === parts.length - 1;
    const piece = place(scope, lines, from, { atStart, atEnd, gapIndent });
    if (!piece || piece.start < from) return undefined;
    pieces.push(piece);
    from = piece.end;
  }
  if (pieces.length === 0) return undefined;
  return joined(scope, pieces);
}

interface Part {
  readonly lines: string[];
  /** The indentation of the gap that follows, or -1: code that is indented as far as the gap ends before it. */
  gapIndent: number;
}

function split(block: readonly string[], file: readonly string[]): Part[] {
  const parts: Part[] = [{ lines: [], gapIndent: -1 }];
  for (const line of block) {
    if (isGap(line, file)) {
      parts.at(-1)!.gapIndent = indentOf(line).length;
      parts.push({ lines: [], gapIndent: -1 });
    } else parts.at(-1)!.lines.push(line);
  }
  return parts;
}

function joined(scope: readonly string[], pieces: readonly Piece[]): string[] {
  const result: string[] = [];
  let from = 0;
  const add = (lines: readonly string[]): void => {
    // A blank line next to a gap stands for the one in the file.
    const doubled = isBlank(result.at(-1) ?? 'x') && isBlank(lines[0] ?? 'x');
    result.push(...lines.slice(doubled ? 1 : 0));
  };
  for (const { start, end, lines } of pieces) {
    add(scope.slice(from, start));
    add(lines);
    from = end;
  }
  add(scope.slice(from));
  return result;
}

type Anchor = [line: number, at: number];

/** The place of the lines between two gaps. */
function place(
  scope: readonly string[],
  lines: readonly string[],
  from: number,
  { atStart, atEnd, gapIndent }: { atStart: boolean; atEnd: boolean; gapIndent: number },
): Piece | undefined {
  if (atStart && atEnd) return { start: 0, end: scope.length, lines };
  const anchors = anchorsOf(scope, lines, from);
  const last = scope.length - 1;
  const tail = lastFilled(lines);
  const headers = [headerEnd(lines), headerEnd(scope)] as const;
  if (atStart) anchors.unshift([0, 0], ...(headers[0] < 0 || headers[1] < 0 ? [] : [[...headers] as Anchor]));
  // Brackets that close the scope. Anything else at the end of a block is new, or is an anchor already.
  const closes = atEnd && isWeak(scope[last]!) && lines[tail]!.trim() === scope[last]!.trim();
  if (closes) anchors.push([tail, last]);
  if (anchors.length === 0) return atEnd ? { start: scope.length, end: scope.length, lines } : undefined;
  const start = startOf(scope, lines, anchors[0]!, from);
  const end = atEnd ? scope.length : endOf(scope, lines, anchors, gapIndent);
  return { start, end, lines: lines.slice(0, atEnd || end === scope.length ? tail + 1 : lines.length) };
}

function lastFilled(lines: readonly string[]): number {
  return lines.findLastIndex((line) => !isBlank(line));
}

/** The last line of a header such as `function f(` … `) {`; negative if it cannot be told. */
function headerEnd(lines: readonly string[]): number {
  const found = lines.findIndex((line) => /[{:]\s*(?:(?:\/\/|#).*)?$/.test(line));
  return lines.slice(1, Math.max(1, found)).every((line) => !/;\s*$/.test(line)) ? found : -1;
}

/** Lines that identify one place in the rest of the scope, in the same order in both texts. */
function anchorsOf(scope: readonly string[], lines: readonly string[], from: number): Anchor[] {
  const places = new Map<string, number[]>();
  for (let at = from; at < scope.length; at++) {
    if (isWeak(scope[at]!)) continue;
    const key = lineKey(scope[at]!);
    places.set(key, [...(places.get(key) ?? []), at]);
  }
  const anchors: Anchor[] = [];
  for (const [line, text] of lines.entries()) {
    const found = isWeak(text) ? undefined : places.get(lineKey(text));
    if (found?.length === 1 && found[0]! > (anchors.at(-1)?.[1] ?? -1)) anchors.push([line, found[0]!]);
  }
  return anchors;
}

/** Lines above the first anchor are replaced too if they equal lines of the block or are older versions of them. */
function startOf(scope: readonly string[], lines: readonly string[], [line, at]: Anchor, from: number): number {
  const walk = (same: typeof isVersion): number => {
    let count = 0;
    while (count < Math.min(line, at - from) && same(lines[line - count - 1]!, scope[at - count - 1]!)) count++;
    return count;
  };
  const all = walk((a, b) => a === b || isVersion(a, b));
  // All closing brackets look alike, so they count only if everything above them is the same too.
  return at - (all === line && !isWeak(lines[line]!) ? all : walk(isVersion));
}

/** The end after the last anchor and the equal lines that follow it, and after each body that the block shows completely. */
function endOf(
  scope: readonly string[],
  lines: readonly string[],
  anchors: readonly Anchor[],
  gapIndent: number,
): number {
  const ends = anchors.map(([line, at]) => {
    const end = extentEnd(lines, line);
    const beforeGap =
      indentOf(lines[line]!).length >= gapIndent && gapIndent >= 0 && isBalanced(lines.slice(line, end));
    return end > line + 1 && (beforeGap || isComplete(lines, line, end)) ? extentEnd(scope, at) : at + 1;
  });
  const [line, at] = anchors.at(-1)!;
  const walk = (same: typeof isVersion): number => {
    let count = 1;
    while (line + count < lines.length && at + count < scope.length && same(lines[line + count]!, scope[at + count]!)) {
      count++;
    }
    return count;
  };
  const all = walk((a, b) => a === b || isVersion(a, b));
  return Math.max(at + (line + all === lines.length ? all : walk(isVersion)), ...ends);
}

/** A lone bracket is no version of another one: it looks like all of them. */
function isVersion(line: string, old: string): boolean {
  return !isWeak(line) && likeness(line, old) >= 0.6;
}
