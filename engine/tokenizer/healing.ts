import type { TokenConstraint } from './tokenConstraint.ts';
import { byteString, tokenIndex } from './tokenIndex.ts';
import type { Tokenizer } from './tokenizer.ts';

export interface HealedPrompt {
  /** The prompt without the tokens whose bytes the model writes again. */
  readonly ids: number[];
  /** Number of bytes that the generation repeats before it writes new text. */
  readonly removedBytes: number;
  readonly removedTokens: number;
  /** Makes a constraint, for one generation, by which the model writes the removed bytes again; absent where there are none. */
  readonly newConstraint?: () => TokenConstraint;
}

/** Words rarely have more tokens, and each removed token costs a step. */
const MOST_TOKENS = 4;

/**
 * Token healing. A prompt that ends where the user types may end in tokens that the model never saw in this place: the
 * token `retu` is not how `return` begins. As many of the last tokens as can together begin a longer token are removed
 * (but never the first token), and a constraint makes the model write their bytes again, in tokens of its choice.
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
    if (bytes !== '' && index.hasLonger(bytes)) {
      removed = bytes;
      removedTokens = count;
    }
  }
  if (removedTokens === 0) return { ids: [...ids], removedBytes: 0, removedTokens: 0 };
  return {
    ids: ids.slice(0, -removedTokens),
    removedBytes: removed.length,
    removedTokens,
    newConstraint: () => new SpellAgain(tokenizer, removed),
  };
}

/** Allows tokens, shorter or longer, that agree with the bytes that are still to be written. */
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
