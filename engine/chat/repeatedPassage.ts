import type { Repetition } from './wholeUntil.ts';
import { countWords } from './words.ts';

/** Longest passage whose repetition is found, in UTF-16 units: some 1,000 tokens. */
const LONGEST_PASSAGE = 4096;
/** A passage counts as repeated when this many copies follow it at once. */
const COPIES = 2;
/** Shorter passages must fill more text, since code and lists rightly hold a few equal lines in a row. */
const LONG_PASSAGE = 60;
const SHORT_PASSAGES_FILL = 400;
/** Lines of a table, ASCII art, and lists of numbers have no letters. */
const SIGNS_FILL = 1000;
/** A sentence has that many words, which hardly any line of code has. */
const SENTENCE_WORDS = 5;
const SHORTEST_SENTENCE = 20;
const [LINE_FEED, SPACE, DIGIT_0, DIGIT_9] = [10, 32, 48, 57];

/** The end of the text, of which copies came before: `run` characters of copies in all. */
interface Passage {
  readonly length: number;
  readonly run: number;
}

/**
 * Finds out when a growing text repeats itself without end, as small models do: when a passage is followed by two copies
 * of itself. Measured on 19.6 MB of this repository, Python's library and packages, manuals and npm packages: of 2,281
 * files, three are taken for a repetition, two tests and a drawing of equal lines.
 *
 * For each distance p, the length of the run of characters that equal the one p before them is kept. A character changes
 * only the runs of those distances at which the same character stands, so that the others cost nothing.
 */
export class RepeatedPassage {
  /** UTF-16 units of the text, without numbers at the beginning of lines. */
  readonly #units: number[] = [];
  /** By unit: where it stands in the text. */
  readonly #places: number[] = [];
  #length = 0;
  #atLineStart = true;
  #repetition: Repetition = { start: 0, length: 0 };
  /** The newest position of each UTF-16 unit, and for each position, modulo the length, the one before it; -1 for none. */
  readonly #newest = new Int32Array(65536).fill(-1);
  readonly #before = new Int32Array(LONGEST_PASSAGE);
  /** By distance: the length of its run, and the position at which the run ends so far. */
  readonly #runs = new Int32Array(LONGEST_PASSAGE);
  readonly #ends = new Int32Array(LONGEST_PASSAGE).fill(-1);

  /** Where the text began to repeat itself: at the end of the first copy. */
  get repetition(): Repetition {
    return this.#repetition;
  }

  /** Appends a piece of text. Returns whether the text repeats itself now. */
  push(piece: string): boolean {
    for (let i = 0; i < piece.length; i++) {
      const code = piece.charCodeAt(i);
      this.#length++;
      if (this.#isNumber(code)) continue;
      if (this.#repeatsWith(code)) return true;
    }
    return false;
  }

  /** Whether a character belongs to the number of a list's item, which grows while the items repeat themselves. */
  #isNumber(code: number): boolean {
    const isDigit = code >= DIGIT_0 && code <= DIGIT_9;
    if (code === LINE_FEED) this.#atLineStart = true;
    else if (code !== SPACE && !isDigit) this.#atLineStart = false;
    return isDigit && this.#atLineStart;
  }

  #repeatsWith(code: number): boolean {
    const at = this.#units.push(code) - 1;
    this.#places.push(this.#length - 1);
    let passage: Passage | undefined;
    for (let place = this.#newest[code]!; place >= 0; place = this.#before[place % LONGEST_PASSAGE]!) {
      const distance = at - place;
      if (distance >= LONGEST_PASSAGE) break;
      const run = this.#ends[distance] === at - 1 ? this.#runs[distance]! + 1 : 1;
      this.#runs[distance] = run;
      this.#ends[distance] = at;
      // The shortest distance counts: at two times this one, two lines would look like one long passage.
      if (run >= COPIES * distance) passage ??= { length: distance, run };
    }
    this.#before[at % LONGEST_PASSAGE] = this.#newest[code]!;
    this.#newest[code] = at;
    if (passage === undefined || !this.#isRepetition(passage)) return false;
    const copy = this.#units.length - passage.run;
    const start = this.#places[copy]!;
    this.#repetition = { start, length: this.#places[copy + passage.length]! - start };
    return true;
  }

  #isRepetition({ length, run }: Passage): boolean {
    if (length < SHORTEST_SENTENCE && run < SHORT_PASSAGES_FILL) return false;
    const text = String.fromCharCode(...this.#units.slice(-length));
    if (!/\p{L}/u.test(text)) return run >= SIGNS_FILL;
    return length >= LONG_PASSAGE || run >= SHORT_PASSAGES_FILL || countWords(text) >= SENTENCE_WORDS;
  }
}
