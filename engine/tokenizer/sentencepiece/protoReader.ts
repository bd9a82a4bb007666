import { BadModel } from '../../errors.ts';

const VARINT = 0;
const FIXED64 = 1;
const BYTES = 2;
const FIXED32 = 5;

/**
 * Reads a message in Protocol Buffers' wire format, field by field; each field must be read or skipped before the next.
 * Every length is checked: damaged files end in BadModel. https://protobuf.dev/programming-guides/encoding/
 */
export class ProtoReader {
  readonly #bytes: Uint8Array;
  readonly #name: string;
  #at = 0;
  #wire = VARINT;

  /** `name` is the file's name in messages. */
  constructor(bytes: Uint8Array, name: string) {
    this.#bytes = bytes;
    this.#name = name;
  }

  /** The numbers of the fields, in the order of the file. */
  *fields(): Generator<number> {
    while (this.#at < this.#bytes.length) {
      const key = this.#varint();
      this.#wire = key & 7;
      yield key >>> 3;
    }
  }

  /** An integer, as 32 bits with a sign; booleans and enumerations are integers. */
  integer(): number {
    this.#expect(VARINT);
    return this.#varint() | 0;
  }

  float(): number {
    this.#expect(FIXED32);
    const bytes = this.#take(4);
    return new DataView(bytes.buffer, bytes.byteOffset).getFloat32(0, true);
  }

  bytes(): Uint8Array {
    this.#expect(BYTES);
    return this.#take(this.#varint());
  }

  text(): string {
    try {
      return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(this.bytes());
    } catch {
      throw this.#damaged();
    }
  }

  message(): ProtoReader {
    return new ProtoReader(this.bytes(), this.#name);
  }

  skip(): void {
    if (this.#wire === VARINT) this.#varint();
    else if (this.#wire === FIXED64) this.#take(8);
    else if (this.#wire === BYTES) this.bytes();
    else if (this.#wire === FIXED32) this.#take(4);
    else throw this.#damaged();
  }

  /** The lowest 32 bits of a number of up to ten bytes, without a sign. */
  #varint(): number {
    let value = 0;
    for (let shift = 0; shift < 70; shift += 7) {
      const byte = this.#take(1)[0]!;
      if (shift < 32) value |= (byte & 0x7f) << shift;
      if (byte < 0x80) return value >>> 0;
    }
    throw this.#damaged();
  }

  #take(length: number): Uint8Array {
    if (length > this.#bytes.length - this.#at) throw this.#damaged();
    return this.#bytes.subarray(this.#at, (this.#at += length));
  }

  #expect(wire: number): void {
    if (this.#wire !== wire) throw this.#damaged();
  }

  #damaged(): BadModel {
    return new BadModel(`${this.#name} is damaged: it is no valid SentencePiece model.`);
  }
}
