import { StopStrings } from '../inference/stopStrings.ts';
import type { ChatPart } from '../wire/protocol.ts';
import { RepetitionDetector } from './repetition.ts';
import { SentenceLimit } from './sentenceLimit.ts';
import { type Told, Thoughts } from './thoughts.ts';
import { wholeUntil } from './wholeUntil.ts';

export interface AnswerTextOptions {
  readonly stopStrings: readonly string[];
  /** As Thoughts takes it. */
  readonly prompt: string | null;
  readonly maxSentences?: number | undefined;
}

/** Tells what a model writes as parts of a chat, and when it is enough. */
export class AnswerText {
  readonly #stops: StopStrings;
  readonly #thoughts: Thoughts;
  readonly #limit: SentenceLimit;
  readonly #repetition = new RepetitionDetector();
  readonly #onPart: (part: ChatPart) => void;
  /** What the model has written, of which what is told is the end. */
  #written = 0;
  #told = '';

  constructor({ stopStrings, prompt, maxSentences }: AnswerTextOptions, onPart: (part: ChatPart) => void) {
    this.#stops = new StopStrings(stopStrings);
    this.#thoughts = new Thoughts(prompt);
    this.#limit = new SentenceLimit(maxSentences ?? Infinity);
    this.#onPart = onPart;
  }

  /** Returns false where nothing further belongs to the answer. */
  push(text: string): boolean {
    this.#say(this.#stops.push(text));
    return !(this.#stops.stopped || this.#repeats || this.#limit.reached);
  }

  /** Tells what is still held back. */
  end(): void {
    this.#say(this.#stops.end());
    this.#tell(this.#thoughts.end());
  }

  /** Why the answer ended, where the model did not end it. */
  get stop(): 'repetition' | 'text' {
    return this.#repeats && !this.#limit.reached ? 'repetition' : 'text';
  }

  /** Of an answer that has ended since it repeated itself: the length of what is worth keeping. */
  get kept(): number {
    const { repetition } = this.#repetition;
    if (!repetition) return this.#told.length;
    const start = repetition.start - this.#written + this.#told.length;
    return start > 0 ? wholeUntil(this.#told, { ...repetition, start }) : 0;
  }

  get #repeats(): boolean {
    return this.#repetition.repetition !== undefined;
  }

  #say(text: string): void {
    this.#tell(this.#thoughts.push(text));
    this.#written += text.length;
    if (!this.#repeats) this.#repetition.push(text);
  }

  #tell({ thought, text: said }: Told): void {
    if (thought !== '') this.#onPart({ type: 'thought', text: thought });
    const text = this.#limit.push(said);
    this.#told += text;
    if (text !== '') this.#onPart({ type: 'text', text });
  }
}
