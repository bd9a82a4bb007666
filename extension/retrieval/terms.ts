/**
 * Splits text into terms. A term is a 32-bit hash of a word's stem, or of a whole identifier of several words. Identifiers
 * are split at changes of case, underscores and hyphens. Hashes keep a large index small and free of text. Pure.
 */

/** Reads the terms of a text in order; the next `read` overwrites them. */
export class TermReader {
  terms = new Uint32Array(1 << 14);
  /** The line of each term, from 0. */
  lines = new Uint32Array(1 << 14);
  /** Number of terms. */
  count = 0;
  /** Number of lines, at least 1. */
  lineCount = 1;
  readonly #stems = new StemCache();

  read(bytes: Uint8Array): void {
    this.count = 0;
    let line = 0;
    let start = -1;
    let ascii = true;
    for (let i = 0; i <= bytes.length; i++) {
      const kind = i < bytes.length ? KIND[bytes[i]!]! : Kind.Other;
      if (kind >= Kind.Lower) {
        if (start < 0) start = i;
        if (kind === Kind.NotAscii) ascii = false;
        continue;
      }
      if (start >= 0) {
        if (ascii) this.#identifier(bytes, start, i, line);
        else this.#unicode(bytes, start, i, line);
        start = -1;
        ascii = true;
      }
      if (kind === Kind.LineEnd) line++;
    }
    this.lineCount = line + 1;
  }

  /** Adds the terms of bytes[from, to), a run of letters, digits, `_` and `$`. */
  #identifier(bytes: Uint8Array, from: number, to: number, line: number): void {
    if (to - from > LONGEST_NAME) return;
    let whole = FNV_START;
    let word = FNV_START;
    let wordStart = from;
    let words = 0;
    let before: Kind = Kind.Other;
    for (let i = from; i < to; i++) {
      const kind = KIND[bytes[i]!]! as Kind;
      const splits =
        kind === Kind.Joint ||
        (kind === Kind.Upper && before !== Kind.Upper) ||
        // The last of several capitals starts a word, as in HTMLElement.
        (kind === Kind.Upper && i + 1 < to && KIND[bytes[i + 1]!] === Kind.Lower);
      if (splits && i > wordStart) {
        words += this.#word(bytes, wordStart, i, word, line);
        wordStart = i;
      }
      if (splits) word = FNV_START;
      if (kind === Kind.Joint) wordStart = i + 1;
      else {
        const code = kind === Kind.Upper ? bytes[i]! + 32 : bytes[i]!;
        word = Math.imul(word ^ code, FNV_PRIME);
        whole = Math.imul(whole ^ code, FNV_PRIME);
      }
      before = kind;
    }
    if (to > wordStart) words += this.#word(bytes, wordStart, to, word, line);
    if (words > 1) this.#add(wholeTerm(whole), line);
  }

  /** Adds a word's term; returns the number of terms added. */
  #word(bytes: Uint8Array, from: number, to: number, hash: number, line: number): number {
    const length = to - from;
    if (length < 2) return 0;
    if (KIND[bytes[from]!] === Kind.Digit && length > LONGEST_NUMBER) return 0;
    this.#add(this.#stems.get(bytes, from, to, hash), line);
    return 1;
  }

  #unicode(bytes: Uint8Array, from: number, to: number, line: number): void {
    if (to - from > LONGEST_PROSE) return;
    for (const word of wordsOf(DECODER.decode(bytes.subarray(from, to)))) this.#add(termOf(word), line);
  }

  #add(term: number, line: number): void {
    if (this.count === this.terms.length) {
      this.terms = grown(this.terms);
      this.lines = grown(this.lines);
    }
    this.terms[this.count] = term;
    this.lines[this.count++] = line;
  }
}

/** The term of a lower-case word. */
export function termOf(word: string): number {
  return hashOf(stem(word)) >>> 0;
}

/** The term of a whole identifier, the same for all spellings: `maxLength`, `max_length`. */
export function identifierTerm(name: string): number {
  return wholeTerm(hashOf(name.toLowerCase().replace(/[_$]/g, '')));
}

