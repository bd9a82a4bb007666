import { mulberry32 } from '../../../engine/inference/random.ts';

/** A copy of a file whose first `headerBytes` bytes were damaged, in a way that the seed determines, and how. */
export function mutate(file: Uint8Array, headerBytes: number, seed: number): { kind: string; bytes: Buffer } {
  const random = mulberry32(seed);
  const below = (limit: number): number => Math.floor(random() * limit);
  const kinds = Object.keys(MUTATIONS);
  const kind = kinds[seed % kinds.length]!;
  return { kind, bytes: MUTATIONS[kind]!({ bytes: Buffer.from(file), headerBytes, below }) };
}

interface Damage {
  readonly bytes: Buffer;
  readonly headerBytes: number;
  /** A random whole number from 0 up to `limit`, exclusive. */
  below(limit: number): number;
}

/** Numbers at which comparisons and sizes overflow, and small ones that are wrong. */
const EXTREMES = [
  0n,
  1n,
  2n,
  3n,
  7n,
  0xffn,
  2n ** 16n,
  2n ** 31n - 1n,
  2n ** 31n,
  2n ** 32n - 1n,
  2n ** 32n,
  2n ** 40n,
].concat([2n ** 53n - 1n, 2n ** 53n, 2n ** 61n, 2n ** 63n - 1n, 2n ** 63n, 2n ** 64n - 1n]);

const MUTATIONS: Readonly<Record<string, (damage: Damage) => Buffer>> = {
  'bits flipped': ({ bytes, headerBytes, below }) => {
    for (let n = 1 + below(8); n > 0; n--) bytes[below(headerBytes)]! ^= 1 << below(8);
    return bytes;
  },
  'bytes overwritten': ({ bytes, headerBytes, below }) => {
    for (let n = 1 + below(16); n > 0; n--) bytes[below(headerBytes)] = below(256);
    return bytes;
  },
  'cut off': ({ bytes, below }) => bytes.subarray(0, below(bytes.length)),
  'cut off in the header': ({ bytes, headerBytes, below }) => bytes.subarray(0, below(headerBytes)),
  'a number of 8 bytes set to an extreme': ({ bytes, headerBytes, below }) => {
    // Lengths, counts, sizes and offsets are small numbers; any other bytes are overwritten by the other kinds.
    const fields = positions(bytes, headerBytes - 8).filter((at) => bytes.readBigUInt64LE(at) < 2n ** 20n);
    const at = fields.length > 0 ? fields[below(fields.length)]! : below(headerBytes - 8);
    bytes.writeBigUInt64LE(EXTREMES[below(EXTREMES.length)]!, at);
    return bytes;
  },
  'a number of 4 bytes set to an extreme': ({ bytes, headerBytes, below }) => {
    const fields = positions(bytes, headerBytes - 4).filter((at) => bytes.readUInt32LE(at) < 64);
    const at = fields.length > 0 ? fields[below(fields.length)]! : below(headerBytes - 4);
    bytes.writeUInt32LE(Number(EXTREMES[below(10)]!), at);
    return bytes;
  },
  'a number in digits set to an extreme': ({ bytes, headerBytes, below }) => {
    const header = bytes.toString('latin1', 0, headerBytes);
    const numbers = [...header.matchAll(/\d+/g)];
    if (numbers.length === 0) return bytes.subarray(0, headerBytes);
    const { index, 0: digits } = numbers[below(numbers.length)]!;
    const others = [
      '-1',
      '1e308',
      '0.5',
      '9007199254740993',
      '"1"',
      'null',
      '[]',
      '{}',
      String(EXTREMES[below(EXTREMES.length)]),
    ];
    const changed = header.slice(0, index) + others[below(others.length)]! + header.slice(index + digits.length);
    // Of a format whose first 8 bytes are the header's length.
    const text = Buffer.from(changed, 'latin1');
    if (bytes.readBigUInt64LE(0) === BigInt(headerBytes - 8)) text.writeBigUInt64LE(BigInt(text.length - 8), 0);
    return Buffer.concat([text, bytes.subarray(headerBytes)]);
  },
  'a part copied elsewhere': ({ bytes, headerBytes, below }) => {
    const from = below(headerBytes);
    const length = 1 + below(Math.min(64, headerBytes - from));
    bytes.copy(bytes, below(headerBytes), from, from + length);
    return bytes;
  },
  'a part removed': ({ bytes, headerBytes, below }) => {
    const from = below(headerBytes);
    return Buffer.concat([bytes.subarray(0, from), bytes.subarray(from + 1 + below(64))]);
  },
  'a part repeated': ({ bytes, headerBytes, below }) => {
    const from = below(headerBytes);
    const end = from + 1 + below(64);
    return Buffer.concat([bytes.subarray(0, end), bytes.subarray(from)]);
  },
  'a name like another': ({ bytes, headerBytes, below }) => {
    // Names of tensors of two layers, which are equally long.
    const header = bytes.toString('latin1', 0, headerBytes);
    const names = [...header.matchAll(/(?<=blk\.|layers\.)\d(?=\.)/g)];
    if (names.length > 0) bytes[names[below(names.length)]!.index] = 0x30 + below(3);
    return bytes;
  },
  'text that is not UTF-8': ({ bytes, headerBytes, below }) => {
    const letters = positions(bytes, headerBytes).filter((at) => bytes[at]! >= 0x61 && bytes[at]! <= 0x7a);
    for (let n = 1 + below(3); n > 0; n--)
      bytes[letters[below(letters.length)]!] = [0xff, 0xc0, 0xed, 0x80, 0xf8][below(5)]!;
    return bytes;
  },
};

function positions(bytes: Buffer, end: number): number[] {
  return Array.from({ length: Math.min(end, bytes.length) }, (_, at) => at);
}
