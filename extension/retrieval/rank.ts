/**
 * Which chunks answer a question: BM25 over words and identifiers, more where a chunk declares them, then what is
 * known of its file, then how close together the best have what was asked for, then chunks that use what those declare.
 * No vscode, no disk.
 */
import { Closeness } from './closeness.ts';
import type { ProjectIndex } from './projectIndex.ts';
import { type Concept, parseQuery, type Query } from './query.ts';
import { AROUND, DECLARED, findTerm, Postings, type Segment, TEXT_COUNT } from './segment.ts';
import { identifierTerm, stem, wordsOf } from './terms.ts';

export interface Ranked {
  readonly file: string;
  /** From 0. */
  readonly first: number;
  readonly last: number;
  readonly names: string;
  readonly score: number;
}

export interface RankOptions {
  readonly limit: number;
  /** Files looked at lately, latest first. */
  readonly recent: readonly string[];
  /** Of a file, by its path in the project. */
  pathOf(file: string): string;
  /** Nothing where it cannot be read. */
  textOf(file: string): Promise<Uint8Array | undefined>;
}

export async function rank(index: ProjectIndex, text: string, options: RankOptions): Promise<Ranked[]> {
  const query = parseQuery(text);
  const scores = new Scores(index.segments);
  for (const concept of query.concepts) scores.add(concept);
  const weighted = lifted(scores.best(CANDIDATES).map((found) => weighed(found, index, query, options)));
  weighted.sort((a, b) => b.score - a.score);
  const best = await closer(weighted, new Closeness(query, scores.worth), options);
  best.sort((a, b) => b.score - a.score);
  const referring = references(index, best, scores);
  return diverse(
    [...best, ...referring].sort((a, b) => b.score - a.score),
    options.limit,
  );
}

/** Looked at more closely than by their terms. */
const CANDIDATES = 200;
/** BM25: how soon more of the same counts no more, and how much long chunks must share. */
const K1 = 0.8;
const B = 0.6;
/** A declared word counts as so many in the text; one in the path or the class around as that many. */
const DECLARED_COUNT = 12;
const AROUND_COUNT = 2.5;
/** Who declares the very identifier that was asked for. */
const DEFINES = 2;
/** A rare word of plain English must not outweigh the rest. */
const RARITY_EXPONENT = 1 / 3;
/** How much of a score hangs on how much of the question a chunk has. */
const COVERAGE = 0.6;
/** What a declared name, and a file's name, adds that says just what was asked for. */
const NAMED = 1;
const IN_PATH = 1.5;

interface Found {
  readonly segment: Segment;
  readonly chunk: number;
  score: number;
}

/** What the chunks of all segments score. */
class Scores {
  readonly #scores: Float32Array;
  /** Which concepts a chunk has, a bit each. */
  readonly #matched: Uint32Array;
  /** The last concept that a chunk was found to have, from 1. */
  readonly #has: Uint8Array;
  readonly #bases: number[] = [];
  readonly #chunks: number;
  readonly #average: number;
  readonly #postings = new Postings();
  #concepts = 0;
  /** What each concept is worth; 0 for what is only a help. */
  readonly worth: number[] = [];

  readonly #segments: readonly Segment[];

  constructor(segments: readonly Segment[]) {
    this.#segments = segments;

    let chunks = 0;
    let terms = 0;
    for (const { sizes } of segments) {
      this.#bases.push(chunks);
      chunks += sizes.length;
      for (const size of sizes) terms += size;
    }
    this.#chunks = chunks;
    this.#average = Math.max(terms / Math.max(chunks, 1), 1);
    this.#scores = new Float32Array(chunks);
    this.#matched = new Uint32Array(chunks);
    this.#has = new Uint8Array(chunks);
  }

  /** In how many chunks the term is. */
  frequency(term: number): number {
    let sum = 0;
    for (const segment of this.#segments) {
      const at = findTerm(segment, term);
      if (at >= 0) sum += (segment.offsets[at + 1]! - segment.offsets[at]!) / 2;
    }
    return sum;
  }

  add({ terms, isIdentifier, isExtra }: Concept): void {
    const number = ++this.#concepts;
    let heaviest = 0;
    for (const { term, weight } of terms) {
      const frequency = this.frequency(term);
      if (frequency === 0) continue;
      const rarity = weight * Math.log(1 + (this.#chunks - frequency + 0.5) / (frequency + 0.5)) ** RARITY_EXPONENT;
      if (rarity <= 0) continue;
      heaviest = Math.max(heaviest, rarity);
      this.#segments.forEach((segment, s) => {
        const at = findTerm(segment, term);
        if (at >= 0) this.#addPostings(segment, at, this.#bases[s]!, { rarity, number, isIdentifier });
      });
    }
    this.worth.push(isExtra ? 0 : heaviest);
  }

