/**
 * Longest first. Measured on completions of recorded edits with the starter model: longer n-grams find nothing more, and
 * what a match of a single token predicts is right 2 times in 5.
 */
const NGRAM_TOKENS = [3, 2, 1] as const;
/** Longer matches predict no better. */
export const LONGEST_MATCH = 16;
/** Room for generated tokens, so that the tables rarely get crowded. */
const ROOM_TOKENS = 1024;

export interface Match {
  /** Position of the token that followed the earlier occurrence. */
  readonly position: number;
  /** Number of tokens before it that equal the tokens at the end; at most LONGEST_MATCH. */
  readonly length: number;
}

/**
 * The last position of every n-gram of a growing sequence. Appending a token and looking up a match take constant time.
 * The tables forget n-grams that others with the same hash displace; what they find is compared with the sequence, so a
 * match is always real.
 */
export class NgramIndex {
  #ids = new Int32Array();
  #count = 0;
  /** For each of NGRAM_TOKENS: hash -> position behind the last n-gram with this hash, 0 where there is none. */
  #tables: readonly Int32Array[] = [];
  /** For each of NGRAM_TOKENS, by position: the entry that this position displaced, so that it can be restored. */
  #displaced: Int32Array[] = [];

  constructor(ids: readonly number[] = []) {
    this.replace(ids);
  }

  /** Becomes the index of another sequence; a prefix in common with the previous one is not indexed again. */
  replace(ids: readonly number[]): void {
    const size = 2 ** Math.ceil(Math.log2(2 * (ids.length + ROOM_TOKENS))); // At most half full: few displace others.
    if ((this.#tables[0]?.length ?? 0) < size) {
      this.#ids = new Int32Array(ids.length + ROOM_TOKENS);
      this.#count = 0;
      this.#tables = NGRAM_TOKENS.map(() => new Int32Array(size));
      this.#displaced = NGRAM_TOKENS.map(() => new Int32Array(this.#ids.length));
    }
    let common = 0;
    while (common < Math.min(this.#count, ids.length) && this.#ids[common] === ids[common]) common++;
    this.#truncate(common);
    for (let at = common; at < ids.length; at++) this.push(ids[at]!);
  }

  /** Appends `id` to the sequence. */
  push(id: number): void {
    if (this.#count === this.#ids.length) {
      this.#ids = twiceAsLong(this.#ids);
      this.#displaced = this.#displaced.map(twiceAsLong);
    }
    // Before the id is added, so that the end never matches itself.
    NGRAM_TOKENS.forEach((length, i) => {
      if (this.#count < length) return;
      const [table, slot] = [this.#tables[i]!, this.#hash(length)];
      this.#displaced[i]![this.#count] = table[slot]!;
      table[slot] = this.#count;
    });
    this.#ids[this.#count++] = id;
  }

  /** Restores the index of the first `count` ids. */
  #truncate(count: number): void {
    while (this.#count > count) {
      this.#count--;
      NGRAM_TOKENS.forEach((length, i) => {
        if (this.#count >= length) this.#tables[i]![this.#hash(length)] = this.#displaced[i]![this.#count]!;
      });
    }
  }

  /** An earlier occurrence of the tokens at the end, found by the longest n-gram possible. */
  match(): Match | null {
    for (const [i, length] of NGRAM_TOKENS.entries()) {
      if (this.#count < length) continue;
      const position = this.#tables[i]![this.#hash(length)]!;
      const matched = this.#matchedBefore(position);
      if (matched >= length) return { position, length: matched };
    }
    return null;
  }

  /** Up to `count` ids that followed at `position`, ending before any of `stopIds` and before an image. */
  following(position: number, count: number, stopIds?: ReadonlySet<number>): number[] {
    const draft: number[] = [];
    while (draft.length < count) {
      const at = position + draft.length;
      // A match that overlaps the end is periodic: the draft continues with its own beginning.
      const id = at < this.#count ? this.#ids[at]! : draft[at - this.#count]!;
      if (id < 0 || stopIds?.has(id)) break;
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

  /** Hash of the last `length` ids. */
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
