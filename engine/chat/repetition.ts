import { RepeatedPassage } from './repeatedPassage.ts';
import { RepeatedSentence } from './repeatedSentence.ts';

/** Finds out when a growing text repeats itself without end, as small models do. */
export class RepetitionDetector {
  readonly #detectors = [new RepeatedPassage(), new RepeatedSentence()];

  /** Appends a piece of text. Returns whether the text repeats itself now. */
  push(piece: string): boolean {
    return this.#detectors.some((detector) => detector.push(piece));
  }
}
