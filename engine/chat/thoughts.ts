const OPEN = '<think>';
const CLOSE = '</think>';

/** A piece of an answer, in its two kinds. */
export interface Told {
  readonly thought: string;
  readonly text: string;
}

/** Tells the thoughts with which an answer may begin from the answer, while it is being written. */
export class Thoughts {
  #state: 'beginning' | 'thinking' | 'thought' | 'answering';
  /** What may turn out to be either. */
  #held = '';

  /**
   * `prompt` is the text behind which the answer begins, since some templates open the thoughts themselves; null for the
   * rest of an answer, which has none.
   */
  constructor(prompt: string | null) {
    const isOpen = prompt?.trimEnd().endsWith(OPEN);
    this.#state = prompt === null ? 'answering' : isOpen ? 'thinking' : 'beginning';
  }

  push(piece: string): Told {
    this.#held += piece;
    let thought = '';
    if (this.#state === 'beginning') {
      const begun = this.#held.trimStart();
      if (begun.startsWith(OPEN)) {
        this.#state = 'thinking';
        this.#held = begun.slice(OPEN.length);
      } else if (OPEN.startsWith(begun)) return { thought, text: '' };
      else this.#state = 'answering';
    }
    if (this.#state === 'thinking') {
      const end = this.#held.indexOf(CLOSE);
      const upTo = end < 0 ? this.#held.length - partLength(this.#held) : end;
      thought = this.#held.slice(0, upTo);
      this.#held = this.#held.slice(end < 0 ? upTo : end + CLOSE.length);
      if (end < 0) return { thought, text: '' };
      this.#state = 'thought';
    }
    if (this.#state === 'thought') {
      this.#held = this.#held.trimStart();
      if (this.#held === '') return { thought, text: '' };
      this.#state = 'answering';
    }
    return { thought, text: this.#take() };
  }

  /** What is still held back, at the end of the answer. */
  end(): Told {
    const held = this.#take();
    return this.#state === 'thinking' ? { thought: held, text: '' } : { thought: '', text: held };
  }

  #take(): string {
    const held = this.#held;
    this.#held = '';
    return held;
  }
}

/** Length of the longest end of `text` that may be the beginning of CLOSE. */
function partLength(text: string): number {
  for (let length = Math.min(CLOSE.length - 1, text.length); length > 0; length--)
    if (text.endsWith(CLOSE.slice(0, length))) return length;
  return 0;
}
