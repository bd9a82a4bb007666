/** Places a code block by what it declares: it replaces functions, classes and methods of the same names. Pure. */
import { type Declaration, declarations, outermost, pathOf } from './declarations.ts';
import { isGap, withGapsFilled } from './elisions.ts';
import { extentEnd, indentOf, isBalanced, isBlank, isWeak, rebased } from './lines.ts';

export interface Way {
  readonly lines: string[];
  /** The first old line of the file that changes, from 0. */
  readonly first: number;
  /** The names of the declarations around that line. */
  readonly label: string;
  /** Set if the block shows a class with fewer members than the file has: the user decides whether these stay. */
  readonly members?: 'kept' | 'removed';
}

const MAX_WAYS = 12;
const IMPORT =
  /^(?:import\b|from\s+\S+\s+import\b|#include\b|use\s+[\w:{]|using\s+[\w.]+\s*;|(?:const|let|var)\s.*=\s*require\()/;

interface Part {
  /** The comments and decorators above the declaration in the block. */
  readonly lead: readonly string[];
  readonly decorated: boolean;
  readonly lines: readonly string[];
  readonly declared: Declaration;
}

interface Change {
  readonly start: number;
  readonly end: number;
  readonly lines: readonly string[];
}

/** One result per way to place all declarations of the block; none if it holds more than declarations and imports. */
export function byDeclaration(file: readonly string[], block: readonly string[]): Way[] {
  const parsed = partsOf(file, block);
  if (!parsed) return [];
  const inFile = declarations(file);
  const choices = parsed.parts.map((part) => matches(file, inFile, part));
  if (choices.every((choice) => choice.length === 0)) return [];
  if (choices.reduce((ways, choice) => ways * Math.max(1, choice.length), 1) > MAX_WAYS) return [];
  let ways: (Declaration | undefined)[][] = [[]];
  for (const choice of choices) {
    ways = ways.flatMap((way) => (choice.length === 0 ? [[...way, undefined]] : choice.map((each) => [...way, each])));
  }
  return ways.flatMap((way) => {
    const first = way.find((each) => each !== undefined)!.line;
    const result = (parts: readonly Part[], members?: Way['members']): Way[] => {
      const changes = changesOf(file, parts, way);
      const lines = changes && withChanges(file, [...importChanges(file, parsed.imports), ...changes]);
      return lines ? [{ lines, first, label: pathOf(inFile, first), ...(members && { members }) }] : [];
    };
    const keeping = parsed.parts.map((part, index) => withOthersKept(file, part, way[index]));
    if (keeping.every((part, index) => part === parsed.parts[index])) return result(parsed.parts);
    return [...result(keeping, 'kept'), ...result(parsed.parts, 'removed')];
  });
}

const CONTAINER = /\b(?:class|interface|struct|trait|impl|module|namespace|object|extension|protocol|mod)\b/;

/** The part with a gap added at its end if it is a class that lacks members of the file's; otherwise the part itself. */
function withOthersKept(file: readonly string[], part: Part, target: Declaration | undefined): Part {
  const { lines } = part;
  if (!target || !CONTAINER.test(lines[0]!) || lines.some((line) => isGap(line, file))) return part;
  const named = new Set(declarations(lines).map(({ name }) => name));
  const members = declarations(file.slice(target.line + 1, target.end)).filter(({ line, end }) => end - line > 1);
  if (members.every(({ name }) => named.has(name))) return part;
  const closed = /^\s*[}\])]|^\s*end\b/.test(lines.at(-1)!) ? 1 : 0;
  const body = lines.slice(0, lines.length - closed);
  const indent = indentOf(body.slice(1).find((line) => !isBlank(line)) ?? '');
  return { ...part, lines: [...body, `${indent}// ...`, ...lines.slice(body.length)] };
}

/** Undefined if any line of the block is neither part of a declaration, nor an import, nor in the file already. */
function partsOf(
  file: readonly string[],
  block: readonly string[],
): { parts: Part[]; imports: string[][] } | undefined {
  if (isExcerpt(file, block)) return undefined;
  const tops = outermost(declarations(block).filter(({ line }) => !IMPORT.test(block[line]!.trim())));
  const known = new Set(file.map((line) => line.trim()));
  const imports: string[][] = [];
  const parts: Part[] = [];
  for (let line = 0; line < block.length;) {
    const top = tops.find((each) => each.lead === line);
    if (top) {
      parts.push({
        lead: block.slice(top.lead, top.line),
        decorated: top.decorators < top.line,
        lines: block.slice(top.line, top.end),
        declared: top,
      });
      line = top.end;
    } else if (IMPORT.test(block[line]!.trim())) {
      const end = extentEnd(block, line);
      imports.push(block.slice(line, end));
      line = end;
    } else if (isBlank(block[line]!) || isGap(block[line]!, file)) {
      line++;
    } else if (!isWeak(block[line]!) && known.has(block[line]!.trim())) {
      line++;
    } else {
      return undefined;
    }
  }
  return parts.length > 0 ? { parts, imports } : undefined;
}

