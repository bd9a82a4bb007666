import { BadModel } from '../errors.ts';
import { quoted } from '../sources/quoted.ts';
import { MergeQueue } from './mergeQueue.ts';
import { PairTable } from './pairTable.ts';
import { BYTE_CHARACTERS } from './tokenBytes.ts';
import type { TokenizerJson } from './tokenizerJson.ts';

/** Pieces of a text that are remembered. V8 copies substrings of this length; longer ones would keep their text. */
const LONGEST_REMEMBERED = 12;
const MOST_REMEMBERED = 32_768;

/**
 * Byte-pair encoding: the characters of a piece, or with `byteLevel` its UTF-8 bytes, are symbols; of all neighbours that
 * a merge joins, those of the lowest rank are joined first, until no merge applies. As in Hugging Face's Rust library
 * (tokenizers, models/bpe), in a time of n log n. Throws BadModel, in one sentence, where the merges do not fit the
 * vocabulary.
 */
export class BytePairs {
  readonly #vocab: ReadonlyMap<string, number>;
  readonly #pairs: PairTable;
  /** By rank, the id of what the merge makes. */
  readonly #merged: Int32Array;
  readonly #unknown: number | undefined;
  readonly #fusesUnknown: boolean;
  readonly #ignoresMerges: boolean;
  /** By byte, the id of its token; of a byte-level vocabulary, or of byte_fallback. */
  readonly #byteIds: readonly (number | undefined)[];
  readonly #byteLevel: boolean;
  readonly #remembered = new Map<string, number[]>();
  readonly #queue = new MergeQueue();
  /** Scratch of one piece: the ids of its symbols, -1 where one has been joined to the left; then their neighbours. */
  #ids = new Int32Array(256);
  #next = new Int32Array(256);
  #previous = new Int32Array(256);

  constructor(model: TokenizerJson['model'], byteLevel: boolean) {
    this.#vocab = new Map(Object.entries(model.vocab));
    this.#pairs = new PairTable(model.merges.length);
    this.#merged = new Int32Array(model.merges.length);
    for (const [rank, merge] of model.merges.entries()) this.#addMerge(rank, merge);
    this.#unknown = this.#vocab.get(model.unk_token ?? '');
    this.#fusesUnknown = model.fuse_unk ?? false;
    this.#ignoresMerges = model.ignore_merges ?? false;
    this.#byteLevel = byteLevel;
    const byteName = (_: unknown, byte: number) => `<0x${byte.toString(16).toUpperCase().padStart(2, '0')}>`;
    const names = byteLevel ? BYTE_CHARACTERS : model.byte_fallback ? Array.from({ length: 256 }, byteName) : [];
    this.#byteIds = names.map((name) => this.#vocab.get(name));
  }

  encode(pieces: readonly string[]): number[] {
    const ids: number[] = [];
    for (const piece of pieces) for (const id of this.#piece(piece)) ids.push(id);
    return ids;
  }

  #addMerge(rank: number, merge: string | readonly [string, string]): void {
    const [left, right] = typeof merge === 'string' ? split(merge) : merge;
    const [a, b, result] = [left, right, left + right].map((name) => this.#vocab.get(name));
    if (a === undefined || b === undefined || result === undefined) {
      throw new BadModel(
        `The vocabulary has a merge of "${quoted(left)}" and "${quoted(right)}", which it does not contain.`,
      );
    }
    this.#pairs.set(a, b, rank);
    this.#merged[rank] = result;
  }

  #piece(piece: string): readonly number[] {
    const known = this.#remembered.get(piece);
    if (known) return known;
    const ids = this.#compute(piece);
    if (piece.length <= LONGEST_REMEMBERED) {
      if (this.#remembered.size >= MOST_REMEMBERED) this.#remembered.clear();
      this.#remembered.set(piece, ids);
    }
    return ids;
  }

  #compute(piece: string): number[] {
    const bytes = this.#byteLevel ? Buffer.from(piece) : undefined;
    if (this.#ignoresMerges) {
      const name = bytes ? Array.from(bytes, (byte) => BYTE_CHARACTERS[byte]!).join('') : piece;
      const whole = this.#vocab.get(name);
      if (whole !== undefined) return [whole];
    }
    return this.#merge(bytes ? this.#addBytes(bytes, 0) : this.#addCharacters(piece));
  }

  /** Appends the symbols of bytes to the first `count` ones. Returns how many there are then. */
  #addBytes(bytes: Uint8Array, count: number): number {
    let end = count;
    for (const byte of bytes) end = this.#add(this.#byteIds[byte] ?? this.#unknown, end);
    return end;
  }

  #addCharacters(piece: string): number {
    let count = 0;
    for (const character of piece) {
      const id = this.#vocab.get(character);
      if (id !== undefined) {
        count = this.#add(id, count);
        continue;
      }
      const bytes = Buffer.from(character);
      if (bytes.every((byte) => this.#byteIds[byte] !== undefined)) count = this.#addBytes(bytes, count);
      else if (!(this.#fusesUnknown && count > 0 && this.#ids[count - 1] === this.#unknown))
        count = this.#add(this.#unknown, count);
    }
    return count;
  }

  /** What the vocabulary cannot express is left out where it has no token for the unknown. */
  #add(id: number | undefined, count: number): number {
    if (id === undefined) return count;
    if (count === this.#ids.length) {
      this.#ids = doubled(this.#ids);
      this.#next = doubled(this.#next);
      this.#previous = doubled(this.#previous);
    }
    this.#ids[count] = id;
    return count + 1;
  }

  /** Merges the first `count` symbols. */
  #merge(count: number): number[] {
    const [ids, next, previous, queue] = [this.#ids, this.#next, this.#previous, this.#queue];
    for (let at = 0; at < count; at++) {
      next[at] = at + 1;
      previous[at] = at - 1;
      if (at + 1 < count) this.#offer(at, at + 1);
    }
    while (queue.size > 0) {
      const { rank, position } = queue.pop();
      const right = next[position]!;
      // The symbols at a position may have changed since the merge was found.
      if (ids[position]! < 0 || right >= count || this.#pairs.rank(ids[position]!, ids[right]!) !== rank) continue;
      ids[position] = this.#merged[rank]!;
      ids[right] = -1;
      const after = (next[position] = next[right]!);
      if (after < count) {
        previous[after] = position;
        this.#offer(position, after);
      }
      if (previous[position]! >= 0) this.#offer(previous[position]!, position);
    }
    const result: number[] = [];
    for (let at = 0; at < count; at = next[at]!) result.push(ids[at]!);
    return result;
  }

  #offer(left: number, right: number): void {
    const rank = this.#pairs.rank(this.#ids[left]!, this.#ids[right]!);
    if (rank >= 0) this.#queue.push(rank, left);
  }
}

function split(merge: string): [string, string] {
  const space = merge.indexOf(' ', 1);
  return [merge.slice(0, space), merge.slice(space + 1)];
}

function doubled(array: Int32Array): Int32Array<ArrayBuffer> {
  const larger = new Int32Array(2 * array.length);
  larger.set(array);
  return larger;
}
