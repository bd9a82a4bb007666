/** Screenshots are made readable: on pictures of a few rectangles, whose right results are known. */
import assert from 'node:assert/strict';
import type { Pixels } from '../../../engine/vision/pixels.ts';
import { barIn, withoutBars } from '../../../extension/ocr/bars.ts';
import { enlarge, enlargement, textHeight } from '../../../extension/ocr/enlarge.ts';
import type { Grey } from '../../../extension/ocr/grey.ts';
import { inkOf } from '../../../extension/ocr/ink.ts';

type Rectangle = [x: number, y: number, width: number, height: number];

/** A picture of one colour with rectangles of others. */
function picture(width: number, height: number, paper: number, ...inks: [colour: number, at: Rectangle][]): Pixels {
  const rgb = new Uint8Array(3 * width * height);
  for (const [colour, [x, y, w, h]] of [[paper, [0, 0, width, height]], ...inks] as typeof inks) {
    for (let row = y; row < y + h; row++) {
      for (let column = x; column < x + w; column++) {
        rgb.set([colour >> 16, (colour >> 8) & 255, colour & 255], 3 * (row * width + column));
      }
    }
  }
  return { width, height, rgb };
}

/** Black rectangles on white. */
function grey(width: number, height: number, ...inks: Rectangle[]): Grey {
  return inkOf(picture(width, height, 0xffffff, ...inks.map((at): [number, Rectangle] => [0, at])));
}

const valueAt = ({ width, values }: Grey, x: number, y: number): number => values[y * width + x]!;

describe('the preparation of screenshots', () => {
  const themes: [name: string, paper: number, ink: number][] = [
    ['light', 0xffffff, 0x1f1f1f],
    ['dark', 0x1f1f1f, 0xcccccc],
    ['high contrast', 0x000000, 0xffffff],
    ['dim on dark', 0x1f1f1f, 0x5a5a5a],
    ['coloured on dark', 0x1f1f1f, 0x569cd6],
  ];
  for (const [name, paper, ink] of themes) {
    it(`text of a theme that is ${name} becomes black on white`, () => {
      const { values } = inkOf(picture(60, 30, paper, [ink, [20, 10, 3, 9]]));
      assert.deepEqual([...new Set(values)].sort(), [0, 255]);
      assert.equal(values.filter((value) => value === 0).length, 27);
    });
  }

  it('a label on a button counts as the text beside it', () => {
    const [button, label, text]: Rectangle[] = [
      [20, 5, 60, 20],
      [40, 10, 2, 9],
      [5, 10, 2, 9],
    ];
    const ink = inkOf(picture(100, 30, 0xf3f3f3, [0x005fb8, button!], [0xffffff, label!], [0x1f1f1f, text!]));
    assert.deepEqual([valueAt(ink, 40, 12), valueAt(ink, 5, 12)], [0, 0]);
    assert.deepEqual([valueAt(ink, 30, 12), valueAt(ink, 90, 12)], [255, 255]);
  });

  it('a photograph without surfaces is turned to dark on light by its brightness', () => {
    const noisy = picture(40, 30, 0);
    noisy.rgb.forEach((_, i) => (noisy.rgb[i] = 20 + ((i * 7) % 11)));
    noisy.rgb.fill(250, 3 * 620, 3 * 624);
    const ink = inkOf(noisy);
    assert.ok(valueAt(ink, 21, 15) < 20, String(valueAt(ink, 21, 15)));
  });

  it('small text is enlarged to the size that is read best, and large text is not', () => {
    // Three lines of three letters, in a frame.
    const lines = (height: number) =>
      grey(
        ...([80, 200] as const),
        ...[10, 60, 110].flatMap((y) => [15, 25, 35].map((x): Rectangle => [x, y, 3, height])),
        ...[2, 75].map((x): Rectangle => [x, 2, 1, 190]),
      );
    for (const [height, times] of [
      [9, 4],
      [12, 3],
      [18, 2],
      [36, 1],
      [45, 1],
    ] as const) {
      assert.equal(textHeight(lines(height)), height);
      assert.equal(enlargement(lines(height)), times, `${height} pixels`);
    }
    assert.equal(enlargement(grey(50, 20)), 1);
  });

  it('what is enlarged keeps its place, and its paper stays white', () => {
    const large = enlarge(grey(30, 20, [10, 6, 4, 8]), 3);
    assert.deepEqual([large.width, large.height], [90, 60]);
    assert.deepEqual([valueAt(large, 36, 30), valueAt(large, 5, 5), valueAt(large, 60, 30)], [0, 255, 255]);
  });

  /** Two letters with a bar between or below them: a line of 20 pixels from row 20. */
  const beside = (bar: Rectangle): Grey => grey(90, 60, [20, 20, 8, 20], [42, 20, 8, 20], bar);

  it('an underscore is taken out, and a hyphen is left', () => {
    const { letters, underscores } = withoutBars(beside([29, 41, 12, 2]), 20);
    assert.deepEqual(underscores, [{ x0: 29, x1: 41, y0: 41, y1: 43 }]);
    assert.deepEqual([valueAt(letters, 35, 42), valueAt(letters, 24, 30)], [255, 0]);
    const hyphen = withoutBars(beside([29, 31, 12, 2]), 20);
    assert.deepEqual([hyphen.underscores, valueAt(hyphen.letters, 35, 32)], [[], 0]);
  });

  it('a rule is taken out, letters of the same width are left', () => {
    const bars = Array.from({ length: 8 }, (_, i): Rectangle => [5 + 12 * i, 30, 10, 2]);
    const letters = Array.from({ length: 8 }, (_, i): Rectangle => [5 + 12 * i, 60, 3, 20]);
    const left = withoutBars(grey(120, 100, ...bars, ...letters), 20).letters;
    assert.deepEqual([valueAt(left, 20, 31), valueAt(left, 6, 70)], [255, 0]);
  });

  const cells: [name: string, bars: Rectangle[], expected: string][] = [
    ['nothing', [], ''],
    ['a bar below the line', [[10, 41, 12, 2]], '_'],
    ['a bar in the middle', [[11, 30, 10, 2]], '-'],
    [
      'two bars',
      [
        [11, 27, 10, 2],
        [11, 34, 10, 2],
      ],
      '=',
    ],
    ['a letter', [[14, 20, 4, 20]], ''],
    ['a block', [[10, 20, 12, 20]], ''],
  ];
  for (const [name, bars, expected] of cells) {
    it(`${name} in a cell is ${JSON.stringify(expected)}`, () => {
      assert.equal(barIn(grey(40, 60, ...bars), { x0: 10, x1: 22, y0: 20, y1: 40 }), expected);
    });
  }
});
