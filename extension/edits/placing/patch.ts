/**
 * Code blocks that are unified diffs, or pairs of searched and replacing lines: finds where their hunks belong, whatever
 * their line numbers say. Pure.
 */
import { applyPatch } from 'diff';
import { fittingSpans } from './fitting.ts';
import { indentOf, isBlank, rebased } from './lines.ts';

interface Hunk {
  /** The first line according to the header, from 1. Models count badly, so it only decides between equal places. */
  readonly start: number | undefined;
  readonly lines: readonly string[];
}

interface Change {
  readonly start: number;
  readonly end: number;
  readonly lines: readonly string[];
}

const SEARCH = /^<{5,9} ?(?:SEARCH|ORIGINAL)\n((?:.*\n)*?)={5,9}\n((?:.*\n)*?)>{5,9} ?(?:REPLACE|UPDATED)$/m;

/** "*** Update File: src/a.ts", as other programs call for. */
const NAMED = /^\*\*\* (?:Update|Add|Delete) File: (.*)$/m;

/** With more ways than this to place the hunks, nobody could choose. */
const MAX_WAYS = 12;

export function isPatch(code: string, language: string): boolean {
  return (
    SEARCH.test(code) ||
    NAMED.test(code) ||
    /^@@ .*@@|^@@$/m.test(code) ||
    /^--- .*\n\+\+\+ /m.test(code) ||
    /^(diff|patch)$/.test(language)
  );
}

