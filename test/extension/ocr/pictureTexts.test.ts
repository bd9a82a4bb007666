/** The texts of stored pictures: read once, and kept where the user may correct them. */
import assert from 'node:assert/strict';
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { encode } from 'fast-png';
import { PictureTexts } from '../../../extension/ocr/pictureTexts.ts';

const BLANK = encode({ width: 40, height: 30, channels: 1, data: new Uint8Array(1200).fill(255) });

describe('the texts of stored pictures', () => {
  const folder = mkdtempSync(join(tmpdir(), 'airgap-texts-'));
  const texts = new PictureTexts(() => ({ folder: resolve('dist') }));
  const { signal } = new AbortController();
  after(() => {
    texts.dispose();
    rmSync(folder, { recursive: true });
  });
  const stored = (name: string, data: Uint8Array = BLANK): string => {
    writeFileSync(join(folder, `${name}.png`), data);
    return join(folder, `${name}.png`);
  };

  it('are read once, for all who wait, into a file that only the user can read', async () => {
    const png = stored('a');
    const [first, second] = await Promise.all([texts.textFile(png, signal), texts.textFile(png, signal)]);
    assert.deepEqual([first, second], [join(folder, 'a.txt'), first]);
    assert.equal(statSync(first).mode & 0o777, 0o600);
    assert.deepEqual(readdirSync(folder).sort(), ['a.png', 'a.txt']);
  });

  it('stay as the user has corrected them', async () => {
    const png = stored('b');
    writeFileSync(join(folder, 'b.txt'), 'corrected');
    assert.equal(readFileSync(await texts.textFile(png, signal), 'utf8'), 'corrected');
  });

  it('are not waited for after the signal, and can be read later', async () => {
    const png = stored('c');
    const controller = new AbortController();
    const reading = texts.textFile(png, controller.signal);
    controller.abort(new Error('Enough.'));
    await assert.rejects(reading, /Enough/);
    assert.equal(await texts.textFile(png, signal), join(folder, 'c.txt'));
  });

  it('of a damaged picture leave nothing behind', async () => {
    await assert.rejects(texts.textFile(stored('d', Buffer.from('no picture')), signal), /d\.png is not a PNG file/);
    assert.ok(!readdirSync(folder).includes('d.txt'));
  });
});
