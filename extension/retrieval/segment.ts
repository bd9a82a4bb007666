/**
 * An immutable piece of the inverted index: chunks, and for each term the chunks that hold it. Terms are sorted. A posting
 * is the distance from the previous chunk, as a variable-length integer, and a byte with the weight. Pure.
 */

/** Bits of a posting's weight: how often the text holds the term, up to 15; */
export const TEXT_COUNT = 0x0f;
/** whether the term is a word of a name that the chunk declares; */
export const DECLARED = 0x10;
/** and whether the path or the code around the chunk names it. */
export const AROUND = 0x20;

export interface Segment {
  /** The id of each chunk's file. */
  readonly files: Uint32Array;
  /** The first and last line of each chunk, from 0. */
  readonly first: Uint32Array;
  readonly last: Uint32Array;
  /** The number of terms in each chunk's text. */
  readonly sizes: Uint16Array;
  /** The names that each chunk declares, separated by commas. */
  readonly names: readonly string[];
  /** 1 for each chunk whose file was changed or deleted since. */
  readonly dead: Uint8Array;
  readonly terms: Uint32Array;
  /** The offset of the postings of terms[i]; has one more entry than `terms`. */
  readonly offsets: Uint32Array;
  readonly postings: Uint8Array;
}

export interface NewChunk {
  readonly file: number;
  readonly first: number;
  readonly last: number;
  readonly names: string;
}

/** Collects chunks and their terms, then builds a segment. */
export class SegmentBuilder {
  readonly #chunks: NewChunk[] = [];
  readonly #sizes: number[] = [];
  #terms = new Uint32Array(1 << 16);
  #docs = new Uint32Array(1 << 16);
  #weights = new Uint8Array(1 << 16);
  #count = 0;
  /** A hash table of the current chunk's terms; a slot of an older chunk is free. */
  readonly #slotChunk = new Int32Array(SLOTS).fill(-1);
  readonly #slotEntry = new Uint32Array(SLOTS);
  #used = 0;

  get postings(): number {
    return this.#count;
  }
  get chunks(): number {
    return this.#chunks.length;
  }

  start(chunk: NewChunk): void {
    this.#chunks.push(chunk);
    this.#sizes.push(0);
    this.#used = 0;
  }

