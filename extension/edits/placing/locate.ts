/** Finds where a code block of an answer belongs in a file. It never guesses: the user chooses among several places. Pure. */
import { byDeclaration, type Way as DeclaredWay } from './byDeclaration.ts';
import { declarations, outermost, pathOf } from './declarations.ts';
import { isGap, withGapsFilled } from './elisions.ts';
import { fittingSpans } from './fitting.ts';
import {
  blockLines,
  commonIndent,
  indentOf,
  indentUnit,
  isBalanced,
  isBlank,
  isWeak,
  linesOf,
  rebased,
  withUnit,
} from './lines.ts';
import { isPatch, patched } from './patch.ts';

export interface CodeBlock {
  readonly code: string;
  readonly language: string;
  /** The path that the answer names for the block; empty if it names none. */
  readonly path?: string;
}

export interface Place {
  /** The line of the file at which the first change is made, from 1. */
  readonly line: number;
  /** The declarations around that line, or its text if there are none. */
  readonly label: string;
  readonly members?: DeclaredWay['members'];
  /** The whole text that the file would have, with line ends `\n`. */
  readonly text: string;
}

type Found = Pick<DeclaredWay, 'lines' | 'first' | 'members'>;

/** A longer file is generated, and nobody applies code blocks to it. */
const MAX_LINES = 50_000;

/** All places where the block may go, each with the file's new text; none if nothing in the file resembles the block. */
export function locate(text: string, block: CodeBlock, name = ''): Place[] {
  const file = linesOf(text);
  if (file.length > MAX_LINES) return [];
  const code = ownCode(block, file);
  const found: Found[] = isPatch(code, block.language)
    ? patched(file, code, name)
    : soundWays(file, inUnitOf(file, blockLines(code)));
  const labels = declarations(file);
  const places = found.map(({ lines, first, members }) => ({
    line: first + 1,
    label: pathOf(labels, first) || (file[first] ?? '').trim(),
    ...(members && { members }),
    text: withLastLine(lines, file).join('\n'),
  }));
  return places.filter((place, index) => places.findIndex(({ text }) => text === place.text) === index);
}

/** The text of a new file; undefined where the block leaves code out, or changes code that is not there. */
export function newText(block: CodeBlock): string | undefined {
  const { code, language, path = '' } = block;
  if (isPatch(code, language) && !/\.(?:diff|patch)$/i.test(path)) {
    // What comes behind lines that are not shown needs them.
    return /^@@ -(?:[2-9]|\d\d)/m.test(code) ? undefined : locate('', block, path)[0]?.text;
  }
  const lines = blockLines(code);
  return lines.some((line) => isGap(line, [])) ? undefined : `${lines.join('\n')}\n`;
}

/** What a comment that names a file says besides. */
const SAID = /\b(?:file|path|name|filename|filepath|new|updated|modified|changed|full|complete|in)\b/gi;

