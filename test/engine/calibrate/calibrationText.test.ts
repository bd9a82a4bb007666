import assert from 'node:assert/strict';
import { calibrationWindows, readCalibrationText } from '../../../engine/calibrate/calibrationText.ts';
import { BadRequest } from '../../../engine/errors.ts';
import { TinyFolder } from '../../support/engine/tinyModel.ts';

describe('a calibration text', () => {
  const folder = new TinyFolder();
  after(() => folder.remove());

  for (const [what, content, sentence] of [
    ['nothing', '', /contains no text to calibrate with\.$/],
    ['white space', ' \n\t\n', /contains no text to calibrate with\.$/],
    ['bytes that are not UTF-8', Uint8Array.of(0xff, 0xfe, 0x41, 0x80), /is not UTF-8 text, which/],
    ['a binary file', Uint8Array.of(0x41, 0, 0, 0x42), /is a binary file, but/],
  ] as const) {
    it(`with ${what} is refused in one sentence`, async () => {
      folder.file('text', content);
      await assert.rejects(readCalibrationText(`${folder.path}/text`), refused(sentence));
    });
  }

  it('that does not exist, or is a folder, is refused in one sentence', async () => {
    await assert.rejects(readCalibrationText(`${folder.path}/none`), refused(/none cannot be read \(ENOENT\)\.$/));
    await assert.rejects(readCalibrationText(folder.path), refused(/cannot be read \(EISDIR\)\.$/));
  });

  it('is read without its byte order mark', async () => {
    folder.file('text', '\ufeffgrün');
    assert.equal(await readCalibrationText(`${folder.path}/text`), 'grün');
  });

  for (const [tokens, longest, windows] of [
    [256, 4096, [[0, 256]]],
    [
      1300,
      4096,
      [
        [0, 512],
        [788, 1300],
      ],
    ],
    [
      1300,
      300,
      [
        [0, 300],
        [333, 633],
        [667, 967],
        [1000, 1300],
      ],
    ],
  ] as const) {
    it(`of ${tokens} tokens gives windows over all of it, for a context of ${longest}`, () => {
      const got = calibrationWindows(numbers(tokens), longest).map((ids) => [ids[0]!, ids.at(-1)! + 1]);
      assert.deepEqual(got, windows);
    });
  }

  it('that is long gives 16 windows, from its beginning to its end', () => {
    const windows = calibrationWindows(numbers(1e6), 4096);
    assert.deepEqual([windows.length, windows[0]![0], windows.at(-1)!.at(-1)], [16, 0, 999_999]);
    assert.ok(windows.every(({ length }) => length === 512));
  });

  it('that is too short is refused in one sentence', () => {
    assert.throws(() => calibrationWindows(numbers(255), 4096), refused(/has 255 tokens; at least 256 are needed/));
  });
});

function refused(sentence: RegExp): (error: unknown) => boolean {
  return (error) => error instanceof BadRequest && sentence.test(error.message);
}

function numbers(count: number): number[] {
  return Array.from({ length: count }, (_, i) => i);
}
