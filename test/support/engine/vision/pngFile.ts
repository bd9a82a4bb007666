import { crc32, deflateSync } from 'node:zlib';

/** A picture as PNG's colour types and depths store it. */
export interface PngPicture {
  readonly width: number;
  readonly height: number;
  readonly type: number;
  readonly depth: number;
  /** Names and contents. */
  readonly chunks?: readonly (readonly [string, readonly number[]])[];
}

/** `rows`: each behind the byte of its filter. */
export function pngFile(picture: PngPicture, rows: Uint8Array, isInterlaced = false): Buffer {
  const header = Buffer.alloc(13);
  header.writeUInt32BE(picture.width, 0);
  header.writeUInt32BE(picture.height, 4);
  header.set([picture.depth, picture.type, 0, 0, isInterlaced ? 1 : 0], 8);
  return Buffer.concat([
    Buffer.from('89504e470d0a1a0a', 'hex'),
    chunk('IHDR', header),
    ...(picture.chunks ?? []).map(([name, bytes]) => chunk(name, Buffer.from(bytes))),
    chunk('IDAT', deflateSync(rows, { level: 1 })),
    chunk('IEND', Buffer.alloc(0)),
  ]);
}

function chunk(name: string, data: Buffer): Buffer {
  const named = Buffer.concat([Buffer.from(name), data]);
  const ends = Buffer.alloc(8);
  ends.writeUInt32BE(data.length, 0);
  ends.writeUInt32BE(crc32(named), 4);
  return Buffer.concat([ends.subarray(0, 4), named, ends.subarray(4)]);
}

/** Filters a row as the PNG specification says; `left` are the bytes of a whole pixel. */
export function filtered(filter: number, row: Uint8Array, above: Uint8Array, left: number): Uint8Array {
  return Uint8Array.from([filter, ...row.map((value, i) => value - predicted(filter, row, above, i, left))]);
}

function predicted(filter: number, row: Uint8Array, above: Uint8Array, i: number, left: number): number {
  const [a, b, c] = [row[i - left] ?? 0, above[i]!, above[i - left] ?? 0];
  if (filter === 4) {
    const p = a + b - c;
    const [pa, pb, pc] = [Math.abs(p - a), Math.abs(p - b), Math.abs(p - c)];
    return pa <= pb && pa <= pc ? a : pb <= pc ? b : c;
  }
  return [0, a, b, Math.floor((a + b) / 2)][filter]!;
}
