import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { replaceFile } from '../../../extension/files/replaceFile.ts';

describe('a file that is written completely or not at all', () => {
  let top: string;
  beforeEach(() => (top = mkdtempSync(join(tmpdir(), 'airgap-replace-'))));
  afterEach(() => rmSync(top, { recursive: true }));

  it('takes the place of the older one, in a folder that is made where it is missing', async () => {
    const path = join(top, 'deep/er/a.json');
    for (const text of ['old', 'new']) {
      await replaceFile(path, (file) => file.writeFile(text));
      assert.equal(readFileSync(path, 'utf8'), text);
    }
    assert.deepEqual(readdirSync(join(top, 'deep/er')), ['a.json']);
    if (process.platform === 'win32') return;
    assert.deepEqual(
      [path, join(top, 'deep/er')].map((each) => statSync(each).mode & 0o777),
      [0o600, 0o700],
    );
  });

  it('readers see the older content until the new one is complete', async () => {
    const path = join(top, 'a.json');
    writeFileSync(path, 'old');
    await replaceFile(path, async (file) => {
      await file.writeFile('half');
      assert.equal(readFileSync(path, 'utf8'), 'old');
    });
  });

  it('what fails leaves the older file, and nothing unfinished', async () => {
    const path = join(top, 'a.json');
    writeFileSync(path, 'old');
    await assert.rejects(
      replaceFile(path, async (file) => {
        await file.writeFile('half');
        throw new Error('The disk is full.');
      }),
      /disk is full/,
    );
    assert.deepEqual([readFileSync(path, 'utf8'), readdirSync(top)], ['old', ['a.json']]);
    await assert.rejects(replaceFile(join(path, 'below a file'), () => {}));
    assert.ok(existsSync(path));
  });
});
