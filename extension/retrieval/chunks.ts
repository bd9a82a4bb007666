/** Cuts a file into chunks of about 20 to 80 lines along its declarations, headings or paragraphs. Pure. */
import { type Declaration, LARGE_LINES } from './syntax.ts';

/** Lines count from 0; `last` is included. */
export interface Chunk {
  readonly first: number;
  readonly last: number;
  /** The names that it declares. */
  readonly names: readonly string[];
  /** The names around it: the class of a method, or the function of which it is a later part. */
  readonly scope: readonly string[];
}

/** `declarations` come from the file's grammar; without one, headings, keywords and blank lines decide where to cut. */
export function chunksOf(path: string, lines: readonly string[], declarations?: readonly Declaration[]): Chunk[] {
  const last = lastLine(lines);
  if (last < 0) return [];
  const found = declarations ?? (/\.(md|mdx|markdown)$/i.test(path) ? headings(lines) : keywords(lines));
  return merged(cut({ first: 0, last }, found, [], lines));
}

const SMALL_LINES = 30;
/** Pieces are not joined to more lines than this, unless one of them is small. */
const MERGED_LINES = 60;
/** The least number of lines of a piece of plain text; the cut follows soon after. */
const SPLIT_LINES = 40;

interface Span {
  readonly first: number;
  readonly last: number;
}

/** Pieces that cover the span without gaps; none larger than LARGE_LINES. */
function cut(
  span: Span,
  declarations: readonly Declaration[],
  scope: readonly string[],
  lines: readonly string[],
): Chunk[] {
  const pieces: Chunk[] = [];
  let next = span.first;
  /** Lines before the next declaration, such as imports or the head of a class. */
  const fill = (last: number): void => {
    if (last >= next) pieces.push(...plainPieces({ first: next, last }, scope, lines));
    next = Math.max(next, last + 1);
  };
  for (const { first, last, name, inner } of declarations) {
    // Several declarations on one line, or an error of the grammar.
    if (last < next) {
      addName(pieces, name);
      continue;
    }
    fill(Math.min(first, span.last) - 1);
    const names = name ? [name] : [];
    const within = { first: next, last: Math.min(last, span.last) };
    if (sizeOf(within) <= LARGE_LINES) {
      pieces.push({ ...within, names: [...names, ...namesIn(inner)], scope });
    } else if (inner.length > 0) {
      pieces.push(...withName(cut(within, inner, [...scope, ...names], lines), names));
    } else {
      pieces.push(...withName(plainPieces(within, [...scope, ...names], lines), names));
    }
    next = within.last + 1;
  }
  fill(span.last);
  return pieces;
}

/** The first piece of a large declaration carries its name; a short head, as of a class, joins the next piece. */
function withName([head, second, ...rest]: Chunk[], names: readonly string[]): Chunk[] {
  if (!head) return [];
  if (second && sizeOf(head) < SMALL_LINES / 2 && sizeOf(head) + sizeOf(second) <= LARGE_LINES) {
    return [{ ...second, first: head.first, names: [...names, ...head.names, ...second.names] }, ...rest];
  }
  return [{ ...head, names: [...names, ...head.names] }, ...(second ? [second] : []), ...rest];
}

function addName(pieces: Chunk[], name: string): void {
  const before = pieces.pop();
  if (before) pieces.push(name ? { ...before, names: [...before.names, name] } : before);
}

function namesIn(declarations: readonly Declaration[]): string[] {
  return declarations.flatMap(({ name, inner }) => [...(name ? [name] : []), ...namesIn(inner)]);
}

/** Cuts at blank lines that are followed by little indentation. */
function plainPieces(span: Span, scope: readonly string[], lines: readonly string[]): Chunk[] {
  const pieces: Chunk[] = [];
  let first = span.first;
  while (span.last - first + 1 > LARGE_LINES) {
    let best = first + LARGE_LINES - 1;
    let bestCost = Infinity;
    for (let end = first + SPLIT_LINES - 1; end < first + LARGE_LINES; end++) {
      const isBlank = lines[end]!.trim() === '';
      const cost = indentation(lines[end + 1] ?? '') + (isBlank ? 0 : 4) + (end - first) / LARGE_LINES;
      if (cost < bestCost) [best, bestCost] = [end, cost];
    }
    pieces.push({ first, last: best, names: [], scope });
    first = best + 1;
  }
  if (first <= span.last) pieces.push({ first, last: span.last, names: [], scope });
  return pieces;
}

/** Joins small neighbouring pieces. */
function merged(pieces: readonly Chunk[]): Chunk[] {
  const chunks: Chunk[] = [];
  for (const piece of pieces) {
    const before = chunks.at(-1);
    const together = before ? sizeOf(before) + sizeOf(piece) : Infinity;
    const fits = before && (sizeOf(before) < SMALL_LINES ? together <= LARGE_LINES : together <= MERGED_LINES);
    if (before && fits && (sizeOf(before) < SMALL_LINES || sizeOf(piece) < SMALL_LINES / 2)) {
      chunks[chunks.length - 1] = {
        first: before.first,
        last: piece.last,
        names: [...before.names, ...piece.names],
        scope: [...new Set([...before.scope, ...piece.scope])],
      };
    } else {
      chunks.push(piece);
    }
  }
  return chunks;
}

function sizeOf({ first, last }: Span): number {
  return last - first + 1;
}

function indentation(line: string): number {
  let width = 0;
  while (line[width] === ' ' || line[width] === '\t') width++;
  return line[0] === '\t' ? 4 * width : width;
}

function lastLine(lines: readonly string[]): number {
  let last = lines.length - 1;
  while (last >= 0 && lines[last]!.trim() === '') last--;
  return last;
}

/** Each section counts as a declaration of its heading. */
function headings(lines: readonly string[]): Declaration[] {
  const starts: { line: number; name: string }[] = [];
  let fence = false;
  lines.forEach((line, index) => {
    if (/^\s*(```|~~~)/.test(line)) fence = !fence;
    const heading = fence ? null : /^#{1,6}\s+(.*?)[\s#]*$/.exec(line);
    if (heading) starts.push({ line: index, name: heading[1]! });
  });
  return sections(starts, lines);
}

const KEYWORDS =
  /^\s*(?:(?:public|private|protected|internal|open|abstract|final|static|override|suspend|async|export|local|sealed|data|inline|pub)\s+)*(?:class|interface|trait|object|enum|struct|protocol|extension|module|namespace|def|defp|fun|func|function|fn|sub|proc|procedure|type|message|service|resource|table)\s+(?!is\b|of\b|the\b|to\b)([\p{L}_][\w.:$-]*)/u;

/**
 * Lines that begin as declarations do in most languages, for languages without a grammar. The patterns of apply
 * (edits/placing/declarations.ts) take far more for a declaration, such as each key of a configuration file.
 */
function keywords(lines: readonly string[]): Declaration[] {
  const starts = lines.flatMap((text, line) => {
    const name = text.length < 200 ? KEYWORDS.exec(text)?.[1] : undefined;
    return name === undefined ? [] : [{ line, name }];
  });
  return sections(starts, lines);
}

/** Each section ends where the next one starts. */
function sections(starts: readonly { line: number; name: string }[], lines: readonly string[]): Declaration[] {
  return starts.map(({ line, name }, index) => {
    const last = (starts[index + 1]?.line ?? lastLine(lines) + 1) - 1;
    return { first: line, line, last, name, inner: [] };
  });
}
