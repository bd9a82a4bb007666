/**
 * Longest first. Measured on completions of recorded edits with the starter model: longer ones find nothing more, and
 * what a single token foretells comes 2 times in 5.
 */
const NGRAM_TOKENS = [3, 2, 1] as const;
/** Longer matches foretell no better. */
export const LONGEST_MATCH = 16;
/** Stands between texts: no token has this id. */
const BETWEEN = -1;
/** Room for what will be generated, so that tables are seldom crowded. */
const ROOM_TOKENS = 1024;

export interface Match {
  /** Where, in the index, what followed begins. */
  readonly position: number;
  /** How many tokens before it are those at the end now; at most LONGEST_MATCH. */
  readonly length: number;
}

/**
 * The last place of every n-gram of some texts and of a growing last one. Adding a token and looking one up take a time
 * that does not depend on the texts' lengths. Tables forget n-grams that others of the same hash displace; what they
 * find is compared with the texts, so that a match is one.
 */
export class NgramIndex {
  #ids = new Int32Array();
  #count = 0;
  /** For each of NGRAM_TOKENS: hash -> position behind the last n-gram of this hash, 0 where there is none. */
  #tables: readonly Int32Array[] = [];
  /** For each of NGRAM_TOKENS, by position: what stood in the table before, to go back to. */
  #displaced: Int32Array[] = [];

  constructor(texts: readonly (readonly number[])[] = []) {
    this.replace(texts);
  }

  /** Becomes the index of these texts; what stands at the beginning of those before too is not indexed again. */
  replace(texts: readonly (readonly number[])[]): void {
    const tokens = texts.reduce((sum, text) => sum + text.length + 1, 0);
    const size = 2 ** Math.ceil(Math.log2(2 * (tokens + ROOM_TOKENS))); // At most half full: few displace others.
    if ((this.#tables[0]?.length ?? 0) < size) {
      this.#ids = new Int32Array(tokens + ROOM_TOKENS);
      this.#count = 0;
      this.#tables = NGRAM_TOKENS.map(() => new Int32Array(size));
      this.#displaced = NGRAM_TOKENS.map(() => new Int32Array(this.#ids.length));
    }
    let at = 0;
    const put = (id: number): void => {
      if (at < this.#count && this.#ids[at] !== id) this.#truncate(at);
      if (at === this.#count) this.push(id);
      at++;
    };
    texts.forEach((text, i) => {
      if (i > 0) put(BETWEEN);
      for (const id of text) put(id);
    });
    this.#truncate(at);
  }

  /** The last text goes on with `id`. */
  push(id: number): void {
    if (this.#count === this.#ids.length) {
      this.#ids = twiceAsLong(this.#ids);
      this.#displaced = this.#displaced.map(twiceAsLong);
    }
    // Only now, so that the end is never found as a match of itself.
    NGRAM_TOKENS.forEach((length, i) => {
      if (this.#count < length) return;
      const [table, slot] = [this.#tables[i]!, this.#hash(length)];
      this.#displaced[i]![this.#count] = table[slot]!;
      table[slot] = this.#count;
    });
    this.#ids[this.#count++] = id;
  }

  /** Goes back to the first `count` ids, as if no others had come. */
  #truncate(count: number): void {
    while (this.#count > count) {
      this.#count--;
      NGRAM_TOKENS.forEach((length, i) => {
        if (this.#count >= length) this.#tables[i]![this.#hash(length)] = this.#displaced[i]![this.#count]!;
      });
    }
  }

  /** Where the end of the last text stood before, by the longest n-gram that is found. */
  match(): Match | null {
    for (const [i, length] of NGRAM_TOKENS.entries()) {
      if (this.#count < length) continue;
      const position = this.#tables[i]![this.#hash(length)]!;
      const matched = this.#matchedBefore(position);
      if (matched >= length) return { position, length: matched };
    }
    return null;
  }

  /** Up to `count` ids that followed at `position`, ending before any of `stopIds` and at the end of a text. */
  following(position: number, count: number, stopIds?: ReadonlySet<number>): number[] {
    const draft: number[] = [];
    while (draft.length < count) {
      const at = position + draft.length;
      // A match that overlaps the end repeats itself: its draft goes on with its own beginning.
      const id = at < this.#count ? this.#ids[at]! : draft[at - this.#count]!;
      if (id === BETWEEN || stopIds?.has(id)) break;
      draft.push(id);
    }
    return draft;
  }

  #matchedBefore(position: number): number {
    const ids = this.#ids;
    const count = this.#count;
    const most = Math.min(LONGEST_MATCH, position);
    let length = 0;
    while (length < most && ids[position - 1 - length] === ids[count - 1 - length]) length++;
    return length;
  }

  /** Of the last `length` ids. */
  #hash(length: number): number {
    let hash = 0;
    for (let at = this.#count - length; at < this.#count; at++) hash = Math.imul(hash ^ this.#ids[at]!, 0x9e3779b1);
    return (hash ^ (hash >>> 15)) & (this.#tables[0]!.length - 1);
  }
}

function twiceAsLong(values: Int32Array): Int32Array<ArrayBuffer> {
  const longer = new Int32Array(2 * values.length);
  longer.set(values);
  return longer;
}
