import type { TokenConstraint } from './tokenConstraint.ts';
import { byteString, tokenIndex } from './tokenIndex.ts';
import type { Tokenizer } from './tokenizer.ts';

export interface HealedPrompt {
  /** The prompt without the tokens whose bytes are to be written again. */
  readonly ids: number[];
  /** How many bytes the generation writes before it says something new. */
  readonly removedBytes: number;
  readonly removedTokens: number;
  /** Absent where nothing was removed. */
  readonly constraint?: TokenConstraint;
}

/** Words seldom have more tokens; every token removed is one more step. */
const MOST_TOKENS = 4;

/**
 * Token healing. A prompt cut where the user types ends in tokens that the model would never have seen there: after
 * `retu` the token `retu` is unlike the beginning of `return`. The last tokens are taken away (never the
 * first of all), as many as together can begin one longer token, and the constraint makes the model write their bytes again, in whatever tokens it likes.
 */
export function healPrompt(tokenizer: Tokenizer, ids: readonly number[]): HealedPrompt {
  const index = tokenIndex(tokenizer);
  let removed = '';
  let removedTokens = 0;
  let bytes = '';
  for (let count = 1; count <= Math.min(MOST_TOKENS, ids.length - 1); count++) {
    const id = ids[ids.length - count]!;
    if (tokenizer.specialIds.has(id)) break;
    bytes = byteString(tokenizer.bytes(id)) + bytes;
    if (bytes !== '' && index.goesOn(bytes)) {
      removed = bytes;
      removedTokens = count;
    }
  }
  if (removedTokens === 0) return { ids: [...ids], removedBytes: 0, removedTokens: 0 };
  return {
    ids: ids.slice(0, -removedTokens),
    removedBytes: removed.length,
    removedTokens,
    constraint: new SpellAgain(tokenizer, removed),
  };
}

/** Allows the tokens that agree with the bytes still to be written, shorter or longer. */
class SpellAgain implements TokenConstraint {
  readonly #tokenizer: Tokenizer;
  #rest: string;

  constructor(tokenizer: Tokenizer, rest: string) {
    this.#tokenizer = tokenizer;
    this.#rest = rest;
  }

  get active(): boolean {
    return this.#rest !== '';
  }

  allows(id: number): boolean {
    if (!this.active) return true;
    const bytes = this.#tokenizer.bytes(id);
    if (bytes.length === 0 || this.#tokenizer.specialIds.has(id)) return false;
    const common = Math.min(bytes.length, this.#rest.length);
    for (let i = 0; i < common; i++) if (bytes[i] !== this.#rest.charCodeAt(i)) return false;
    return true;
  }

  accept(id: number): void {
    this.#rest = this.#rest.slice(this.#tokenizer.bytes(id).length);
  }
}
