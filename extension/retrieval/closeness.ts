/** Scores how close together a chunk holds the words of a question: those of one statement say more. Pure. */
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

/** Numbers of lines: a single one, and as many as a statement and its comment take. */
const SPANS = [1, 3];

export class Closeness {
  readonly #reader = new TermReader();
  readonly #matches = new Map<number, Match[]>();
  readonly #all: number;

  readonly #worth: readonly number[];

  /** `worth` has one number for each concept of the query; 0 if the concept does not count. */
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

  /** The share of the question that the best places in these lines hold, 0 to 1, averaged over SPANS. */
  of(text: Uint8Array, span: Span): number {
    this.#reader.read(linesOf(text, span));
    const { terms, lines, count } = this.#reader;
    const found: { line: number; matches: readonly Match[] }[] = [];
    for (let i = 0; i < count; i++) {
      const matches = this.#matches.get(terms[i]!);
      if (matches) found.push({ line: lines[i]!, matches });
    }
    return SPANS.reduce((sum, lines) => sum + this.#best(found, lines), 0) / SPANS.length;
  }

  #best(found: readonly { line: number; matches: readonly Match[] }[], lines: number): number {
    let best = 0;
    const has = new Float64Array(this.#worth.length);
    for (let from = 0; from < found.length; from++) {
      const { line } = found[from]!;
      if (line === found[from - 1]?.line) continue;
      has.fill(0);
      for (let i = from; i < found.length && found[i]!.line < line + lines; i++) {
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
