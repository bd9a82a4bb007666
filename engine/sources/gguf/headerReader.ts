import { isUtf8 } from 'node:buffer';
import { BadModel } from '../../errors.ts';

/** Thrown where the header goes on behind the bytes at hand; not a failure. */
export class HeaderIncomplete extends Error {
  override name = 'HeaderIncomplete';
}

/** Reads the little-endian values at the start of a file, one after another. No read goes beyond the bytes at hand. */
export class HeaderReader {
  readonly #name: string;
  readonly #bytes: Buffer;
  readonly #limit: number;
  #at = 0;

  /** `bytes` are the first ones of a file that may be read up to `limit`. */
  constructor(name: string, bytes: Buffer, limit: number) {
    this.#name = name;
    this.#bytes = bytes;
    this.#limit = limit;
  }

  /** Position of the next value in the file. */
  get position(): number {
    return this.#at;
  }

  u8 = (): number => this.#bytes.readUInt8(this.#take(1));
  i8 = (): number => this.#bytes.readInt8(this.#take(1));
  u16 = (): number => this.#bytes.readUInt16LE(this.#take(2));
  i16 = (): number => this.#bytes.readInt16LE(this.#take(2));
  u32 = (): number => this.#bytes.readUInt32LE(this.#take(4));
  i32 = (): number => this.#bytes.readInt32LE(this.#take(4));
  f32 = (): number => this.#bytes.readFloatLE(this.#take(4));
  f64 = (): number => this.#bytes.readDoubleLE(this.#take(8));
  u64 = (): number => this.#exact(this.#bytes.readBigUInt64LE(this.#take(8)));
  i64 = (): number => this.#exact(this.#bytes.readBigInt64LE(this.#take(8)));

  bool = (): boolean => {
    const value = this.u8();
    if (value > 1) this.fail(`a truth value is ${value} instead of 0 or 1`);
    return value === 1;
  };

  /** A text with its length before it. */
  string = (): string => {
    const length = this.count(1, 'the length of a text');
    const from = this.#take(length);
    // Unlike TextDecoder, this keeps U+FEFF, which vocabularies contain. Invalid bytes become U+FFFD, but so does U+FFFD.
    const text = this.#bytes.toString('utf8', from, from + length);
    if (text.includes('\ufffd') && !isUtf8(this.#bytes.subarray(from, from + length))) {
      this.fail(`the text at byte ${from} is not valid UTF-8`);
    }
    return text;
  };

  /** A 64-bit count of things that take at least `bytesEach` each, which the rest of the file must be able to hold. */
  count(bytesEach: number, what: string): number {
    const from = this.#take(8);
    // Without a BigInt for each text. Where the sum is not exact, it is too large in any case.
    const value = this.#bytes.readUInt32LE(from) + this.#bytes.readUInt32LE(from + 4) * 2 ** 32;
    const room = this.#limit - this.#at;
    if (value * bytesEach > room) {
      this.fail(`${what} is ${this.#bytes.readBigUInt64LE(from)}, but there is room for ${room} bytes`);
    }
    return value;
  }

  fail(problem: string): never {
    throw new BadModel(`${this.#name} is damaged or incomplete: ${problem}.`);
  }

  #exact(value: bigint): number {
    const number = Number(value);
    if (!Number.isSafeInteger(number)) this.fail(`the number ${value} is beyond 2^53`);
    return number;
  }

  /** Claims the next bytes and returns where they start. */
  #take(bytes: number): number {
    const from = this.#at;
    if (from + bytes > this.#limit) this.fail(`its header goes beyond byte ${this.#limit}`);
    if (from + bytes > this.#bytes.length) throw new HeaderIncomplete();
    this.#at += bytes;
    return from;
  }
}