  /** Adds a term of the current chunk: of its text if `flag` is 0, else DECLARED or AROUND. */
  add(term: number, flag: number): void {
    const chunk = this.#chunks.length - 1;
    if (flag === 0) this.#sizes[chunk]!++;
    let slot = (term ^ (term >>> 15)) & (SLOTS - 1);
    while (this.#slotChunk[slot] === chunk) {
      const entry = this.#slotEntry[slot]!;
      if (this.#terms[entry] === term) {
        const weight = this.#weights[entry]!;
        if (flag !== 0) this.#weights[entry] = weight | flag;
        else if ((weight & TEXT_COUNT) < TEXT_COUNT) this.#weights[entry] = weight + 1;
        return;
      }
      slot = (slot + 1) & (SLOTS - 1);
    }
    // A chunk with more different terms than this is data.
    if (this.#used >= SLOTS / 2) return;
    this.#used++;
    if (this.#count === this.#terms.length) this.#grow();
    this.#slotChunk[slot] = chunk;
    this.#slotEntry[slot] = this.#count;
    this.#terms[this.#count] = term;
    this.#docs[this.#count] = chunk;
    this.#weights[this.#count++] = flag === 0 ? 1 : flag;
  }

  build(): Segment {
    const order = sortedByTerm(this.#terms.subarray(0, this.#count));
    const writer = new PostingsWriter(this.#count);
    for (const entry of order) writer.add(this.#terms[entry]!, this.#docs[entry]!, this.#weights[entry]!);
    return {
      files: Uint32Array.from(this.#chunks, ({ file }) => file),
      first: Uint32Array.from(this.#chunks, ({ first }) => first),
      last: Uint32Array.from(this.#chunks, ({ last }) => last),
      sizes: Uint16Array.from(this.#sizes, (size) => Math.min(size, 0xffff)),
      names: this.#chunks.map(({ names }) => names),
      dead: new Uint8Array(this.#chunks.length),
      ...writer.finish(),
    };
  }

  #grow(): void {
    const length = 2 * this.#terms.length;
    const terms = new Uint32Array(length);
    const docs = new Uint32Array(length);
    const weights = new Uint8Array(length);
    terms.set(this.#terms);
    docs.set(this.#docs);
    weights.set(this.#weights);
    [this.#terms, this.#docs, this.#weights] = [terms, docs, weights];
  }
}

const SLOTS = 1 << 13;

/** Merges segments into one, without their dead chunks. */
export function mergeSegments(segments: readonly Segment[]): Segment {
  const living = segments.map(({ dead }) => renumbered(dead));
  const bases: number[] = [];
  let chunks = 0;
  for (const { count } of living) {
    bases.push(chunks);
    chunks += count;
  }
  const joined = joinChunks(segments, chunks);
  // The exact number of terms, and slightly too many bytes: this avoids a second copy.
  const terms = countTerms(segments);
  const sum = (of: (segment: Segment) => number): number => segments.reduce((total, each) => total + of(each), 0);
  const repeated = sum((segment) => segment.terms.length) - terms;
  const writer = new PostingsWriter(terms, sum(({ postings }) => postings.length) + LONGER_STEP * repeated);
  const decoded = new Postings();
  forEachTerm(segments, (term, segment, at) => {
    decoded.read(segments[segment]!, at);
    const { numbers } = living[segment]!;
    for (let i = 0; i < decoded.count; i++) {
      const number = numbers[decoded.chunks[i]!]!;
      if (number >= 0) writer.add(term, bases[segment]! + number, decoded.weights[i]!);
    }
  });
  return { ...joined, dead: new Uint8Array(chunks), ...writer.finish() };
}

/** The number of additional bytes that a term's first distance may take in a merged segment. */
const LONGER_STEP = 3;

/** Visits all terms in order, each with the segments that hold it and its index there. */
function forEachTerm(segments: readonly Segment[], visit: (term: number, segment: number, at: number) => void): void {
  const at = segments.map(() => 0);
  for (;;) {
    let term = Infinity;
    for (let s = 0; s < segments.length; s++) term = Math.min(term, segments[s]!.terms[at[s]!] ?? Infinity);
    if (term === Infinity) return;
    for (let s = 0; s < segments.length; s++) {
      if (segments[s]!.terms[at[s]!] === term) visit(term, s, at[s]!++);
    }
  }
}

function countTerms(segments: readonly Segment[]): number {
  let count = 0;
  let last = -1;
  forEachTerm(segments, (term) => {
    if (term !== last) count++;
    last = term;
  });
  return count;
}

/** The index of a term in the segment, or -1. */
export function findTerm({ terms }: Segment, term: number): number {
  let low = 0;
  let high = terms.length - 1;
  while (low <= high) {
    const middle = (low + high) >> 1;
    const found = terms[middle]!;
    if (found === term) return middle;
    if (found < term) low = middle + 1;
    else high = middle - 1;
  }
  return -1;
}

/** The postings of one term, decoded. */
export class Postings {
  chunks = new Uint32Array(1 << 12);
  weights = new Uint8Array(1 << 12);
  count = 0;

  /** Decodes the postings of the term at `index`, over those decoded before. */
  read({ postings, offsets }: Segment, index: number): void {
    const end = offsets[index + 1]!;
    let at = offsets[index]!;
    // A posting takes at least two bytes.
    const most = (end - at) >> 1;
    if (most > this.chunks.length) {
      this.chunks = new Uint32Array(2 * most);
      this.weights = new Uint8Array(2 * most);
    }
    let chunk = -1;
    let count = 0;
    while (at < end) {
      let byte = postings[at++]!;
      let step = byte & 0x7f;
      for (let shift = 7; byte >= 0x80; shift += 7) {
        byte = postings[at++]!;
        step |= (byte & 0x7f) << shift;
      }
      chunk += step;
      this.chunks[count] = chunk;
      this.weights[count++] = postings[at++]!;
    }
    this.count = count;
  }
}

function renumbered(dead: Uint8Array): { numbers: Int32Array; count: number } {
  let count = 0;
  const numbers = Int32Array.from(dead, (isDead) => (isDead ? -1 : count++));
  return { numbers, count };
}

function joinChunks(
  segments: readonly Segment[],
  chunks: number,
): Pick<Segment, 'files' | 'first' | 'last' | 'sizes' | 'names'> {
  const files = new Uint32Array(chunks);
  const first = new Uint32Array(chunks);
  const last = new Uint32Array(chunks);
  const sizes = new Uint16Array(chunks);
  const names: string[] = [];
  for (const segment of segments) {
    for (let i = 0; i < segment.files.length; i++) {
      if (segment.dead[i]) continue;
      files[names.length] = segment.files[i]!;
      first[names.length] = segment.first[i]!;
      last[names.length] = segment.last[i]!;
      sizes[names.length] = segment.sizes[i]!;
      names.push(segment.names[i]!);
    }
  }
  return { files, first, last, sizes, names };
}

/** Expects terms in order, and the chunks of each term too. */
class PostingsWriter {
  #terms: Uint32Array<ArrayBuffer>;
  #offsets: Uint32Array<ArrayBuffer>;
  #postings: Uint8Array<ArrayBuffer>;
  #termCount = 0;
  #length = 0;
  #chunk = -1;

  /** Takes the expected number of terms and bytes. It doubles its arrays if they are too small, which takes memory. */
  constructor(expected: number, bytes = 3 * expected) {
    this.#postings = new Uint8Array(bytes + (1 << 10));
    this.#terms = new Uint32Array(Math.max(expected, 16));
    // One more, for the end of the last term.
    this.#offsets = new Uint32Array(Math.max(expected, 16) + 1);
  }

  add(term: number, chunk: number, weight: number): void {
    if (this.#termCount === 0 || this.#terms[this.#termCount - 1] !== term) this.#begin(term);
    if (this.#length + 6 > this.#postings.length) this.#postings = doubled(this.#postings, Uint8Array);
    let step = chunk - this.#chunk;
    this.#chunk = chunk;
    for (; step >= 0x80; step >>>= 7) this.#postings[this.#length++] = (step & 0x7f) | 0x80;
    this.#postings[this.#length++] = step;
    this.#postings[this.#length++] = weight;
  }

  finish(): Pick<Segment, 'terms' | 'offsets' | 'postings'> {
    this.#offsets[this.#termCount] = this.#length;
    return {
      terms: fitted(this.#terms, this.#termCount),
      offsets: fitted(this.#offsets, this.#termCount + 1),
      postings: fitted(this.#postings, this.#length),
    };
  }

  #begin(term: number): void {
    if (this.#termCount === this.#terms.length) {
      this.#terms = doubled(this.#terms, Uint32Array);
      this.#offsets = doubled(this.#offsets, Uint32Array);
    }
    this.#terms[this.#termCount] = term;
    this.#offsets[this.#termCount++] = this.#length;
    this.#chunk = -1;
  }
}

/** The first `length` entries; not copied if few are left over. */
function fitted<T extends Uint8Array<ArrayBuffer> | Uint32Array<ArrayBuffer>>(array: T, length: number): T {
  return (array.length - length > array.length / 8 ? array.slice(0, length) : array.subarray(0, length)) as T;
}

function doubled<T extends Uint8Array | Uint32Array>(array: T, Type: new (length: number) => T): T {
  const larger = new Type(2 * array.length);
  larger.set(array);
  return larger;
}

/** The entries in the order of their terms, stable. A radix sort: comparing takes five times as long. */
function sortedByTerm(terms: Uint32Array): Uint32Array {
  let order = Uint32Array.from(terms, (_, index) => index);
  let next = new Uint32Array(terms.length);
  for (const shift of [0, 11, 22]) {
    const starts = new Uint32Array(2049);
    for (const term of terms) starts[((term >>> shift) & 0x7ff) + 1]!++;
    for (let i = 1; i < starts.length; i++) starts[i]! += starts[i - 1]!;
    for (const entry of order) next[starts[(terms[entry]! >>> shift) & 0x7ff]!++] = entry;
    [order, next] = [next, order];
  }
  return order;
}
