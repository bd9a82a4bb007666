import assert from 'node:assert/strict';
import { BadRequest } from '../../../engine/errors.ts';
import { decodePng } from '../../../engine/vision/png.ts';
import { filtered, pngFile } from '../../support/engine/vision/pngFile.ts';
import { randomValues } from '../../support/random.ts';

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
  { name: 'colours of no kind', file: png(5, 8, [1, 2]), message: /^a\.png is a damaged PNG file: its colours are/ },
  { name: 'depth of no kind', file: png(2, 3, [1, 2]), message: /^a\.png is a damaged PNG file: its colours are/ },
  { name: 'a palette that is missing', file: png(3, 8, [1, 2]), message: /: it has no palette\.$/ },
  { name: 'rows that are missing', file: png(2, 8, [1, 2, 3], [], 1, 2), message: /: rows are missing\.$/ },
  {
    name: 'a filter that does not exist',
    file: pngFile({ width: 1, height: 1, type: 0, depth: 8 }, Uint8Array.of(7, 1)),
    message: /: filter 7 does not exist\.$/,
  },
  { name: 'no pixels', file: png(2, 8, [], [], 0, 1), message: /^a\.png is a damaged PNG file: it has no pixels/ },
];

describe('PNG files become RGB', () => {
  for (const { name, type, depth, row, chunks, rgb } of CASES) {
    it(name, () =>
      assert.deepEqual([...decodePng(png(type, depth, row, chunks, rgb.length / 3, 1), 'a.png').rgb], rgb),
    );
  }

  for (const [type, depths] of [
    [0, [1, 2, 4, 8, 16]],
    [2, [8, 16]],
    [3, [1, 2, 4, 8]],
    [4, [8, 16]],
    [6, [8, 16]],
  ] as const) {
    for (const depth of depths) {
      it(`type ${type} with ${depth} bits: all filters, in one piece and interlaced`, () => {
        for (const [width, height] of [
          [13, 11],
          [1, 1],
          [3, 9],
        ] as const) {
          const picture = { type, depth, width, height, chunks: type === 3 ? [PALETTE] : [] };
          const plain = decodePng(fileOf(picture, [0], WHOLE), 'a.png').rgb;
          for (const filter of [0, 1, 2, 3, 4]) {
            const filters = [filter, 4 - filter];
            assert.deepEqual(decodePng(fileOf(picture, filters, WHOLE), 'a.png').rgb, plain, `filter ${filter}`);
            assert.deepEqual(decodePng(fileOf(picture, filters, ADAM7), 'a.png').rgb, plain, `interlaced, ${filter}`);
          }
        }
      });
    }
  }

  it('reads interlaced rows in their places', () => {
    const picture = { type: 0, depth: 8, width: 3, height: 2 };
    // Passes: pixel (0, 0); then (2, 0); then (1, 0); then the second row.
    const rows = Uint8Array.from([0, 10, 0, 30, 0, 20, 0, 40, 50, 60]);
    const { rgb } = decodePng(pngFile(picture, rows, true), 'a.png');
    assert.deepEqual(
      [...rgb].filter((_, i) => i % 3 === 0),
      [10, 20, 30, 40, 50, 60],
    );
  });

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
  return pngFile({ width, height, type, depth, chunks }, Uint8Array.from([0, ...row]));
}

function damaged(): Buffer {
  const file = png(2, 8, [1, 2, 3, 4, 5, 6]);
  file[45]! ^= 0xff;
  return file;
}

const PALETTE: [string, number[]] = ['PLTE', Array.from({ length: 768 }, (_, i) => (i * 37) & 255)];

/** Of each pass: its first column and row, and the steps to the next ones. */
const WHOLE = [[0, 0, 1, 1]] as const;
const ADAM7 = [
  [0, 0, 8, 8],
  [4, 0, 8, 8],
  [0, 4, 4, 8],
  [2, 0, 4, 4],
  [0, 2, 2, 4],
  [1, 0, 2, 2],
  [0, 1, 1, 2],
] as const;

/** A picture of random samples, whose rows take the filters in turn. */
function fileOf(
  picture: { type: number; depth: number; width: number; height: number; chunks: [string, number[]][] },
  filters: readonly number[],
  passes: readonly (readonly [number, number, number, number])[],
): Buffer {
  const { type, depth, width, height } = picture;
  const channels = [1, 0, 3, 1, 2, 0, 4][type]!;
  const random = randomValues(7, width * height * channels * 16, 1e9);
  // A bit of the picture: those of a sample, from the highest on, of all samples row by row.
  const bit = (x: number, y: number, i: number): number => Number(random[(y * width + x) * channels * 16 + i]! > 0);
  const rows: Uint8Array[] = [];
  for (const [left, top, stepX, stepY] of passes) {
    const xs = range(left, width, stepX);
    let above = new Uint8Array(Math.ceil((xs.length * channels * depth) / 8));
    if (xs.length === 0) continue;
    for (const y of range(top, height, stepY)) {
      const row = new Uint8Array(above.length);
      xs.flatMap((x) => range(0, channels * depth, 1).map((i) => bit(x, y, i))).forEach((value, i) => {
        row[i >> 3]! |= value << (7 - (i & 7));
      });
      rows.push(filtered(filters[y % filters.length]!, row, above, Math.ceil((channels * depth) / 8)));
      above = row;
    }
  }
  return pngFile(picture, Buffer.concat(rows), passes.length > 1);
}

function range(from: number, to: number, step: number): number[] {
  return Array.from({ length: Math.max(0, Math.ceil((to - from) / step)) }, (_, i) => from + i * step);
}