/** The code with line ends `\n`, without a first line that only names the file, unless the file has that line too. */
function ownCode({ code, path = '' }: CodeBlock, file: readonly string[]): string {
  const lines = linesOf(code);
  const first = lines[0]!.trim();
  const comment = path !== '' && /^(?:\/\/|\{?\/\*|#|--|;|%|<!--|\(\*)/.test(first);
  const name = path.split(/[/\\]/).at(-1)!;
  const named = comment ? first.split(/\s+/).find((word) => word.endsWith(name) && path.endsWith(word)) : undefined;
  const said = first.includes(path) ? path : named;
  const onlyNamed =
    comment && said !== undefined && !/[\p{L}\p{N}]/u.test(first.replace(said, '').replaceAll(SAID, ''));
  const isPart = file.some((line) => line.trim() === first);
  return lines.slice(onlyNamed && !isPart ? 1 : 0).join('\n');
}

/** The text of the file if the block replaces all of it. */
export function replaceAll(text: string, block: CodeBlock): string {
  const file = linesOf(text);
  const lines = blockLines(ownCode(block, file));
  return withLastLine(inUnitOf(file, lines), file).join('\n');
}

function inUnitOf(file: readonly string[], block: readonly string[]): string[] {
  const [from, to] = [indentUnit(block, (line) => isGap(line, file)), indentUnit(file)];
  const indents = block.filter((line) => !isBlank(line)).map((line) => indentOf(line).length);
  const fits = (unit = ''): boolean => {
    const indented = indents.filter((indent) => indent > 0);
    return indented.filter((indent) => indent % unit.length === 0).length > 0.6 * indented.length;
  };
  // Comments and continued lines may be indented by less than a level, so the majority of lines decides.
  const narrower = (from?.length ?? 0) < (to?.length ?? 0);
  const same = from !== '\t' && to !== '\t' && (narrower ? fits(to) : !fits(from));
  return same ? [...block] : withUnit(block, from, to);
}

/** Drops places where the block would unbalance the brackets of the file. */
function soundWays(file: readonly string[], block: readonly string[]): Found[] {
  const ways = waysOf(file, block);
  return isBalanced(file) ? ways.filter(({ lines }) => isBalanced(lines)) : ways;
}

function waysOf(file: readonly string[], block: readonly string[]): Found[] {
  const gaps = block.some((line) => isGap(line, file));
  if (!gaps && isWholeFile(file, block)) return [{ lines: [...block], first: 0 }];
  const declared = byDeclaration(file, block);
  if (declared.length > 0) return declared;
  return gaps ? aroundGaps(file, block) : fitted(file, block);
}

/** Keeps the file's last line end, or its absence. */
function withLastLine(lines: readonly string[], file: readonly string[]): string[] {
  const blank = lines.every(isBlank);
  const ends = file.at(-1) === '' && !blank;
  const result = [...lines];
  while (!blank && result.at(-1) === '' && !(file.length > 1 && file.at(-2) === '' && ends)) result.pop();
  if (ends && result.at(-1) !== '') result.push('');
  return result;
}

/**
 * Whether the block starts like the file, declares all that it declares, and holds most of it and its end. Where the end is
 * missing, the answer may have been cut there, and nothing is removed.
 */
function isWholeFile(file: readonly string[], block: readonly string[]): boolean {
  if (file.every(isBlank)) return true;
  const names = (lines: readonly string[]): string[] => outermost(declarations(lines)).map(({ name }) => name);
  const declared = new Set(names(block));
  if (!names(file).every((name) => declared.has(name))) return false;
  const strong = file.filter((line) => !isWeak(line)).map((line) => line.trim());
  const held = new Set(block.map((line) => line.trim()));
  const share = strong.filter((line) => held.has(line)).length / Math.max(1, strong.length);
  if (endsEarly(strong, block)) return false;
  const filled = (lines: readonly string[]): string[] =>
    lines.filter((line) => !isBlank(line)).map((line) => line.trim());
  const [inFile, inBlock] = [filled(file), filled(block)];
  if (strong.length < 3 || inFile[0] !== inBlock[0]) return false;
  return share >= 0.8 || (share >= 0.5 && inFile.at(-1) === inBlock.at(-1));
}

/** Whether the block ends with a line of the file that is not its last. The last lines may be others, but not just gone. */
function endsEarly(strong: readonly string[], block: readonly string[]): boolean {
  const last = block.findLast((line) => !isWeak(line))?.trim();
  const count = (lines: readonly string[]): number => lines.filter((line) => line.trim() === last).length;
  const inFile = count(strong);
  return inFile > 0 && (strong.at(-1) !== last || count(block) < inFile);
}

function aroundGaps(file: readonly string[], block: readonly string[]): Found[] {
  const lines = withGapsFilled(file, block, { closed: false });
  if (!lines) return [];
  const first = lines.findIndex((line, at) => line !== file[at]);
  return [{ lines, first: Math.min(Math.max(0, first), file.length - 1) }];
}

function fitted(file: readonly string[], block: readonly string[]): Found[] {
  return fittingSpans(file, block).map(({ start, end }) => {
    const old = file.slice(start, end);
    const lines = rebased(block, ...indents(old, block));
    return { lines: [...file.slice(0, start), ...lines, ...file.slice(end)], first: start };
  });
}

/** The indentations of a line that both have, or else those that all of their lines share. */
function indents(old: readonly string[], block: readonly string[]): [from: string, to: string] {
  for (const line of block) {
    const same = isWeak(line) ? undefined : old.find((each) => each.trim() === line.trim());
    if (same !== undefined) return [indentOf(line), indentOf(same)];
  }
  return [commonIndent(block), commonIndent(old)];
}
