/**
 * Ranks chunks for a question: by BM25 over words and identifiers, with more weight for declared names; then by what is
 * known of the file; then, for the best, by how close together the words are. Chunks that use what the best ones declare
 * are added. No vscode, no disk.
 */
import { Closeness } from './closeness.ts';
import type { ProjectIndex } from './projectIndex.ts';
import { type Concept, parseQuery, type Query } from './query.ts';
import { AROUND, DECLARED, findTerm, Postings, type Segment, TEXT_COUNT } from './segment.ts';
import { identifierTerm, stem, wordsOf } from './terms.ts';

export interface Ranked {
  readonly file: string;
  /** First and last line, from 0. */
  readonly first: number;
  readonly last: number;
  /** The names that the chunk declares, separated by commas. */
  readonly names: string;
  readonly score: number;
}

export interface RankOptions {
  readonly limit: number;
  /** Files that the user opened recently, latest first. */
  readonly recent: readonly string[];
  /** The path of a file in the project. */
  pathOf(file: string): string;
  /** The content of a file; undefined if it cannot be read. */
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

/** Number of chunks that are ranked by more than their terms. */
const CANDIDATES = 200;
/** BM25's saturation of repeated terms. */
const K1 = 0.8;
/** BM25's normalisation by the length of chunks. */
const B = 0.6;
/** Number of occurrences in the text that a declared word counts for. */
const DECLARED_COUNT = 12;
/** The same for a word in the path or in the name of the class around the chunk. */
const AROUND_COUNT = 2.5;
/** Factor for a chunk that declares the very identifier in the question. */
const DEFINES = 2;
/** Dampens rarity, so that one rare English word does not outweigh the rest. */
const RARITY_EXPONENT = 1 / 3;
/** The share of a score that depends on how much of the question a chunk matches. */
const COVERAGE = 0.6;
/** Bonus for a declared name that matches the question exactly. */
const NAMED = 1;
/** The same for the name of the file. */
const IN_PATH = 1.5;

interface Found {
  readonly segment: Segment;
  readonly chunk: number;
  score: number;
}

/** The scores of the chunks of all segments. */
class Scores {
  readonly #scores: Float32Array;
  /** One bit per concept that a chunk matches. */
  readonly #matched: Uint32Array;
  /** The last concept that a chunk was found to match, from 1. */
  readonly #has: Uint8Array;
  readonly #bases: number[] = [];
  readonly #chunks: number;
  readonly #average: number;
  readonly #postings = new Postings();
  #concepts = 0;
  /** The weight of each concept; 0 for extra ones. */
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

  /** Number of chunks that hold the term, at most. */
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
      // A concept's terms come best first, so only the first one in a chunk counts.
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

  /** The share of the question that a set of concepts makes up, 0 to 1. */
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

/** Keeps the best `limit`; returns the score of the last of them, or 0 if there are fewer. */
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
  // Type declarations have no bodies.
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

/** The share of the average of its file's best three scores that is added to a chunk's own. */
const LIFT = 0.3;

/** Prefers chunks of files that match the question as a whole. */
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

/** Number of the best chunks whose text is read. */
const READ_AGAIN = 20;
/** Bonus for a chunk that holds all of the question in one place. */
const CLOSE = 1;

async function closer(best: readonly Ranked[], closeness: Closeness, { textOf }: RankOptions): Promise<Ranked[]> {
  const texts = new Map<string, Uint8Array | undefined>();
  for (const { file } of best.slice(0, READ_AGAIN)) if (!texts.has(file)) texts.set(file, await textOf(file));
  return best.map((each, place) => {
    const text = place < READ_AGAIN ? texts.get(each.file) : undefined;
    return text ? { ...each, score: each.score * (1 + CLOSE * closeness.of(text, each)) } : each;
  });
}

/** The likeness of the question and the most similar one of the names, 0 to 1. */
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

/** Number of the best chunks whose users are sought. */
const DEFINERS = 3;
/** The share of the definer's score that a user gets. */
const REFERENCE = 0.3;
/** A name that is used more often than this says nothing. */
const MOST_USES = 40;

/** Chunks that use what the best ones declare and that the question's words did not find. */
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

/** Each further chunk of a file must score a little higher than chunks of other files. */
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
