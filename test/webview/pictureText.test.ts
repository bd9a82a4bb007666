/** Screenshots that Chromium draws are read. `npm run bench -- --ocr` measures all of them; this takes a sample. */
import assert from 'node:assert/strict';
import { decodePng } from '../../engine/vision/png.ts';
import { editDistance, type Reading, readScreenshots, shareRight } from '../support/extension/ocr/accuracy.ts';
import { Renderer, SCREENSHOTS } from '../support/extension/ocr/corpus.ts';

/** One of each text, in turn at 1x and 2x: themes, sizes, fonts and smoothing change from one to the next. */
const SAMPLE = SCREENSHOTS.filter((_, i) => i % 4 === ((i >> 2) * 3) % 4);

describe('the text of screenshots', () => {
  const readings: Reading[] = [];
  before(async () => {
    for await (const reading of readScreenshots(SAMPLE)) readings.push(reading);
  }).timeout(180_000);

  for (const [scale, least] of [
    [1, 0.88],
    [2, 0.95],
  ] as const) {
    it(`has at least ${100 * least} % of the characters right at ${scale}x`, () => {
      const ofScale = readings.filter(({ screenshot }) => screenshot.look.scale === scale);
      assert.ok(ofScale.length >= 8, String(ofScale.length));
      const share = shareRight(ofScale);
      console.log(`      ${(100 * share).toFixed(1)} % of ${ofScale.length} screenshots`);
      assert.ok(share >= least, ofScale.map(({ screenshot, text }) => `${screenshot.name}\n${text}`).join('\n\n'));
    });
  }

  it('is drawn with coloured edges where a screenshot has sub-pixel smoothing, and only there', async () => {
    const { source, look } = SCREENSHOTS.find(({ name }) => name.startsWith('terminal listing'))!;
    await using renderer = await Renderer.start();
    for (const subpixel of [true, false]) {
      const png = await renderer.draw({ name: '', source, look: { ...look, subpixel } });
      const { rgb } = decodePng(png, 'listing.png');
      const isColoured = rgb.some((value, i) => i % 3 === 0 && value !== rgb[i + 2]);
      // Other systems than Linux decide themselves.
      if (process.platform === 'linux') assert.equal(isColoured, subpixel);
    }
  });

  it('counts every character that is wrong', () => {
    assert.equal(editDistance('  a = 1;', 'a = l;'), 3);
    assert.equal(editDistance('', 'abc'), 3);
  });
});
