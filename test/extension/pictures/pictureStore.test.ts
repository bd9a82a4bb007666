import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { mkdtempSync, readdirSync, rmSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PictureStore } from '../../../extension/pictures/pictureStore.ts';
import { GIF, plainPng } from '../../support/pictureFiles.ts';

const RED = plainPng(3, 2);
const DAY_MS = 86_400_000;

describe('picture store', () => {
  let folder: string;
  let store: PictureStore;
  let inConversations: Set<string>;
  beforeEach(() => {
    folder = join(mkdtempSync(join(tmpdir(), 'airgap-pictures-')), 'pictures');
    inConversations = new Set();
    store = new PictureStore({ folder, inConversations: async () => inConversations });
  });
  afterEach(() => rmSync(join(folder, '..'), { recursive: true }));

  const add = async (png: Buffer, size = { width: 3, height: 2 }) => {
    const file = await store.create();
    for (let at = 0; at < png.length; at += 10) await file.write(png.subarray(at, at + 10));
    return file.finish('a.png', size);
  };

  it('keeps a picture once, for its user alone, under the hash of its bytes', async () => {
    const hash = createHash('sha256').update(RED).digest('hex');
    const file = join(folder, `${hash}.png`);
    assert.deepEqual(await add(RED), { hash, name: 'a.png', width: 3, height: 2, file });
    await add(RED);
    assert.deepEqual(readdirSync(folder), [`${hash}.png`]);
    assert.equal(store.fileOf(hash), file);
    if (process.platform !== 'win32') {
      assert.deepEqual([statSync(file).mode & 0o777, statSync(folder).mode & 0o777], [0o600, 0o700]);
    }
  });

  it('deletes a picture with its last use', async () => {
    const { hash } = await add(RED);
    await add(RED);
    await store.release(hash);
    assert.ok(store.fileOf(hash), 'held once more');
    inConversations.add(hash);
    await store.release(hash);
    assert.ok(store.fileOf(hash), 'in a conversation');
    inConversations.clear();
    await Promise.all([store.deleteUnused([hash]), add(RED)]);
    assert.ok(store.fileOf(hash), 'used again meanwhile');
    await store.release(hash);
    assert.equal(store.fileOf(hash), undefined);
    await store.deleteUnused([hash]);
  });

  it('deletes nothing where it cannot be known what is used', async () => {
    const { hash } = await add(RED);
    const failing = new PictureStore({ folder, inConversations: () => Promise.reject(new Error('The disk is gone.')) });
    await assert.rejects(failing.deleteUnused([hash]), /The disk is gone\./);
    assert.ok(store.fileOf(hash));
  });

  for (const [what, bytes, size] of [
    ['another kind', GIF, { width: 1, height: 1 }],
    ['another size than announced', RED, { width: 2, height: 3 }],
    ['less than a header', RED.subarray(0, 20), { width: 3, height: 2 }],
    ['more pixels than are kept', plainPng(4001, 4000), { width: 4001, height: 4000 }],
  ] as const) {
    it(`refuses ${what}, and leaves nothing of it`, async () => {
      await assert.rejects(add(Buffer.from(bytes), size), /is not the announced picture\.$/);
      assert.deepEqual(readdirSync(folder), []);
    });
  }

  it('hashes are no paths', () => assert.throws(() => store.fileOf('../secret'), /no hash of a picture/));

  it('deletes what a crash has left, but nothing of today', async () => {
    const [used, unused, fresh] = ['a', 'b', 'c'].map((letter) => letter.repeat(64)) as [string, string, string];
    await store.create().then((file) => file.discard());
    const now = Date.now();
    for (const [name, ageMs] of [
      [`${used}.png`, 2 * DAY_MS],
      [`${unused}.png`, 2 * DAY_MS],
      [`${fresh}.png`, DAY_MS / 2],
      ['half.tmp', 2 * DAY_MS],
      ['other.txt', 2 * DAY_MS],
    ] as const) {
      writeFileSync(join(folder, name), '');
      utimesSync(join(folder, name), new Date(now - ageMs), new Date(now - ageMs));
    }
    inConversations.add(used);
    await store.deleteAbandoned(now);
    assert.deepEqual(readdirSync(folder).sort(), [`${used}.png`, `${fresh}.png`, 'other.txt']);
    rmSync(folder, { recursive: true });
    await store.deleteAbandoned(now);
  });
});
