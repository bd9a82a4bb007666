/**
 * A proposed change as hunks in a document: the old lines remain, directly followed by the new ones, until the user has
 * decided on each hunk. Lines are 0-based. Pure.
 */
import { diffArrays } from 'diff';

export interface Hunk {
  readonly id: number;
  /** The first old line, or the first new one if nothing is replaced. */
  readonly start: number;
  /** Number of old lines; `fresh` is the number of new lines that follow them. */
  readonly old: number;
  readonly fresh: number;
}

/** Lines [at, at + remove) become `lines`. */
export interface LineEdit {
  readonly at: number;
  readonly remove: number;
  readonly lines: readonly string[];
}

export interface Step {
  /** In document order; no two edits are adjacent. */
  readonly edits: readonly LineEdit[];
  /** Hunks still undecided afterwards, with their line numbers after the edits. */
  readonly hunks: readonly Hunk[];
}

/**
 * Inserts the lines of `fresh` that differ after the lines of `old` that they replace; `old` begins at line `first`.
 */
export function propose(first: number, old: readonly string[], fresh: readonly string[]): Step {
  const edits: LineEdit[] = [];
  const hunks: Hunk[] = [];
  /** Line in the old document; `added` counts the lines inserted above it. */
  let line = first;
  let added = 0;
  const changes = diffArrays([...old], [...fresh]);
  for (let index = 0; index < changes.length; index++) {
    const change = changes[index]!;
    if (!change.added && !change.removed) {
      line += change.count;
      continue;
    }
    const removed = change.removed ? change : undefined;
    const follows = removed ? changes[index + 1] : change;
    const inserted = follows?.added ? follows.value : [];
    if (removed && follows?.added) index++;
    const hunk = { id: hunks.length, start: line + added, old: removed?.count ?? 0, fresh: inserted.length };
    line += hunk.old;
    if (inserted.length > 0) edits.push({ at: line, remove: 0, lines: inserted });
    added += hunk.fresh;
    hunks.push(hunk);
  }
  return { edits, hunks };
}

/** Accepting a hunk removes its old lines; rejecting it removes the new ones. */
export function decide(hunks: readonly Hunk[], ids: readonly number[], verdict: 'accept' | 'reject'): Step {
  const edits: LineEdit[] = [];
  const rest: Hunk[] = [];
  let removed = 0;
  for (const hunk of hunks) {
    if (!ids.includes(hunk.id)) {
      rest.push({ ...hunk, start: hunk.start - removed });
      continue;
    }
    const edit =
      verdict === 'accept'
        ? { at: hunk.start, remove: hunk.old, lines: [] }
        : { at: hunk.start + hunk.old, remove: hunk.fresh, lines: [] };
    removed += edit.remove;
    const last = edits.at(-1);
    if (edit.remove === 0) continue;
    if (last && last.at + last.remove === edit.at)
      edits[edits.length - 1] = { ...last, remove: last.remove + edit.remove };
    else edits.push(edit);
  }
  return { edits, hunks: rest };
}

export function hunkAt(hunks: readonly Hunk[], line: number): Hunk | undefined {
  return hunks.find(({ start, old, fresh }) => line >= start && line < start + Math.max(1, old + fresh));
}

/** The lines after the edits; a text has at least one line. */
export function withEdits(lines: readonly string[], edits: readonly LineEdit[]): string[] {
  const result: string[] = [];
  let from = 0;
  for (const { at, remove, lines: inserted } of edits) {
    result.push(...lines.slice(from, at), ...inserted);
    from = at + remove;
  }
  result.push(...lines.slice(from));
  return result.length === 0 ? [''] : result;
}

export interface TextChange {
  readonly start: Place;
  readonly end: Place;
  readonly text: string;
}

interface Place {
  readonly line: number;
  readonly character: number;
}

/**
 * Turns a line edit into a text change. At the end of the text, removing lines also removes the line break before them.
 */
export function textChange(
  lines: readonly string[],
  { at, remove, lines: inserted }: LineEdit,
  eol: string,
): TextChange {
  const endOf = (line: number): Place => ({ line, character: lines[line]!.length });
  const text = inserted.join(eol);
  const last = at + remove - 1;
  if (remove > 0 && inserted.length > 0) return { start: { line: at, character: 0 }, end: endOf(last), text };
  if (remove === 0) {
    if (at < lines.length)
      return { start: { line: at, character: 0 }, end: { line: at, character: 0 }, text: text + eol };
    return { start: endOf(at - 1), end: endOf(at - 1), text: eol + text };
  }
  if (at + remove < lines.length) {
    return { start: { line: at, character: 0 }, end: { line: at + remove, character: 0 }, text: '' };
  }
  return { start: at > 0 ? endOf(at - 1) : { line: 0, character: 0 }, end: endOf(last), text: '' };
}

/** One manual change; positions refer to the text before it. */
export interface Typed {
  readonly start: Place;
  readonly end: Place;
  readonly text: string;
}

/**
 * The hunks after manual changes. Lines that a change joins or replaces across a hunk's edge no longer belong to it.
 */
export function followed(hunks: readonly Hunk[], changes: readonly Typed[]): Hunk[] {
  // Applied from the bottom up, so that the positions of the remaining changes stay valid.
  const sorted = changes.toSorted((a, b) => b.start.line - a.start.line || b.start.character - a.start.character);
  const moved = sorted.reduce<readonly Hunk[]>((all, change) => all.map((hunk) => follow(hunk, change)), hunks);
  return moved.filter(({ old, fresh }) => old + fresh > 0);
}

function follow(hunk: Hunk, { start: from, end: to, text }: Typed): Hunk {
  const inserted = text.split('\n').length - 1;
  const delta = inserted - (to.line - from.line);
  /** The change replaces whole lines: those in [from.line, to.line). */
  const whole = from.character === 0 && to.character === 0 && (text === '' || text.endsWith('\n'));
  const edges = { start: hunk.start, middle: hunk.start + hunk.old, end: hunk.start + hunk.old + hunk.fresh };
  const map = (edge: number, side: keyof typeof edges): number => {
    if (whole && from.line === to.line && edge === from.line) {
      // Lines inserted exactly at an edge: at the start they precede the hunk, in the middle they join its new lines,
      // and at the end they do not belong to it.
      return side === 'start' || (side === 'middle' && hunk.old === 0) ? edge + inserted : edge;
    }
    if (edge <= from.line) return edge;
    if (edge > to.line || (whole && edge === to.line)) return edge + delta;
    return side === 'start' ? from.line + inserted + (whole ? 0 : 1) : from.line;
  };
  const start = map(edges.start, 'start');
  const middle = Math.max(start, map(edges.middle, 'middle'));
  const end = Math.max(middle, map(edges.end, 'end'));
  return { id: hunk.id, start, old: middle - start, fresh: end - middle };
}
