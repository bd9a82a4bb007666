import { RepeatedPassage } from './repeatedPassage.ts';
import { RepeatedSentence } from './repeatedSentence.ts';
import type { Repetition } from './wholeUntil.ts';

/** Finds out when a growing text repeats itself without end, as small models do. */
export class RepetitionDetector {
  readonly #detectors = [new RepeatedPassage(), new RepeatedSentence()];
  #repetition: Repetition | undefined;

  /** Where the text began to repeat itself; undefined where it does not. */
  get repetition(): Repetition | undefined {
    return this.#repetition;
  }

  /** Appends a piece of text. Returns whether the text repeats itself now. */
  push(piece: string): boolean {
    this.#repetition = this.#detectors.find((detector) => detector.push(piece))?.repetition;
    return this.#repetition !== undefined;
  }
}
