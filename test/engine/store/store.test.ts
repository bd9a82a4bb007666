import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, mkdirSync, mkdtempSync, readdirSync, rmSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type EntryFacts, idOf } from '../../../engine/store/entry.ts';
import { resolveModel } from '../../../engine/store/resolve.ts';
import { Staging, Store, openStore } from '../../../engine/store/store.ts';
import { useModel } from '../../../engine/store/useModel.ts';

describe('store', () => {
  let root: string;
  let places: { folder: string; sharedFolder: string };
  beforeEach(() => {
    root = mkdtempSync(join(tmpdir(), 'airgap-store-'));
    places = { folder: join(root, 'own'), sharedFolder: join(root, 'shared') };
  });
  afterEach(() => rmSync(root, { recursive: true, force: true }));

  const facts = (name: string, more: Partial<EntryFacts> = {}): EntryFacts => ({
    name,
    origin: 'downloaded',
    files: [{ name: 'model.gguf', bytes: 4, sha256: null }],
    hash: 'unchecked',
    licence: null,
    source: null,
    ...more,
  });
  const download = async (store: Store, name: string, more: Partial<EntryFacts> = {}) => {
    const staged = await store.stage(name, more.source ?? null);
    assert.ok(staged instanceof Staging);
    writeFileSync(join(staged.folder, 'model.gguf'), 'GGUF');
    const entry = await staged.publish(facts(name, more), 'model.gguf');
    await staged.close();
    return entry;
  };
  const refer = async (store: Store, path: string, name: string) => {
    const staged = await store.stage(name, null);
    assert.ok(staged instanceof Staging);
    const entry = await staged.publish(facts(name, { origin: 'reference' }), path);
    await staged.close();
    return entry;
  };
  const names = async (store: Store) => (await store.entries()).entries.map(({ name }) => name);

  it('lists nothing, and makes nothing, before a model is added', async () => {
    const store = await openStore(places);
    assert.deepEqual(await store.entries(), { entries: [], problems: [] });
    assert.deepEqual(readdirSync(root), []);
  });

  it('adds references and files, finds them by name, and removes no file outside of the store', async () => {
    const outside = join(root, 'phi.gguf');
    writeFileSync(outside, 'GGUF');
    const store = await openStore(places);
    const added = await refer(store, outside, 'Phi 3 mini');
    const own = await download(store, 'SmolLM2');
    assert.deepEqual((await store.entries()).entries, [added, own]);
    assert.deepEqual([added.id, added.path, added.bytes], ['Phi-3-mini', outside, 4]);
    assert.equal(own.path, join(places.folder, 'models/SmolLM2/model.gguf'));
    assert.deepEqual(await (await openStore(places)).find('phi 3 MINI'), added);
    for (const entry of [added, own]) await store.remove(entry);
    assert.deepEqual([await names(store), statSync(outside).size], [[], 4]);
    assert.deepEqual(readdirSync(join(places.folder, 'models')), []);
  });

  it('is readable by its owner alone', async function () {
    if (process.platform === 'win32') this.skip();
    const store = await openStore(places);
    await download(store, 'a');
    const modes = ['.', 'models', 'models/a', 'models/a/entry.json', 'marks'].map(
      (path) => statSync(join(places.folder, path)).mode & 0o777,
    );
    assert.deepEqual(modes, [0o700, 0o700, 0o700, 0o600, 0o700]);
    chmodSync(places.folder, 0o750);
    await assert.rejects(openStore(places), /must be one that only you can access; run "chmod 700"/);
  });

  it('is made with the folders above it, and refused in a sentence where that cannot be done', async () => {
    const inside = { ...places, folder: join(root, 'one/two/three') };
    assert.equal((await download(await openStore(inside), 'a')).path, join(inside.folder, 'models/a/model.gguf'));
    writeFileSync(join(root, 'file'), '');
    for (const folder of [
      join(root, 'file/store'),
      ...(process.platform === 'linux' ? ['/proc/store', '/proc/a/b'] : []),
    ]) {
      const store = new Store({ ...places, folder });
      await assert.rejects(
        store.stage('a', null),
        /^BadRequest: The folder for models, .*, cannot be (made|read) \(\w+\)\.$/,
      );
    }
  });

  it('refuses a name that belongs to another model, in any case of letters, and gives the same model again', async () => {
    const store = await openStore(places);
    const first = await download(store, 'Model', { source: '/a' });
    await assert.rejects(store.stage('mODEL', '/b'), /already has a model with the name Model; choose another name/);
    assert.deepEqual(await store.stage('Model', '/a'), first);
  });

  it('renames and reports a damaged entry, finds the model on disk again, and keeps the others', async () => {
    const store = await openStore(places);
    const [good, bad] = [await download(store, 'good'), await download(store, 'bad')];
    await refer(store, '/elsewhere/x.gguf', 'gone');
    for (const [id, text] of [
      ['bad', '{"version":1,'],
      ['gone', '[]'],
    ] as const) {
      writeFileSync(join(places.folder, 'models', id, 'entry.json'), text);
    }
    const { entries, problems } = await store.entries();
    assert.deepEqual(entries.map(({ id, path }) => [id, path]).sort(), [
      ['bad', bad.path],
      ['good', good.path],
    ]);
    assert.deepEqual(problems.sort(), [
      "The store's folder gone had an entry.json that has no valid content, and there is no model in it.",
      "The store's model bad had an entry.json that is not valid JSON; the model itself was found again.",
    ]);
    const left = readdirSync(join(places.folder, 'models/bad')).map((name) => name.replace(/\d+$/, 'TIME'));
    assert.deepEqual(left.sort(), ['entry.json', 'entry.json.damaged-TIME', 'model.gguf']);
    assert.deepEqual((await store.entries()).problems, [
      "The store's folder gone has no entry.json, and there is no model in it.",
    ]);
  });

  it('leaves the entry of a newer version alone', async () => {
    const store = await openStore(places);
    await download(store, 'new');
    const path = join(places.folder, 'models/new/entry.json');
    writeFileSync(path, '{"version":2}');
    const { entries, problems } = await store.entries();
    assert.deepEqual(
      [entries, problems],
      [[], ['The entry of new in the store was written by a newer version of Airgap.']],
    );
    assert.equal(statSync(path).size, 13);
  });

  it("searches the administrator's store, and neither changes it nor trusts one that others can change", async function () {
    await download(await openStore({ ...places, folder: places.sharedFolder }), 'company');
    chmodSync(places.sharedFolder, 0o755);
    const models = join(places.sharedFolder, 'models');
    const store = await openStore(places);
    const entry = (await store.find('company'))!;
    assert.equal(entry.shared, true);
    await assert.rejects(store.remove(entry), /belongs to the administrator's store, which cannot be changed/);
    if (process.platform === 'win32') this.skip();
    chmodSync(models, 0o777);
    assert.deepEqual(await store.entries(), {
      entries: [],
      problems: [`${models} is not used, because other users can change it.`],
    });
  });

  it("says so where the administrator's store cannot be read, and lists the user's own", async () => {
    const store = await openStore(places);
    await download(store, 'mine');
    const models = join(places.sharedFolder, 'models');
    mkdirSync(places.sharedFolder);
    writeFileSync(models, '');
    const { entries, problems } = await store.entries();
    assert.deepEqual(
      [entries.map(({ id }) => id), problems],
      [['mine'], [`The folder ${models} cannot be read (ENOTDIR).`]],
    );
  });

  it('one process at a time works on a model; the second one waits and is told', async () => {
    const store = await openStore(places);
    const first = await store.stage('m', '/source');
    assert.ok(first instanceof Staging);
    let told = 0;
    let done = false;
    const second = store.stage('m', '/source', { onWait: () => told++ }).finally(() => (done = true));
    while (told === 0) await new Promise(setImmediate);
    assert.equal(done, false);
    const entry = await first.publish(facts('m', { source: '/source' }), 'model.gguf');
    await first.close();
    assert.deepEqual(await second, entry);
    assert.equal(told, 1);
  });

  it('a waiting process can be cancelled', async () => {
    const store = await openStore(places);
    const first = await store.stage('m', null);
    const cancel = new AbortController();
    const waiting = store.stage('m', null, { signal: cancel.signal, onWait: () => cancel.abort() });
    await assert.rejects(waiting, /cancelled/);
    await (first as Staging).close();
  });

  const dead: [string, (marks: string) => Promise<void>][] = [
    [
      'a process that has ended',
      async (marks) => {
        const child = spawn(process.execPath, ['-e', '']);
        await once(child, 'exit');
        writeFileSync(join(marks, `m.lock.${child.pid}-00`), '');
      },
    ],
    [
      'a process whose number another one has today',
      async (marks) => {
        const path = join(marks, `m.lock.${process.ppid}-00`);
        writeFileSync(path, '');
        utimesSync(path, 0, 0);
      },
    ],
  ];
  for (const [name, leave] of dead) {
    it(`takes over the lock of ${name}, and clears away what it left`, async () => {
      const store = await openStore(places);
      await download(store, 'other');
      const unfinished = join(places.folder, 'models/.m.unfinished');
      mkdirSync(unfinished);
      writeFileSync(join(unfinished, 'half'), '');
      await leave(join(places.folder, 'marks'));
      const staged = await store.stage('m', null);
      assert.ok(staged instanceof Staging);
      assert.deepEqual(readdirSync(staged.folder), []);
      await staged.close();
      assert.deepEqual(await names(store), ['other']);
      assert.deepEqual(readdirSync(join(places.folder, 'marks')), []);
      assert.deepEqual(readdirSync(join(places.folder, 'models')), ['other']);
    });
  }

  it('keeps what an interrupted process had written, where it is asked to', async () => {
    const store = await openStore(places);
    const first = (await store.stage('m', null, { keep: true })) as Staging;
    writeFileSync(join(first.folder, 'half'), 'x');
    await first.close();
    const second = (await store.stage('m', null, { keep: true })) as Staging;
    assert.deepEqual(readdirSync(second.folder), ['half']);
    await second.discard();
    await second.close();
  });

  it('knows which other processes use a model', async () => {
    const store = await openStore(places);
    const entry = await download(store, 'm');
    writeFileSync(join(places.folder, `marks/m.use.${process.ppid}-00`), '');
    const release = await useModel(entry.path);
    assert.equal(readdirSync(join(places.folder, 'marks')).length, 2);
    assert.deepEqual(await store.usedBy(entry), [process.ppid]);
    await release();
    assert.equal(readdirSync(join(places.folder, 'marks')).length, 1);
  });

  it('resolves a name to a model of the store before a folder of that name, and a path to itself', async () => {
    const entry = await download(await openStore(places), 'm');
    assert.equal(await resolveModel('m', places), entry.path);
    assert.equal(await resolveModel(root, places), root);
    assert.equal(await resolveModel('engine', places), join(process.cwd(), 'engine'));
    await assert.rejects(
      resolveModel('nothing', places),
      /nothing is neither the path of a model nor one in the store/,
    );
  });

  it("makes folders' names that every system takes", () => {
    const ids = ['SmolLM2-135M', 'Phi 3 / mini', '..', 'con', 'aux.gguf', 'größe', '-x.'].map(idOf);
    assert.deepEqual(ids, ['SmolLM2-135M', 'Phi-3-mini', 'model-', 'model-con', 'model-aux.gguf', 'gro-e', 'x']);
  });
});