  #addPostings(
    segment: Segment,
    at: number,
    base: number,
    concept: { rarity: number; number: number; isIdentifier: boolean },
  ): void {
    const { rarity, number, isIdentifier } = concept;
    const { chunks, weights, count } = (this.#postings.read(segment, at), this.#postings);
    for (let i = 0; i < count; i++) {
      const chunk = chunks[i]!;
      const weight = weights[i]!;
      // The first of a concept's terms that a chunk has is the best: they come in this order.
      if (this.#has[base + chunk] === number) continue;
      this.#has[base + chunk] = number;
      let times = weight & TEXT_COUNT;
      if (weight & DECLARED) times += DECLARED_COUNT;
      if (weight & AROUND) times += AROUND_COUNT;
      const long = 1 - B + (B * segment.sizes[chunk]!) / this.#average;
      const score = (rarity * times * (K1 + 1)) / (times + K1 * long);
      this.#scores[base + chunk]! += isIdentifier && weight & DECLARED ? DEFINES * score : score;
      this.#matched[base + chunk]! |= 1 << number;
    }
  }

  best(limit: number): Found[] {
    const found: Found[] = [];
    let least = 0;
    this.#segments.forEach((segment, s) => {
      for (let chunk = 0; chunk < segment.files.length; chunk++) {
        const at = this.#bases[s]! + chunk;
        if (this.#scores[at] === 0 || segment.dead[chunk]) continue;
        const share = this.#shareOf(this.#matched[at]!);
        const score = this.#scores[at]! * (1 - COVERAGE + COVERAGE * share);
        if (score <= least) continue;
        found.push({ segment, chunk, score });
        if (found.length >= 4 * limit) least = trim(found, limit);
      }
    });
    trim(found, limit);
    return found;
  }

  /** How much of the question is in a set of concepts. */
  #shareOf(mask: number): number {
    let sum = 0;
    let all = 0;
    this.worth.forEach((worth, concept) => {
      all += worth;
      if (mask & (2 << concept)) sum += worth;
    });
    return sum / all;
  }
}

/** Keeps the best; returns the score of the last of them. */
function trim(found: Found[], limit: number): number {
  found.sort((a, b) => b.score - a.score);
  found.length = Math.min(found.length, limit);
  return found.length < limit ? 0 : found.at(-1)!.score;
}

const TESTS =
  /(^|\/)(tests?|__tests__|specs?|e2e|fixtures?|mocks?|__mocks__|benchmarks?|examples?|samples?)\/|[._-](test|spec)s?\.\w+$|(^|\/)test_[^/]*$/i;
const FOREIGN =
  /(^|\/)(vendor|third[_-]?party|external|deps|dist|build|out|generated|gen|locales?|i18n)\/|\.(generated|g|pb|min)\.\w+$|_pb2?\.\w+$/i;
const PROSE = /\.(md|mdx|txt|rst|adoc|json|ya?ml|toml|xml|csv|html?)$/i;

function weighed({ segment, chunk, score }: Found, index: ProjectIndex, query: Query, options: RankOptions): Ranked {
  const file = index.fileOf(segment.files[chunk]!) ?? '';
  const path = options.pathOf(file);
  let factor = 1;
  if (!query.wantsTests && TESTS.test(path)) factor *= 0.6;
  if (FOREIGN.test(path)) factor *= 0.6;
  // Declarations without bodies, and data.
  if (/\.d\.[cm]?ts$/.test(path)) factor *= 0.4;
  if (PROSE.test(path)) factor *= 0.6;
  factor *=
    1 +
    NAMED * likeness(segment.names[chunk]!, query) +
    IN_PATH *
      likeness(
        path
          .replace(/\.\w+$/, '')
          .split('/')
          .slice(-1)[0]!,
        query,
      );
  const recency = options.recent.indexOf(file);
  if (recency >= 0) factor *= 1 + 0.2 / (1 + recency / 4);
  return {
    file,
    first: segment.first[chunk]!,
    last: segment.last[chunk]!,
    names: segment.names[chunk]!,
    score: score * factor,
  };
}

/** How much of its file's best three a chunk gets on top. */
const LIFT = 0.3;

