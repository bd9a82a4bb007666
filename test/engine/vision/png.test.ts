import assert from 'node:assert/strict';
import { deflateSync, crc32 } from 'node:zlib';
import { BadRequest } from '../../../engine/errors.ts';
import { decodePng } from '../../../engine/vision/png.ts';

/** One row of pixels, as PNG's colour types and depths store them. */
const CASES: readonly {
  name: string;
  type: number;
  depth: number;
  row: number[];
  chunks?: [string, number[]][];
  rgb: number[];
}[] = [
  { name: 'colours of 8 bits', type: 2, depth: 8, row: [1, 2, 3, 250, 251, 252], rgb: [1, 2, 3, 250, 251, 252] },
  {
    name: 'colours of 16 bits: the upper 8',
    type: 2,
    depth: 16,
    row: [1, 99, 2, 0, 3, 255, 9, 9, 8, 8, 7, 7],
    rgb: [1, 2, 3, 9, 8, 7],
  },
  { name: 'grey of 8 bits', type: 0, depth: 8, row: [7, 200], rgb: [7, 7, 7, 200, 200, 200] },
  { name: 'grey of 16 bits', type: 0, depth: 16, row: [7, 1, 200, 2], rgb: [7, 7, 7, 200, 200, 200] },
  { name: 'black and white', type: 0, depth: 1, row: [0b01000000], rgb: [0, 0, 0, 255, 255, 255] },
  { name: 'grey of 2 bits', type: 0, depth: 2, row: [0b01110000], rgb: [85, 85, 85, 255, 255, 255] },
  { name: 'grey of 4 bits', type: 0, depth: 4, row: [0x2f], rgb: [34, 34, 34, 255, 255, 255] },
  {
    name: 'grey with one transparent shade',
    type: 0,
    depth: 8,
    row: [7, 200],
    chunks: [['tRNS', [0, 7]]],
    rgb: [255, 255, 255, 200, 200, 200],
  },
  {
    name: 'grey of 2 bits with one transparent shade',
    type: 0,
    depth: 2,
    row: [0b01110000],
    chunks: [['tRNS', [0, 1]]],
    rgb: [255, 255, 255, 255, 255, 255],
  },
  {
    name: 'colours with one transparent',
    type: 2,
    depth: 8,
    row: [1, 2, 3, 4, 5, 6, 1, 2, 4],
    chunks: [['tRNS', [0, 1, 0, 2, 0, 3]]],
    rgb: [255, 255, 255, 4, 5, 6, 1, 2, 4],
  },
  {
    name: 'alpha over white',
    type: 6,
    depth: 8,
    row: [0, 100, 200, 128, 9, 9, 9, 0],
    rgb: [127, 177, 227, 255, 255, 255],
  },
  { name: 'grey and alpha', type: 4, depth: 8, row: [0, 255, 0, 0], rgb: [0, 0, 0, 255, 255, 255] },
  {
    name: 'a palette',
    type: 3,
    depth: 1,
    row: [0b01000000],
    chunks: [['PLTE', [1, 2, 3, 4, 5, 6]]],
    rgb: [1, 2, 3, 4, 5, 6],
  },
  {
    name: 'a colour profile, which is not decompressed',
    type: 2,
    depth: 8,
    row: [1, 2, 3, 4, 5, 6],
    chunks: [['iCCP', [65, 0, 0, 1, 2, 3]]],
    rgb: [1, 2, 3, 4, 5, 6],
  },
  {
    name: 'a palette with transparency',
    type: 3,
    depth: 8,
    row: [1, 0],
    chunks: [
      ['PLTE', [0, 0, 0, 4, 5, 6]],
      ['tRNS', [0]],
    ],
    rgb: [4, 5, 6, 255, 255, 255],
  },
];

const REFUSED: readonly { name: string; file: Uint8Array; message: RegExp }[] = [
  { name: 'a JPEG file', file: Buffer.from('ffd8ffe000104a464946', 'hex'), message: /^a\.png is not a PNG file/ },
  {
    name: 'an SVG file',
    file: Buffer.from('<svg xmlns="http://www.w3.org/2000/svg"/>'),
    message: /^a\.png is not a PNG file/,
  },
  { name: 'an empty file', file: new Uint8Array(), message: /^a\.png is not a PNG file/ },
  {
    name: 'a file that was cut off',
    file: png(2, 8, [1, 2, 3, 4, 5, 6]).subarray(0, 20),
    message: /^a\.png is a PNG file that was cut off/,
  },
  { name: 'damaged content', file: damaged(), message: /^a\.png is a damaged PNG file: / },
  {
    name: 'a bomb',
    file: png(2, 8, [], [], 0xffff, 0xffff),
    message: /^a\.png has 4295 million pixels; at most 100 are read/,
  },
  {
    name: 'many pixels of many bits',
    file: png(6, 16, [], [], 10_000, 9000),
    message: /^a\.png has 720 MB of samples; at most 400 MB are read/,
  },
  {
    name: 'a small picture with megabytes of samples',
    file: png(2, 8, [...new Uint8Array(1e6)], [], 2, 1),
    message: /^a\.png is a damaged PNG file: .*larger than/,
  },
  { name: 'no pixels', file: png(2, 8, [], [], 0, 1), message: /^a\.png is a damaged PNG file: it has no pixels/ },
];

describe('PNG files become RGB', () => {
  for (const { name, type, depth, row, chunks, rgb } of CASES) {
    it(name, () =>
      assert.deepEqual([...decodePng(png(type, depth, row, chunks, rgb.length / 3, 1), 'a.png').rgb], rgb),
    );
  }

  for (const { name, file, message } of REFUSED) {
    it(`${name} is refused in one sentence`, () => {
      assert.throws(
        () => decodePng(file, 'a.png'),
        (error: Error) => error instanceof BadRequest && message.test(error.message),
      );
    });
  }
});

function png(
  type: number,
  depth: number,
  row: number[],
  chunks: [string, number[]][] = [],
  width = 2,
  height = 1,
): Buffer {
  const header = Buffer.alloc(13);
  header.writeUInt32BE(width, 0);
  header.writeUInt32BE(height, 4);
  header.set([depth, type, 0, 0, 0], 8);
  return Buffer.concat([
    Buffer.from('89504e470d0a1a0a', 'hex'),
    chunk('IHDR', header),
    ...chunks.map(([name, bytes]) => chunk(name, Buffer.from(bytes))),
    chunk('IDAT', deflateSync(Buffer.from([0, ...row]))),
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

function damaged(): Buffer {
  const file = png(2, 8, [1, 2, 3, 4, 5, 6]);
  file[45]! ^= 0xff;
  return file;
}
