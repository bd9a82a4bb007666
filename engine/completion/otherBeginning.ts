import type { HealedPrompt } from '../tokenizer/healing.ts';
import type { TokenConstraint } from '../tokenizer/tokenConstraint.ts';
import type { Tokenizer } from '../tokenizer/tokenizer.ts';

/** Keeps a text from beginning like one of others, so that the model writes the next likely one. */
export class OtherBeginning implements TokenConstraint {
  readonly #tokenizer: Tokenizer;
  readonly #inner: TokenConstraint | undefined;
  readonly #beginnings: readonly Uint8Array[];
  /** The bytes written so far; those before `#skip` are what token healing has removed. */
  readonly #written: number[] = [];
  readonly #skip: number;

  constructor(
    tokenizer: Tokenizer,
    beginnings: readonly string[],
    { newConstraint, removedBytes }: Pick<HealedPrompt, 'newConstraint' | 'removedBytes'>,
  ) {
    this.#tokenizer = tokenizer;
    this.#inner = newConstraint?.();
    this.#beginnings = beginnings.map((text) => new TextEncoder().encode(text));
    this.#skip = removedBytes;
  }

  get active(): boolean {
    return (this.#inner?.active ?? false) || this.#beginnings.some((beginning) => this.#agrees(beginning, []));
  }

  allows(id: number): boolean {
    if (!(this.#inner?.allows(id) ?? true)) return false;
    const bytes = this.#tokenizer.bytes(id);
    const length = this.#written.length + bytes.length - this.#skip;
    return !this.#beginnings.some((beginning) => length >= beginning.length && this.#agrees(beginning, bytes));
  }

  accept(id: number): void {
    this.#inner?.accept(id);
    this.#written.push(...this.#tokenizer.bytes(id));
  }

  /** Whether the text, with `more` behind it, and `beginning` are equal as far as both go. */
  #agrees(beginning: Uint8Array, more: ArrayLike<number>): boolean {
    const { length } = this.#written;
    for (let i = 0; i < beginning.length && this.#skip + i < length + more.length; i++) {
      const at = this.#skip + i;
      if (beginning[i] !== (at < length ? this.#written[at] : more[at - length])) return false;
    }
    return true;
  }
}
