/** How close together a chunk has what was asked for: words of one statement say more than words of one screen. Pure. */
import type { Query } from './query.ts';
import { TermReader } from './terms.ts';

interface Span {
  /** From 0; `last` is included. */
  readonly first: number;
  readonly last: number;
}

interface Match {
  readonly concept: number;
  readonly weight: number;
}

/** On one line, or on as many as a statement and its comment take. */
const WINDOWS = [1, 3];

export class Closeness {
  readonly #reader = new TermReader();
  readonly #matches = new Map<number, Match[]>();
  readonly #all: number;

  /** `worth` of each of the query's concepts; 0 where it does not count. */
  readonly #worth: readonly number[];

  constructor({ concepts }: Query, worth: readonly number[]) {
    this.#worth = worth;

    concepts.forEach(({ terms }, concept) => {
      if (worth[concept] === 0) return;
      for (const { term, weight } of terms) {
        this.#matches.set(term, [...(this.#matches.get(term) ?? []), { concept, weight }]);
      }
    });
    this.#all = worth.reduce((sum, each) => sum + each, 0) || 1;
  }

  /** Which share of the question the best places in these lines have, 0 to 1, on average over WINDOWS. */
  of(text: Uint8Array, span: Span): number {
    this.#reader.read(linesOf(text, span));
    const { terms, lines, count } = this.#reader;
    const found: { line: number; matches: readonly Match[] }[] = [];
    for (let i = 0; i < count; i++) {
      const matches = this.#matches.get(terms[i]!);
      if (matches) found.push({ line: lines[i]!, matches });
    }
    return WINDOWS.reduce((sum, window) => sum + this.#best(found, window), 0) / WINDOWS.length;
  }

  #best(found: readonly { line: number; matches: readonly Match[] }[], window: number): number {
    let best = 0;
    const has = new Float64Array(this.#worth.length);
    for (let from = 0; from < found.length; from++) {
      const { line } = found[from]!;
      if (line === found[from - 1]?.line) continue;
      has.fill(0);
      for (let i = from; i < found.length && found[i]!.line < line + window; i++) {
        for (const { concept, weight } of found[i]!.matches) has[concept] = Math.max(has[concept]!, weight);
      }
      best = Math.max(
        best,
        has.reduce((sum, weight, concept) => sum + weight * this.#worth[concept]!, 0),
      );
    }
    return best / this.#all;
  }
}

function linesOf(text: Uint8Array, { first, last }: Span): Uint8Array {
  let start = 0;
  let end = -1;
  for (let line = 0; line <= last; line++) {
    if (line === first) start = end + 1;
    end = text.indexOf(10, end + 1);
    if (end < 0) return line < first ? new Uint8Array() : text.subarray(start);
  }
  return text.subarray(start, end);
}