/** The words of a text in lower case, split at changes of case and punctuation; CJK text as pairs of characters. */
export function wordsOf(text: string): string[] {
  // Gives the same words as the code below, and is several times faster.
  if (isAscii(text)) {
    const words = text.match(/[A-Z]+(?=[A-Z][a-z])|[A-Z]+[a-z\d]*|[a-z\d]+/g) ?? [];
    return words.filter((word) => word.length > 1).map((word) => word.toLowerCase());
  }
  const found: string[] = [];
  for (const [run] of text.normalize('NFKC').matchAll(/[\p{L}\p{N}]+/gu)) {
    if (UNSPACED.test(run)) {
      for (let i = 0; i + 1 < run.length; i++) found.push(run.slice(i, i + 2));
      continue;
    }
    const words = run.split(/(?<=[\p{Ll}\p{N}])(?=\p{Lu})|(?<=\p{Lu})(?=\p{Lu}\p{Ll})/u);
    for (const word of words) if (word.length > 1) found.push(word.toLowerCase());
  }
  return found;
}

function isAscii(text: string): boolean {
  for (let i = 0; i < text.length; i++) if (text.charCodeAt(i) > 127) return false;
  return true;
}

/** Cuts endings, so that `parse`, `parser`, `parsed` and `parsing` are one stem, which need not be a word. */
export function stem(word: string): string {
  let rest = word.endsWith('ies') && word.length > 4 ? word.slice(0, -3) + 'y' : word;
  // "renderings" and "options" have several endings.
  for (let pass = 0; pass < 3; pass++) {
    const shorter = withoutEnding(rest);
    if (shorter === rest) break;
    rest = shorter;
  }
  return rest;
}

const ENDINGS =
  /^(.*[aeiouy].*?)(?:ations?|ators?|ated|ates?|ions?|ings?|ers?|ors?|ed|ments?|able|ible|ness|(?<=[^su])s|(?<=(?:ss|sh|ch|x))es|e)$/;

function withoutEnding(word: string): string {
  if (word.length < 4) return word;
  const rest = ENDINGS.exec(word)?.[1];
  if (rest === undefined || rest.length < 3) return word;
  // "stopped", "running"
  return /([bdfgmnprt])\1$/.test(rest) && rest.length > 3 ? rest.slice(0, -1) : rest;
}

const enum Kind {
  Other,
  LineEnd,
  Lower,
  Upper,
  Digit,
  Joint,
  NotAscii,
}

const KIND = Uint8Array.from({ length: 256 }, (_, byte) => {
  const char = String.fromCharCode(byte);
  if (char === '\n') return Kind.LineEnd;
  if (byte >= 128) return Kind.NotAscii;
  if (/[a-z]/.test(char)) return Kind.Lower;
  if (/[A-Z]/.test(char)) return Kind.Upper;
  if (/\d/.test(char)) return Kind.Digit;
  return /[_$]/.test(char) ? Kind.Joint : Kind.Other;
});

/** Longer names are data, such as base64 or hashes. */
const LONGEST_NAME = 80;
const LONGEST_NUMBER = 6;
const LONGEST_PROSE = 1000;
const UNSPACED = /[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af\u0e00-\u0e7f]/;
const FNV_START = 0x811c9dc5 | 0;
const FNV_PRIME = 0x01000193;
const DECODER = new TextDecoder();

/** Caches the terms of words by the hash of their bytes; a newer word replaces the older one in its slot. */
class StemCache {
  readonly #keys = new Int32Array(1 << 16);
  readonly #terms = new Uint32Array(1 << 16);

  get(bytes: Uint8Array, from: number, to: number, hash: number): number {
    const slot = (hash ^ (hash >>> 16)) & 0xffff;
    if (this.#keys[slot] === hash && hash !== 0) return this.#terms[slot]!;
    let word = '';
    for (let i = from; i < to; i++) word += String.fromCharCode(bytes[i]!);
    const term = termOf(word.toLowerCase());
    this.#keys[slot] = hash;
    this.#terms[slot] = term;
    return term;
  }
}

/** Keeps whole identifiers apart from words: `setUp` is not "setup". */
function wholeTerm(hash: number): number {
  return Math.imul(hash ^ 0x5bd1e995, 0x85ebca6b) >>> 0;
}

function hashOf(text: string): number {
  let hash = FNV_START;
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    hash = Math.imul(hash ^ (code & 0xff), FNV_PRIME);
    if (code > 0xff) hash = Math.imul(hash ^ (code >> 8), FNV_PRIME);
  }
  return hash;
}

function grown(array: Uint32Array<ArrayBuffer>): Uint32Array<ArrayBuffer> {
  const larger = new Uint32Array(2 * array.length);
  larger.set(array);
  return larger;
}
