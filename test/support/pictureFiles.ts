/** Small picture files, byte by byte. */
import { crc32, deflateSync, gzipSync } from 'node:zlib';

/** A PNG file. `rows` has the bytes of each row; `type` is the colour type: 0 grey, 2 RGB, 6 RGBA. */
export function pngFile(
  size: { width: number; height: number },
  rows: (row: number) => Uint8Array,
  { type, depth }: { type: 0 | 2 | 6; depth: 1 | 8 } = { type: 2, depth: 8 },
): Buffer {
  const header = Buffer.alloc(13);
  header.writeUInt32BE(size.width, 0);
  header.writeUInt32BE(size.height, 4);
  header.set([depth, type], 8);
  const pixels = Array.from({ length: size.height }, (_, row) => Buffer.concat([Buffer.of(0), rows(row)]));
  return Buffer.concat([
    Buffer.from('\x89PNG\r\n\x1a\n', 'latin1'),
    chunk('IHDR', header),
    chunk('IDAT', deflateSync(Buffer.concat(pixels))),
    chunk('IEND', Buffer.alloc(0)),
  ]);
}

/** One colour all over. */
export function plainPng(width: number, height: number, rgb: readonly number[] = [200, 30, 30]): Buffer {
  const row = Uint8Array.from({ length: 3 * width }, (_, i) => rgb[i % 3]!);
  return pngFile({ width, height }, () => row);
}

/** White, at one bit a pixel, so that a very large picture is a small file. */
export function whitePng(width: number, height: number): Buffer {
  const row = new Uint8Array(Math.ceil(width / 8)).fill(255);
  return pngFile({ width, height }, () => row, { type: 0, depth: 1 });
}

/** A JPEG file with EXIF data that say how to turn it. */
export function turnedJpeg(jpeg: Buffer, orientation: number): Buffer {
  const exif = Buffer.from('Exif\0\0MM\0*\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0\0\0\0\0\0\0\0', 'latin1');
  exif.writeUInt16BE(orientation, 24);
  const length = Buffer.alloc(2);
  length.writeUInt16BE(exif.length + 2);
  return Buffer.concat([jpeg.subarray(0, 2), Buffer.of(0xff, 0xe1), length, exif, jpeg.subarray(2)]);
}

/** Two frames of one pixel each: red, then blue. */
export const GIF = Buffer.from(
  '474946383961010001008000' +
    '00ff00000000ff' +
    '2c00000000010001000002024401' +
    '00' +
    '2c0000000001000100000202' +
    '4c01003b',
  'hex',
);
/** One pixel, red. */
export const BMP = Buffer.from(
  '424d3a000000000000003600000028000000010000000100000001001800000000000400000000000000000000000000000000000000' +
    '0000ff00',
  'hex',
);
/** Two by two pixels. */
export const AVIF = Buffer.from(
  'AAAAIGZ0eXBhdmlmAAAAAGF2aWZtaWYxbWlhZk1BMUIAAADybWV0YQAAAAAAAAAoaGRscgAAAAAAAAAAcGljdAAAAAAAAAAAAAAAAGxpYmF2aWYAAAAADnBpdG0AAAAAAAEAAAAeaWxvYwAAAABEAAABAAEAAAABAAABGgAAAB0AAAAoaWluZgAAAAAAAQAAABppbmZlAgAAAAABAABhdjAxQ29sb3IAAAAAamlwcnAAAABLaXBjbwAAABRpc3BlAAAAAAAAAAIAAAACAAAAEHBpeGkAAAAAAwgICAAAAAxhdjFDgQ0MAAAAABNjb2xybmNseAACAAIAAYAAAAAXaXBtYQAAAAAAAAABAAEEAQKDBAAAACVtZGF0EgAKCBgANogQEAwgMg8f8D///8WfhwB8+ErK42A=',
  'base64',
);
/** Grows to 10 GB where its entities are expanded. */
export const SVG_BOMB = Buffer.from(
  `<?xml version="1.0"?><!DOCTYPE svg [<!ENTITY a "${'lol'.repeat(10)}">${'bcdefghi'
    .split('')
    .map((name, i) => `<!ENTITY ${name} "${`&${'abcdefgh'[i]};`.repeat(10)}">`)
    .join('')}]><svg xmlns="http://www.w3.org/2000/svg"><text>&i;</text></svg>`,
);
export const PACKED_SVG = gzipSync(SVG_BOMB);

function chunk(name: string, data: Buffer): Buffer {
  const body = Buffer.concat([Buffer.from(name, 'latin1'), data]);
  const out = Buffer.alloc(8 + body.length);
  out.writeUInt32BE(data.length, 0);
  out.set(body, 4);
  out.writeUInt32BE(crc32(body), 4 + body.length);
  return out;
}