/** Whether the block was cut out of something: it starts deeper than it ends, or ends in an open statement. */
function isExcerpt(file: readonly string[], block: readonly string[]): boolean {
  const outer = Math.min(...block.filter((line) => !isBlank(line)).map((line) => indentOf(line).length));
  if (indentOf(block[0]!).length > outer || /(?:[=,({[+\-*/&|?:<]|=>)$/.test(block.at(-1)!.trimEnd())) return true;
  return !isBalanced(block) && !block.some((line) => isGap(line, file));
}

/** Declarations of the same name. If there are several, those of the same kind, then those with the same first line. */
function matches(file: readonly string[], inFile: readonly Declaration[], part: Part): Declaration[] {
  const named = inFile.filter(({ name }) => name === part.declared.name);
  const narrowed = (found: Declaration[], keep: (each: Declaration) => boolean): Declaration[] => {
    const kept = found.filter(keep);
    return found.length > 1 && kept.length > 0 ? kept : found;
  };
  const sameKind = narrowed(named, ({ kind }) => kind === part.declared.kind);
  return narrowed(sameKind, ({ line }) => file[line]!.trim() === part.lines[0]!.trim());
}

/** A new declaration goes after the one that precedes it in the block, or before the one that follows it. */
function changesOf(
  file: readonly string[],
  parts: readonly Part[],
  way: readonly (Declaration | undefined)[],
): Change[] | undefined {
  const changes: Change[] = [];
  for (const [index, part] of parts.entries()) {
    const target = way[index];
    if (target) {
      const change = replacement(file, part, target);
      if (!change) return undefined;
      changes.push(change);
      continue;
    }
    const before = way.slice(0, index).findLast((each) => each !== undefined);
    const next = way.slice(index).find((each) => each !== undefined)!;
    const beside = before ?? next;
    const lines = rebased([...part.lead, ...part.lines], indentOf(part.lines[0]!), indentOf(file[beside.line]!));
    const at = before ? before.end : next.lead;
    changes.push({ start: at, end: at, lines: before ? ['', ...lines] : [...lines, ''] });
  }
  return changes;
}

function replacement(file: readonly string[], part: Part, target: Declaration): Change | undefined {
  const move = (lines: readonly string[]): string[] =>
    rebased(lines, indentOf(part.lines[0]!), indentOf(file[target.line]!));
  const above = leadChange(file, part, target);
  const start = above?.start ?? target.line;
  const lead = above ? [...move(part.lead), ...above.kept] : [];
  const body = move(part.lines);
  const scope = file.slice(target.line, target.end);
  if (!body.some((line) => isGap(line, scope))) return { start, end: target.end, lines: [...lead, ...body] };
  const filled = withGapsFilled(scope, body, { closed: true });
  return filled && { start, end: target.end, lines: [...lead, ...filled] };
}

/** Comments and decorators of the file stay unless the block brings different ones of the same kind. */
function leadChange(
  file: readonly string[],
  { lead, decorated }: Part,
  { lead: first, decorators, line }: Declaration,
): { start: number; kept: string[] } | undefined {
  const known = new Set(file.slice(first, line).map((each) => each.trim()));
  if (lead.every((each) => known.has(each.trim()))) return undefined;
  const onlyDecorators = decorated && !lead.some(isComment);
  return { start: onlyDecorators ? decorators : first, kept: decorated ? [] : file.slice(decorators, line) };
}

const isComment = (line: string): boolean => /^\s*(?:\/\/|\/\*|\*|#(?!\[)|--|;)/.test(line);

/** Adds missing imports after the file's last one; an import that extends one of the file's replaces it. */
function importChanges(file: readonly string[], imports: readonly string[][]): Change[] {
  const spans = file.flatMap((line, start) =>
    indentOf(line) === '' && IMPORT.test(line) ? [{ start, end: extentEnd(file, start) }] : [],
  );
  const textOf = (lines: readonly string[]): string => lines.map((line) => line.trim()).join(' ');
  const wordsOf = (lines: readonly string[]): string[] => textOf(lines).match(/[\w./@-]+/g) ?? [];
  const after = spans.at(-1)?.end ?? (file[0]?.startsWith('#!') ? 1 : 0);
  const fresh: string[] = [];
  const changes: Change[] = [];
  for (const lines of imports) {
    const words = new Set(wordsOf(lines));
    if (spans.some(({ start, end }) => textOf(file.slice(start, end)) === textOf(lines))) continue;
    const older = spans.filter(({ start, end }) => wordsOf(file.slice(start, end)).every((word) => words.has(word)));
    if (older.length === 1) changes.push({ ...older[0]!, lines });
    else fresh.push(...lines);
  }
  if (fresh.length > 0) changes.push({ start: after, end: after, lines: spans.length > 0 ? fresh : [...fresh, ''] });
  return changes;
}

/** The file's new lines; undefined if two changes touch the same lines. */
function withChanges(file: readonly string[], changes: readonly Change[]): string[] | undefined {
  const result: string[] = [];
  let from = 0;
  for (const { start, end, lines } of changes.toSorted((a, b) => a.start - b.start || a.end - b.end)) {
    if (start < from) return undefined;
    result.push(...file.slice(from, start), ...lines);
    from = end;
  }
  return [...result, ...file.slice(from)];
}
