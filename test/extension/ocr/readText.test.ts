import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { encode } from 'fast-png';
import { readText } from '../../../extension/ocr/readText.ts';

const folder = resolve('dist');

describe('the text of a picture', () => {
  const files = mkdtempSync(join(tmpdir(), 'airgap-ocr-'));
  after(() => rmSync(files, { recursive: true }));
  const file = (name: string, data: Uint8Array): string => {
    writeFileSync(join(files, name), data);
    return join(files, name);
  };
  const blank = file('blank.png', encode({ width: 40, height: 30, channels: 1, data: new Uint8Array(1200).fill(255) }));

  it('is empty where there is none', async () => {
    const { signal } = new AbortController();
    assert.deepEqual(await readText(blank, { folder, signal }), { text: '', confidence: 0 });
  });

  const broken: [name: string, data: Uint8Array, says: RegExp][] = [
    ['text.png', Buffer.from('no picture'), /^Error: text\.png is not a PNG file/],
    [
      'cut.png',
      encode({ width: 9, height: 9, channels: 3, data: new Uint8Array(243) }).subarray(0, 60),
      /^Error: cut\.png is a damaged PNG file/,
    ],
  ];
  for (const [name, data, says] of broken) {
    it(`of ${name} is one sentence`, async () => {
      const { signal } = new AbortController();
      await assert.rejects(readText(file(name, data), { folder, signal }), says);
    });
  }

  it('needs the data of the languages', async () => {
    const { signal } = new AbortController();
    const missing = readText(blank, { folder, signal, languages: ['xyz'], languageFolder: files });
    await assert.rejects(missing, /^Error: There is no xyz\.traineddata/);
    writeFileSync(join(files, 'bad.traineddata'), 'nothing');
    const damaged = readText(blank, { folder, signal, languages: ['bad'], languageFolder: files });
    await assert.rejects(damaged, /^Error: The data of the languages bad are damaged/);
  });

  it('is not read on after the signal', async () => {
    const controller = new AbortController();
    const reading = readText(blank, { folder, signal: controller.signal });
    controller.abort(new Error('Enough.'));
    await assert.rejects(reading, /Enough/);
  });
});
