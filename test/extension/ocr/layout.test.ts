/** Boxes of letters become text again. */
import assert from 'node:assert/strict';
import type { Grey } from '../../../extension/ocr/grey.ts';
import { layOut } from '../../../extension/ocr/layout.ts';
import type { Line } from '../../../extension/ocr/tesseract.ts';

const WHITE: Grey = { width: 900, height: 600, values: new Uint8Array(900 * 600).fill(255) };

/** The boxes of a text's letters, with widths as the font has them: narrow ones fill less of their column. */
function boxes(text: string, widthOf: (letter: string) => number, { left = 30, pitch = 40 } = {}): Line[] {
  return text.split('\n').map((row, i) => {
    let x = left;
    const letters = [...row].map((letter) => {
      const [advance, ink] = [widthOf(letter), /[il.,:;'|()]/.test(letter) ? 0.3 : 0.8];
      const x0 = x + (advance * (1 - ink)) / 2;
      x += advance;
      return { text: letter, bbox: { x0, x1: x0 + advance * ink, y0: i * pitch, y1: i * pitch + 24 } };
    });
    const words: (typeof letters)[] = [];
    letters.forEach((letter, k) => {
      if (letter.text === ' ') return;
      if (k === 0 || letters[k - 1]!.text === ' ') words.push([]);
      words.at(-1)!.push(letter);
    });
    return words.map((symbols) => ({
      text: symbols.map(({ text }) => text).join(''),
      bbox: { ...symbols[0]!.bbox, x1: symbols.at(-1)!.bbox.x1 },
      symbols,
    }));
  });
}

const equal = (): number => 14.45;
const proportional = (letter: string): number => {
  if (/[ilj.,:;'|() ]/.test(letter)) return 6.3;
  return /[mwMW]/.test(letter) ? 17.9 : 10 + 0.9 * (letter.charCodeAt(0) % 4);
};

describe('the layout of text from a picture', () => {
  for (const [name, text] of [
    ['indentation', 'function add(a, b) {\n  if (a > b) {\n    return a + b;\n  }\n}'],
    ['empty lines', 'import a;\n\nexport b;\n\n\nconst value = 1;\nlast();'],
    [
      'columns of a terminal',
      'total 44\ndrwxr-xr-x  3 anna users  4096 Mar  3 09:41 api\n-rw-r--r--  1 anna users   812',
    ],
    ['letters that fill little of their column', "| 'x' | ill |\n  ('lil'); .i.\nmapping"],
  ] as const) {
    it(`${name} is kept`, () => assert.equal(layOut(boxes(text, equal), WHITE, []), text));
  }

  it('lines are in their order on the picture', () => {
    const lines = boxes('first line\nsecond line\nthird line', equal);
    assert.equal(layOut(lines.toReversed(), WHITE, []), 'first line\nsecond line\nthird line');
  });

  it('sentences get one blank between words, and two before the next button', () => {
    const text = 'Permission denied while saving.\nYou may try it again.';
    assert.equal(layOut(boxes(text, proportional), WHITE, []), text);
    const buttons = boxes('Try again', proportional, { left: 30 });
    const cancel = boxes('Cancel all of it', proportional, { left: 300 });
    assert.equal(layOut([[...buttons[0]!, ...cancel[0]!]], WHITE, []), 'Try again  Cancel all of it');
  });

  it('an underscore that was taken out comes back into a sentence', () => {
    const [line] = boxes('Set user name of him please', proportional);
    const [, user, name] = line!;
    const gap = { x0: user!.bbox.x1 + 1, x1: name!.bbox.x0 - 1, y0: 25, y1: 27 };
    assert.equal(layOut([line!], WHITE, [gap]), 'Set user_name of him please');
  });

  it('bars that Tesseract was not given are taken from the picture', () => {
    const [line] = boxes('call user name', equal);
    const values = WHITE.values.slice();
    // The cell between the words, column 9 from 30.
    for (const y of [25, 26])
      values.fill(0, y * 900 + 30 + Math.round(9 * 14.45), y * 900 + 30 + Math.round(10 * 14.45));
    assert.equal(layOut([line!], { ...WHITE, values }, []), 'call user_name');
  });

  it('nothing is laid out as nothing', () => assert.equal(layOut([], WHITE, []), ''));
});