/** A chunk of a file that is about the question as a whole stands before one that only happens to hold its words. */
function lifted(ranked: readonly Ranked[]): Ranked[] {
  const files = new Map<string, number[]>();
  for (const { file, score } of ranked) files.set(file, [...(files.get(file) ?? []), score]);
  const lifts = new Map<string, number>();
  for (const [file, scores] of files) {
    const best = scores.sort((a, b) => b - a).slice(0, 3);
    lifts.set(file, (LIFT * best.reduce((sum, score) => sum + score, 0)) / best.length);
  }
  return ranked.map((each) => ({ ...each, score: each.score + lifts.get(each.file)! }));
}

/** So many of the best are read again, and how much more a chunk counts that has all of the question in one place. */
const READ_AGAIN = 20;
const CLOSE = 1;

async function closer(best: readonly Ranked[], closeness: Closeness, { textOf }: RankOptions): Promise<Ranked[]> {
  const texts = new Map<string, Uint8Array | undefined>();
  for (const { file } of best.slice(0, READ_AGAIN)) if (!texts.has(file)) texts.set(file, await textOf(file));
  return best.map((each, place) => {
    const text = place < READ_AGAIN ? texts.get(each.file) : undefined;
    return text ? { ...each, score: each.score * (1 + CLOSE * closeness.of(text, each)) } : each;
  });
}

/** How much one of the names is made of what was asked for, 0 to 1. */
function likeness(names: string, query: Query): number {
  let best = 0;
  for (const name of names.split(', ')) {
    const words = wordsOf(name).map(stem);
    const asked = new Map<number, number>();
    let matched = 0;
    for (const each of words) {
      const found = query.stems.get(each);
      if (!found) continue;
      matched += found.weight;
      asked.set(found.word, Math.max(asked.get(found.word) ?? 0, found.weight));
    }
    if (matched === 0) continue;
    const share = [...asked.values()].reduce((sum, weight) => sum + weight, 0) / query.words;
    best = Math.max(best, share ** 0.5 * (matched / words.length) ** 0.6);
  }
  return best;
}

/** How many of the best are asked who uses them, and what a use is worth. */
const DEFINERS = 3;
const REFERENCE = 0.3;
/** Used more often than this, a name says nothing. */
const MOST_USES = 40;

/** Chunks that use what the best ones declare, where the question's words did not find them. */
function references(index: ProjectIndex, best: readonly Ranked[], scores: Scores): Ranked[] {
  const known = new Set(best.map(keyOf));
  const found = new Map<string, Ranked>();
  const postings = new Postings();
  for (const definer of best.slice(0, DEFINERS)) {
    const names = definer.names.match(/[A-Za-z_$][\w$]{5,}/g) ?? [];
    for (const name of new Set(names.slice(0, 4))) {
      const term = identifierTerm(name);
      if (scores.frequency(term) > MOST_USES) continue;
      for (const segment of index.segments) {
        const at = findTerm(segment, term);
        if (at < 0) continue;
        postings.read(segment, at);
        for (const chunk of postings.chunks.subarray(0, postings.count)) {
          const file = segment.dead[chunk] ? undefined : index.fileOf(segment.files[chunk]!);
          if (file === undefined) continue;
          const user: Ranked = {
            file,
            first: segment.first[chunk]!,
            last: segment.last[chunk]!,
            names: segment.names[chunk]!,
            score: REFERENCE * definer.score,
          };
          if (!known.has(keyOf(user))) found.set(keyOf(user), user);
        }
      }
    }
  }
  return [...found.values()];
}

function keyOf({ file, first }: Ranked): string {
  return `${first} ${file}`;
}

/** Each further chunk of a file must be a little better than one of another file. */
const SAME_FILE = 0.97;

function diverse(ranked: readonly Ranked[], limit: number): Ranked[] {
  const left = ranked.slice(0, 20 * limit);
  const chosen: Ranked[] = [];
  const taken = new Map<string, number>();
  while (chosen.length < limit && left.length > 0) {
    const worth = ({ file, score }: Ranked): number => score * SAME_FILE ** (taken.get(file) ?? 0);
    let best = 0;
    for (let i = 1; i < left.length; i++) if (worth(left[i]!) > worth(left[best]!)) best = i;
    const [next] = left.splice(best, 1);
    chosen.push(next!);
    taken.set(next!.file, (taken.get(next!.file) ?? 0) + 1);
  }
  return chosen;
}
