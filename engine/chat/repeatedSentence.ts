import type { Repetition } from './wholeUntil.ts';
import { countWords } from './words.ts';

/** Sentences and lines that are remembered. */
const REMEMBERED = 12;
/** Fewer words may rightly come back, as in a refrain, a table or a comment. */
const LEAST_WORDS = 8;
/** The first one and two repetitions. */
const OCCURRENCES = 3;
/** The full stop behind a number belongs to a list. */
const SENTENCE_END = /[^\d][.!?]["')”]*$/;
const LIST_ITEM = /^\s*\d+[.)]\s/;
/** Shorter items, such as the answers to a quiz, may well be equal. */
const LONG_ITEM = 15;
const SHORT_ITEMS = 8;

/**
 * Finds out when a growing text has come to nothing but a few sentences again and again, in whatever order: when a
 * sentence or a line of prose comes for the third time, and at most half of the sentences since its first time are new.
 * None of the 2,281 files of repeatedPassage.ts is taken for that.
 */
export class RepeatedSentence {
  #sentence = '';
  /** Length of the text before this sentence. */
  #length = 0;
  readonly #newest: { readonly text: string; readonly start: number }[] = [];
  /** The newest item of a numbered list, how many equal ones came one after the other, and where the second one began. */
  #item = '';
  #items = 0;
  #secondItem = 0;
  #start = 0;

  /** Where the text began to repeat itself: where a sentence began that had come before. */
  get repetition(): Repetition {
    return { start: this.#start, length: 0 };
  }

  /** Appends a piece of text. Returns whether a sentence has ended in it that repeats itself. */
  push(piece: string): boolean {
    for (const character of piece) {
      const ends = character === '\n' || (character === ' ' && SENTENCE_END.test(this.#sentence));
      if (ends && this.#end()) return true;
      if (!ends) this.#sentence += character;
    }
    return false;
  }

  #end(): boolean {
    // Without the signs of a list or a heading, whose numbers may grow.
    const isItem = LIST_ITEM.test(this.#sentence);
    const sentence = this.#sentence.replace(/^[\s\d.)*#>-]+/, '').trim();
    const start = this.#length;
    // With the character that ends it.
    this.#length += this.#sentence.length + 1;
    this.#sentence = '';
    if (sentence === '') return false;
    if (isItem && /\p{L}/u.test(sentence) && this.#repeatsItem(sentence, start)) return true;
    this.#newest.push({ text: sentence, start });
    if (this.#newest.length > REMEMBERED) this.#newest.shift();
    const first = this.#newest.flatMap(({ text }, i) => (text === sentence ? [i] : [])).at(-OCCURRENCES);
    if (first === undefined || countWords(sentence) < LEAST_WORDS) return false;
    // Between lines that rightly come back, as in documentation, most lines are new.
    const since = this.#newest.slice(first);
    const texts = since.map(({ text }) => text);
    if (new Set(texts).size > since.length / 2) return false;
    this.#start = since.find(({ text }, i) => texts.indexOf(text) < i)!.start;
    return true;
  }

  /** Whether equal items follow one another, whose numbers alone differ. */
  #repeatsItem(item: string, start: number): boolean {
    this.#items = item === this.#item ? this.#items + 1 : 1;
    this.#item = item;
    if (this.#items === 2) this.#secondItem = start;
    this.#start = this.#secondItem;
    return this.#items >= (item.length >= LONG_ITEM ? OCCURRENCES : SHORT_ITEMS);
  }
}