/** The files that a block changes which is a diff and names none itself, without those that it deletes. */
export function filesOf({ path, code, language }: { path?: string; code: string; language: string }): string[] {
  if (path || !isPatch(code, language)) return [];
  return [...new Set(sectionsOf(code).map(({ name }) => name.replace(/^b\//, '')))].filter((name) => name !== '');
}

/** One result per way in which the patch fits: the file's new lines, and the line of the first change, from 0. */
export function patched(file: readonly string[], code: string, name: string): { lines: string[]; first: number }[] {
  const hunks = hunksFor(code, name);
  if (hunks.length === 0) return [];
  let ways: Change[][] = [[]];
  for (const hunk of hunks) {
    const places = placesOf(file, hunk);
    ways = ways.flatMap((way) => {
      const behind = places.filter(({ start }) => start >= (way.at(-1)?.end ?? 0));
      return behind.map((place) => [...way, place]);
    });
    if (ways.length > MAX_WAYS) return [];
  }
  return ways.map((way) => ({ lines: withChanges(file, way), first: way[0]!.start }));
}

function withChanges(file: readonly string[], changes: readonly Change[]): string[] {
  const result: string[] = [];
  let from = 0;
  for (const { start, end, lines } of changes) {
    result.push(...file.slice(from, start), ...lines);
    from = end;
  }
  return [...result, ...file.slice(from)];
}

/** The hunks of the section for this file. If no name fits and there is only one section, the hunks of that one. */
function hunksFor(code: string, name: string): Hunk[] {
  const sections = sectionsOf(code);
  const named = sections.filter((section) => section.name !== '' && endsAlike(section.name, name));
  const chosen = named.length > 0 ? named : sections.length === 1 ? sections : [];
  return chosen.flatMap(({ hunks }) => hunks).filter(({ lines }) => lines.some((line) => /^[-+]/.test(line)));
}

function endsAlike(a: string, b: string): boolean {
  const bare = a.replace(/^[ab]\//, '');
  return bare === b || bare.endsWith(`/${b}`) || b.endsWith(`/${bare}`);
}

/** The hunks of "<<<<<<< SEARCH", old lines, "=======", new lines, ">>>>>>> REPLACE". */
function searchedHunks(code: string): Hunk[] {
  return [...code.matchAll(new RegExp(SEARCH, 'gm'))].map(([, old = '', now = '']) => {
    const marked = (text: string, mark: string): string[] =>
      text
        .split('\n')
        .slice(0, -1)
        .map((line) => mark + line);
    return { start: undefined, lines: [...marked(old, '-'), ...marked(now, '+')] };
  });
}

function sectionsOf(code: string): { name: string; hunks: Hunk[] }[] {
  if (SEARCH.test(code)) return [{ name: '', hunks: searchedHunks(code) }];
  const sections: { name: string; hunks: { start: number | undefined; lines: string[] }[] }[] = [];
  const section = () => sections.at(-1) ?? sections[sections.push({ name: '', hunks: [] }) - 1]!;
  const all = code.replace(/\n+$/, '').split('\n');
  // Lines above the first header, such as "Index:", belong to no change.
  const first = all.findIndex((line, at) => line.startsWith('@@') || NAMED.test(line) || isHeader(all, at));
  const lines = all.slice(Math.max(0, first));
  for (let at = 0; at < lines.length; at++) {
    const line = lines[at]!;
    if (isHeader(lines, at)) {
      const target = lines[++at]!.slice(4).split('\t')[0]!.trim();
      sections.push({ name: target === '/dev/null' ? '' : target, hunks: [] });
    } else if (NAMED.test(line)) {
      sections.push({ name: line.includes(' Delete ') ? '' : NAMED.exec(line)![1]!.trim(), hunks: [] });
    } else if (line.startsWith('@@')) {
      const start = /^@@ -(\d+)/.exec(line)?.[1];
      section().hunks.push({ start: start === undefined ? undefined : Number(start), lines: [] });
    } else if (/^(\*\*\* |diff --git|index [0-9a-f]+\.\.|new file mode|similarity index|\\ No newline)/.test(line)) {
      continue;
    } else {
      const { hunks } = section();
      if (hunks.length === 0) hunks.push({ start: undefined, lines: [] });
      hunks.at(-1)!.lines.push(line);
    }
  }
  return sections;
}

function isHeader(lines: readonly string[], at: number): boolean {
  return lines[at]!.startsWith('--- ') && (lines[at + 1]?.startsWith('+++ ') ?? false);
}

/** The exact places, or else those that differ in indentation only, or else those whose context has changed. */
function placesOf(file: readonly string[], hunk: Hunk): Change[] {
  const old = hunk.lines.filter((line) => !line.startsWith('+')).map(content);
  const added = hunk.lines.filter((line) => line.startsWith('+')).map(content);
  if (old.every(isBlank)) return file.every(isBlank) ? [{ start: 0, end: file.length, lines: [...added, ''] }] : [];
  for (const same of [exact, trimmed]) {
    const starts = startsOf(file, old, same);
    const named = starts.filter((start) => start + 1 === hunk.start);
    const chosen = named.length === 1 ? named : starts;
    if (chosen.length > 0) return chosen.map((start) => changeAt(file, hunk, start, old));
  }
  return fuzzyPlaces(file, hunk, old, added);
}

const content = (line: string): string => (/^[-+ ]/.test(line) ? line.slice(1) : line);
const exact = (a: string, b: string): boolean => a.trimEnd() === b.trimEnd();
const trimmed = (a: string, b: string): boolean => a.trim() === b.trim();

function startsOf(file: readonly string[], old: readonly string[], same: typeof exact): number[] {
  return file.flatMap((_, start) =>
    start + old.length <= file.length && old.every((line, index) => same(line, file[start + index]!)) ? [start] : [],
  );
}

/** Takes context lines from the file; shifts new lines by the difference between the file's indentation and the patch's. */
function changeAt(file: readonly string[], hunk: Hunk, start: number, old: readonly string[]): Change {
  const shown = old.findIndex((line) => !isBlank(line));
  const move = (line: string): string => {
    const [from, to] = [indentOf(old[shown]!), indentOf(file[start + shown]!)];
    return from === to ? line : rebased([line], from, to)[0]!;
  };
  let at = start;
  const lines = hunk.lines.flatMap((line) => {
    if (line.startsWith('+')) return [move(line.slice(1))];
    return line.startsWith('-') ? (at++, []) : [file[at++]!];
  });
  return { start, end: start + old.length, lines };
}

/** The number of context lines that may differ. */
const FUZZ = 2;

function fuzzyPlaces(file: readonly string[], hunk: Hunk, old: readonly string[], added: readonly string[]): Change[] {
  return fittingSpans(file, old).flatMap(({ start, end }) => {
    const wider = { start: Math.max(0, start - FUZZ), end: Math.min(file.length, end + FUZZ) };
    const patch = {
      oldFileName: '',
      newFileName: '',
      oldHeader: '',
      newHeader: '',
      hunks: [
        {
          oldStart: start - wider.start + 1,
          oldLines: old.length,
          newStart: 1,
          newLines: added.length,
          lines: hunk.lines.map((line) => (/^[-+ ]/.test(line) ? line : ` ${line}`)),
        },
      ],
    };
    const text = file.slice(wider.start, wider.end).join('\n');
    const result = applyPatch(text, patch, {
      fuzzFactor: FUZZ,
      compareLine: (_number, line, _operation, wanted) => line?.trim() === wanted.trim(),
    });
    return result === false ? [] : [{ ...wider, lines: result.split('\n') }];
  });
}
