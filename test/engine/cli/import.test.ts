import assert from 'node:assert/strict';
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { mulberry32 } from '../../../engine/inference/random.ts';
import { importModel } from '../../../engine/store/import/importModel.ts';
import { type Store, openStore } from '../../../engine/store/store.ts';
import { verifyModel } from '../../../engine/store/verifyModel.ts';
import type { ModelLine } from '../../../engine/wire/models.ts';
import { airgap } from '../../support/engine/terminal.ts';
import { TINY_CONFIG, TinyFolder } from '../../support/engine/tinyModel.ts';

/** Enough for some ten pieces to be packed. */
const CONFIG = { ...TINY_CONFIG, hidden_size: 512, intermediate_size: 1024, vocab_size: 8192 };

describe('airgap import, verify and remove', function () {
  this.timeout(240_000);
  let root: string;
  let store: Store;
  let small: TinyFolder;
  let large: TinyFolder;
  before(() => {
    small = TinyFolder.model();
    large = TinyFolder.model({ config: CONFIG, dtype: 'F32' });
  });
  after(() => {
    small.remove();
    large.remove();
  });
  beforeEach(async () => {
    root = mkdtempSync(join(tmpdir(), 'airgap-importing-'));
    store = await openStore({ folder: join(root, 'store'), sharedFolder: join(root, 'none') });
  });
  afterEach(() => rmSync(root, { recursive: true, force: true }));

  const inStore = (...args: string[]) => airgap(...args, '--store', store.folder);
  const start = (...args: string[]): ChildProcess =>
    spawn(process.execPath, ['dist/airgap.cjs', ...args, '--store', store.folder], {
      stdio: ['ignore', 'pipe', 'pipe'],
    });
  const ids = async () => (await store.entries()).entries.map(({ id }) => id).sort();
  const left = (folder: string) => readdirSync(join(store.folder, folder)).sort();

  it('imports, verifies and removes by name, and a model is used by its name', async () => {
    const imported = await inStore('import', small.path, '--name', 'Tiny one');
    assert.deepEqual([imported.code, imported.stdout], [0, ''], imported.stderr);
    assert.match(imported.stderr, /^Tiny one was packed into .*Tiny-one\n$/);
    writeFileSync(join(root, 'ids.json'), '[1,2,3]');
    const args = ['tiny ONE', '--ids-file', join(root, 'ids.json'), '--backend', 'wasm'];
    const byName = await inStore('logits', ...args);
    assert.equal(byName.code, 0, byName.stderr);
    const byPath = await inStore('logits', small.path, ...args.slice(1));
    assert.equal(byName.stdout, byPath.stdout);
    assert.match((await inStore('verify', 'Tiny-one')).stderr, /^Tiny one: 2 of 2 files have the known SHA-256\.\n$/);
    const refused = await inStore('remove', 'Tiny one');
    assert.deepEqual(
      [refused.code, refused.stderr],
      [1, 'Nothing was removed. Where no terminal can ask, Tiny one needs --yes.\n'],
    );
    const removed = await inStore('remove', 'Tiny one', '--yes', '--json');
    assert.deepEqual([removed.code, (JSON.parse(removed.stdout) as ModelLine).type], [0, 'done']);
    assert.deepEqual(await ids(), []);
  });

  it('says how far it is, in lines of JSON', async () => {
    const { code, stdout } = await inStore('import', large.path, '--name', 'a', '--json');
    const lines = stdout
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as Record<string, unknown>);
    assert.equal(code, 0);
    const progress = lines.slice(0, -1);
    assert.ok(
      progress.length >= 2 && progress.every(({ type, step }) => type === 'progress' && step === 'pack'),
      stdout,
    );
    assert.equal(progress.at(-1)!['doneBytes'], progress.at(-1)!['totalBytes']);
    assert.equal(lines.at(-1)!['type'], 'done');
  });

  it('a model whose files have changed is no longer what was added', async () => {
    const { path } = await importModel(small.path, store, { name: 'a' });
    writeFileSync(join(path, 'config.json'), '{}');
    const { code, stderr } = await inStore('verify', 'a');
    assert.deepEqual(
      [code, stderr.match(/^a is not what was added: config\.json has 2 bytes instead of \d+\.\n$/)?.length],
      [1, 1],
    );
    assert.equal((await store.find('a'))!.hash, 'changed');
  });

  it('killed at any moment, it leaves the other models as they are, and the next import starts clean', async () => {
    const former = await importModel(small.path, store, { name: 'former' });
    const args = ['import', large.path, '--name', 'killed', '--json'];
    const started = performance.now();
    await once(start(...args), 'exit');
    const wholeMs = performance.now() - started;
    assert.deepEqual(await ids(), ['former', 'killed']);
    const random = mulberry32(13);
    let interrupted = 0;
    for (let moment = 0; moment < 20; moment++) {
      const before = await store.find('killed');
      if (before) await store.remove(before);
      const child = start(...args);
      const exited = once(child, 'exit');
      await delay(random() * wholeMs);
      child.kill('SIGKILL');
      const [, signal] = (await exited) as [number | null, string | null];
      if (signal === 'SIGKILL') interrupted++;
      const { entries, problems } = await store.entries();
      assert.deepEqual(problems, []);
      assert.deepEqual(
        entries.find(({ id }) => id === 'former'),
        former,
      );
      for (const entry of entries) assert.deepEqual((await verifyModel(entry, store)).changes, []);
    }
    assert.ok(interrupted >= 10, `only ${interrupted} of 20 were killed before they ended`);
    const { code, stderr } = await inStore('import', large.path, '--name', 'killed');
    assert.equal(code, 0, stderr);
    assert.deepEqual([left('models'), left('marks')], [['former', 'killed'], []]);
    assert.deepEqual((await verifyModel((await store.find('killed'))!, store)).changes, []);
  });

  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    it(`ends in one sentence on ${signal}, and leaves nothing`, async function () {
      if (process.platform === 'win32') this.skip();
      const child = start('import', large.path, '--name', 'stopped', '--json');
      let printed = '';
      child.stdout!.on('data', (part: Buffer) => {
        if (printed === '') child.kill(signal); // At the first progress. A second signal would end it at once.
        printed += part.toString();
      });
      const [code] = await once(child, 'close');
      assert.deepEqual(JSON.parse(printed.trimEnd().split('\n').at(-1)!), {
        type: 'failed',
        message: 'The request was cancelled.',
      });
      assert.equal(code, 1);
      assert.deepEqual([left('models'), left('marks')], [[], []]);
    });
  }

  it('two processes that import the same model make it once', async () => {
    const both = await Promise.all([1, 2].map(() => inStore('import', large.path, '--name', 'same')));
    assert.deepEqual(
      both.map(({ code }) => code),
      [0, 0],
      both.map(({ stderr }) => stderr).join(),
    );
    assert.deepEqual([left('models'), left('marks')], [['same'], []]);
    assert.deepEqual((await verifyModel((await store.find('same'))!, store)).changes, []);
  });

  it('refuses a store that others can read', async function () {
    if (process.platform === 'win32') this.skip();
    mkdirSync(store.folder);
    chmodSync(store.folder, 0o755);
    const { code, stderr } = await inStore('import', small.path);
    assert.deepEqual([code, readdirSync(store.folder)], [1, []]);
    assert.match(stderr, /^The folder for models, .*, must be one that only you can access; run "chmod 700" on it/);
  });

  describe('on a disk of its own', function () {
    let disk: string;
    const mount = (megabytes: number) => {
      disk = join(root, 'disk');
      mkdirSync(disk);
      const { status, stderr, error } = spawnSync('mount', [
        '-t',
        'tmpfs',
        '-o',
        `size=${megabytes}m,mode=700`,
        'tmpfs',
        disk,
      ]);
      return status === 0 ? undefined : `no file system can be mounted: ${error?.message ?? stderr.toString().trim()}`;
    };
    afterEach(() => {
      spawnSync('umount', [disk]);
    });

    it('says before that there is no room', async function () {
      const problem = mount(32);
      if (problem) return skip(this, problem);
      const tight = await openStore({ folder: join(disk, 'store'), sharedFolder: join(root, 'none') });
      await assert.rejects(
        importModel(large.path, tight, { name: 'a' }),
        /^BadRequest: a needs 0\.\d+ GB on the disk of .*, where 0\.\d+ GB are free\.$/,
      );
      assert.deepEqual(readdirSync(join(disk, 'store/models')), []);
    });

    it('survives that the disk becomes full meanwhile', async function () {
      const problem = mount(160);
      if (problem) return skip(this, problem);
      const tight = await openStore({ folder: join(disk, 'store'), sharedFolder: join(root, 'none') });
      const former = await importModel(small.path, tight, { name: 'former' });
      const filler = join(disk, 'filler');
      const fill = () => {
        try {
          writeFileSync(filler, Buffer.alloc(1 << 20), { flag: 'a' });
          fill();
        } catch (error) {
          assert.equal((error as NodeJS.ErrnoException).code, 'ENOSPC');
        }
      };
      await assert.rejects(
        importModel(large.path, tight, { name: 'a', onProgress: fill }),
        /^BadRequest: The disk of .* is full; nothing was imported\.$/,
      );
      assert.deepEqual(readdirSync(join(disk, 'store/models')), ['former']);
      assert.deepEqual((await tight.entries()).entries, [former]);
      rmSync(filler);
      assert.equal((await importModel(large.path, tight, { name: 'a' })).origin, 'packed');
    });
  });
});

function skip(context: Mocha.Context, reason: string): void {
  console.log(`      ${reason}`);
  context.skip();
}
