/** The first and last line of a range, counted from 1. */
export type LineRange = [first: number, last: number];

/** The line of the character at `offset`, counted from 1. */
export function lineAt(text: string, offset: number): number {
  let line = 1;
  for (let at = text.indexOf('\n'); at >= 0 && at < offset; at = text.indexOf('\n', at + 1)) line++;
  return line;
}

/** The lines of the characters from `start` to `end`. An empty last line of the text belongs to its end. */
export function linesBetween(text: string, start: number, end: number): LineRange[] {
  return start < end ? [[lineAt(text, start), lineAt(text, end === text.length ? end : end - 1)]] : [];
}

/** Sorts and joins ranges, so that each line occurs once. */
export function mergeRanges(ranges: readonly LineRange[]): LineRange[] {
  const merged: LineRange[] = [];
  for (const [first, last] of [...ranges].sort((a, b) => a[0] - b[0])) {
    const before = merged.at(-1);
    if (before && first <= before[1] + 1) before[1] = Math.max(before[1], last);
    else merged.push([first, last]);
  }
  return merged;
}

/** The ranges of lines up to `totalLines` that `ranges` omit. */
export function rangesLeftOut(ranges: readonly LineRange[], totalLines: number): LineRange[] {
  const edges: LineRange[] = [[0, 0], ...mergeRanges(ranges), [totalLines + 1, totalLines + 1]];
  return edges
    .slice(1)
    .map(([first], i): LineRange => [edges[i]![1] + 1, first - 1])
    .filter(([first, last]) => first <= last);
}

/** "1-40, 180-420" */
export function rangesText(ranges: readonly LineRange[]): string {
  return ranges.map(([first, last]) => (first === last ? `${first}` : `${first}-${last}`)).join(', ');
}
