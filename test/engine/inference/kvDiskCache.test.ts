import assert from 'node:assert/strict';
import { mkdirSync, readFileSync, readdirSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { KvDiskCache } from '../../../engine/inference/kvDiskCache.ts';
import { type Ops, OutOfMemory } from '../../../kernels/ops.ts';
import { ReferenceOps } from '../../../kernels/reference/referenceOps.ts';
import { backends } from '../../support/engine/backends.ts';
import { TinyFolder } from '../../support/engine/tinyModel.ts';
import { TinySessions } from '../../support/engine/tinySessions.ts';
import { textPrompt } from '../../../engine/prompt/prompt.ts';

const ids = (count: number, seed = 7): number[] => Array.from({ length: count }, (_, i) => (i * 31 + seed) % 128);
const file = ids(300);
const config = { max_position_embeddings: 1024 };
/** Pages of the tiny model: 2 layers, 2 heads of 16, keys and values, in the reference's f32. */
const PAGE_BYTES = 2 * 2 * 2 * 16 * 64 * 4;
const MANY_BYTES = 1e9;

describe('the KV disk cache', () => {
  let folder: TinyFolder;
  let path: string;
  let logged: string[];
  const open: TinySessions[] = [];
  beforeEach(() => {
    folder = new TinyFolder();
    path = join(folder.path, 'kv');
    logged = [];
  });
  afterEach(async () => {
    for (const tiny of open.splice(0)) await tiny.dispose();
    folder.remove();
  });

  const store = (maxBytes = MANY_BYTES): KvDiskCache =>
    new KvDiskCache((message) => logged.push(message)).keepIn({ folder: path, maxBytes });
  const files = (): string[] => readdirSync(path).sort();

  /** Opens another model with the same weights, as after a restart. */
  async function start(
    options: { ops?: Ops; config?: object; kv?: 'f16' | 'q8'; identity?: string; store?: KvDiskCache } = {},
  ): Promise<TinySessions> {
    const { identity = 'tiny', store: own = store(), ...rest } = options;
    const tiny = await TinySessions.create({ config, ...rest, diskCache: { cache: own, identity } });
    open.push(tiny);
    return tiny;
  }

  /** Path of a file with the KV cache of `tokens`. */
  async function saved(tokens: readonly number[] = file, model: object = config): Promise<string> {
    const tiny = await start({ config: model });
    const session = tiny.session();
    await session.prefill(textPrompt(tokens));
    const before = new Set(statSync(path, { throwIfNoEntry: false }) ? files() : []);
    assert.equal(await session.saveToDisk(), true);
    await session.dispose();
    assert.equal(tiny.allocator.pagesInUse, 0);
    return join(
      path,
      files().find((name) => !before.has(name))!,
    );
  }

  for (const { name, create } of [{ name: 'reference', create: async () => new ReferenceOps() }, ...backends]) {
    for (const kv of ['f16', 'q8'] as const) {
      it(`${name}, ${kv}: after a restart the logits are the same, bit for bit`, async function () {
        const [before, after] = [await create(), await create()];
        if ('skip' in before || 'skip' in after) {
          console.log('skip' in before ? before.skip : '');
          return this.skip();
        }
        const prompt = [...file, 1, 2, 3];
        const first = await start({ ops: before, kv });
        const session = first.session();
        await session.prefill(textPrompt(file));
        assert.equal(await session.saveToDisk(), true);
        const want = await session.run(textPrompt(prompt), { output: 'logits' });
        assert.equal(want.reused, 300);

        const second = await start({ ops: after, kv });
        const got = await second.session().run(textPrompt(prompt), { output: 'logits' });
        assert.deepEqual([got.reused, got.computed, second.computed()], [300, 3, 3]);
        assert.deepEqual(got.values, want.values);
        assert.deepEqual(logged, []);
      });
    }
  }

  it('only the user may read them', async () => {
    const old = process.umask(0);
    try {
      const snapshot = await saved();
      const modes = [path, snapshot].map((each) => statSync(each).mode & 0o777);
      if (process.platform !== 'win32') assert.deepEqual(modes, [0o700, 0o600]);
    } finally {
      process.umask(old);
    }
  });

  const damages: [name: string, change: (bytes: Buffer) => Uint8Array, reused: number, says: RegExp][] = [
    ['another format', (bytes) => flipped(bytes, 0), 0, /another format, version or model/],
    ['another version', (bytes) => flipped(bytes, 4), 0, /another format, version or model/],
    ['more tokens', (bytes) => flipped(bytes, 8), 0, /bytes instead of/],
    ['another identity', (bytes) => flipped(bytes, 20), 0, /another format, version or model/],
    ['another checksum', (bytes) => flipped(bytes, 50), 0, /checksum of its header/],
    ['another token', (bytes) => flipped(bytes, 80 + 4 * 290), 0, /checksum of its header/],
    ['no page', (bytes) => bytes.subarray(0, 80 + 4 * 300), 0, /bytes instead of/],
    ['half a page', (bytes) => bytes.subarray(0, -PAGE_BYTES / 2), 0, /bytes instead of/],
    ['nothing', () => new Uint8Array(), 0, /cut off/],
    ['a foreign text', () => Buffer.from('{"hello": "world"}'), 0, /cut off/],
    ['a damaged first page', (bytes) => flipped(bytes, 80 + 4 * 300 + 5), 0, /checksum of its page 0/],
    ['a damaged third page', (bytes) => flipped(bytes, -3 * (PAGE_BYTES + 32) + 5), 128, /checksum of its page 2/],
    ['a damaged checksum', (bytes) => flipped(bytes, -1), 256, /checksum of its page 4/],
  ];
  for (const [name, change, reused, says] of damages) {
    it(`a file with ${name} is not trusted but removed`, async () => {
      const want = await (await start()).session().run(textPrompt(file), { output: 'logits' });
      const snapshot = await saved();
      writeFileSync(snapshot, change(readFileSync(snapshot)));
      const got = await (await start()).session().run(textPrompt(file), { output: 'logits' });
      assert.deepEqual([got.reused, got.values], [reused, want.values]);
      assert.equal(logged.length, 1);
      assert.match(logged[0]!, says);
      assert.ok(logged[0]!.includes(snapshot));
      assert.deepEqual(files(), []);
    });
  }

  it('another model, format or text does not get it, and leaves it alone', async () => {
    await saved();
    for (const [tokens, options] of [
      [file, { identity: 'another' }],
      [file, { kv: 'q8' }],
      [[9, ...file], {}],
    ] as const) {
      assert.equal((await (await start(options)).session().run(textPrompt(tokens), { output: 'argmax' })).reused, 0);
    }
    assert.deepEqual([files().length, logged], [1, []]);
  });

  it('a text changed in its middle starts from what stands before, if that is enough', async () => {
    await saved();
    for (const [common, reused] of [
      [280, 280],
      [256, 256],
      [255, 0],
    ] as const) {
      const changed = [...file.slice(0, common), (file[common]! + 1) % 128, ...ids(20)];
      const result = await (await start()).session().run(textPrompt(changed), { output: 'logits' });
      assert.equal(result.reused, reused);
      const want = await (await start({ identity: 'cold' })).session().run(textPrompt(changed), { output: 'logits' });
      assert.deepEqual(result.values, want.values);
    }
  });

  it('what the session holds itself is not read again', async () => {
    await saved(ids(400));
    const tiny = await start();
    const session = tiny.session();
    await session.prefill(textPrompt(ids(100)));
    tiny.computed();
    let written = 0;
    const { pool } = tiny.allocator;
    const write = pool.write.bind(pool);
    pool.write = (page, bytes) => write(page, bytes).then(() => void written++);
    assert.deepEqual(await session.prefill(textPrompt(ids(410))), { reused: 400, computed: 10 });
    assert.equal(written, 7 - 1);
    const want = await (await start({ identity: 'cold' })).session().run(textPrompt(ids(411)), { output: 'logits' });
    assert.deepEqual((await session.run(textPrompt(ids(411)), { output: 'logits' })).values, want.values);
  });

  it('the oldest make room, one that was used counts as new', async () => {
    const [a, b] = [await saved(ids(300, 1)), await saved(ids(300, 2))];
    utimesSync(a, 1000, 1000);
    utimesSync(b, 2000, 2000);
    assert.equal((await (await start()).session().prefill(textPrompt(ids(300, 1)))).reused, 300);
    const tiny = await start({ store: store(2.5 * statSync(a).size) });
    const session = tiny.session();
    await session.prefill(textPrompt(ids(300, 3)));
    assert.equal(await session.saveToDisk(), true);
    assert.equal(files().length, 2);
    assert.ok(statSync(a) && !statSync(b, { throwIfNoEntry: false }));
    assert.match(logged.join(), /is evicted/);
  });

  it('too large, too short or not asked for, nothing is kept', async () => {
    const tiny = await start({ store: store(1000) });
    const session = tiny.session();
    await session.prefill(textPrompt(file));
    assert.equal(await session.saveToDisk(), false);
    assert.match(logged.join(), /A KV cache of 300 tokens is not written/);
    for (const [other, count] of [
      [await start(), 255],
      [await TinySessions.create({ config }), 300],
    ] as const) {
      const short = other.session();
      await short.prefill(textPrompt(ids(count)));
      assert.equal(await short.saveToDisk(), false);
    }
    assert.equal(statSync(path, { throwIfNoEntry: false }), undefined, 'not even the folder');
  });

  it('a longer text replaces the one it continues; the same is written once', async () => {
    await saved();
    const tiny = await start();
    const session = tiny.session();
    await session.prefill(textPrompt(ids(500)));
    assert.ok(await session.saveToDisk());
    const [name] = files();
    assert.equal(files().length, 1);
    const { ino } = statSync(join(path, name!));
    await session.prefill(textPrompt(file));
    assert.ok(await session.saveToDisk(), 'there already, within the longer one');
    assert.deepEqual([files(), statSync(join(path, name!)).ino], [[name], ino]);
    assert.equal((await (await start()).session().prefill(textPrompt(ids(510)))).reused, 500);
  });

  it('while it is written the session goes on', async () => {
    const tiny = await start();
    const session = tiny.session();
    await session.prefill(textPrompt(file));
    const saving = session.saveToDisk();
    const other = [...file.slice(0, 290), ...ids(20, 5)];
    const result = await session.run(textPrompt(other), { output: 'logits' });
    assert.ok(await saving);
    const restored = await (await start()).session().run(textPrompt(other), { output: 'logits' });
    assert.deepEqual([restored.reused, restored.values], [290, result.values]);
  });

  it('cancelled or disposed while it is written, nothing is left', async () => {
    for (const how of ['cancelled', 'disposed'] as const) {
      const tiny = await start();
      const session = tiny.session();
      await session.prefill(textPrompt(file));
      const abort = new AbortController();
      let read = 0;
      const { pool } = tiny.allocator;
      const original = pool.read.bind(pool);
      pool.read = (page) => {
        if (++read === 3) void (how === 'cancelled' ? abort.abort() : session.dispose());
        return original(page);
      };
      await assert.rejects(session.saveToDisk({ signal: abort.signal }), { name: 'Cancelled' });
      assert.equal(read, 3);
      await session.dispose();
      assert.deepEqual([files(), tiny.allocator.pagesInUse], [[], 0]);
    }
  });

  it('turned off while it is written, nothing is left, found or kept', async () => {
    const kept = store();
    const tiny = await start({ store: kept });
    const session = tiny.session();
    await session.prefill(textPrompt(file));
    const { pool } = tiny.allocator;
    const original = pool.read.bind(pool);
    pool.read = (page) => original(page).finally(() => kept.keepIn(undefined));
    assert.equal(await session.saveToDisk(), false);
    assert.deepEqual(files(), []);
    assert.equal(await session.saveToDisk(), false);
    await saved();
    assert.equal(
      (await tiny.session().prefill(textPrompt([...file.slice(0, 299), 1]))).reused,
      299,
      'from the other session',
    );
    await session.dispose();
    const fresh = await start({ store: kept });
    assert.equal((await fresh.session().prefill(textPrompt(file))).reused, 0);
  });

  it('disposed right away, its pages are free when that is done', async () => {
    const tiny = await start();
    const session = tiny.session();
    await session.prefill(textPrompt(file));
    const saving = session.saveToDisk();
    const ended = assert.rejects(saving, { name: 'Cancelled' });
    await session.dispose();
    assert.equal(tiny.allocator.pagesInUse, 0);
    await ended;
  });

  it('cancelled while it is read, the cache holds what was read', async () => {
    await saved(ids(400));
    const tiny = await start();
    const session = tiny.session();
    const abort = new AbortController();
    const { pool } = tiny.allocator;
    const write = pool.write.bind(pool);
    pool.write = (page, bytes) => {
      if (page === 3) abort.abort();
      return write(page, bytes);
    };
    await assert.rejects(session.prefill(textPrompt(ids(400)), { signal: abort.signal }), { name: 'Cancelled' });
    assert.deepEqual([...session.tokens], ids(256));
    const want = await (await start({ identity: 'cold' })).session().run(textPrompt(ids(257)), { output: 'logits' });
    assert.deepEqual((await session.run(textPrompt(ids(257)), { output: 'logits' })).values, want.values);
  });

  it('without memory for the pages nothing is taken', async () => {
    await saved();
    const tiny = await start();
    const session = tiny.session();
    const { pool } = tiny.allocator;
    const grow = pool.grow.bind(pool);
    pool.grow = async (pages) => (pages > 3 ? Promise.reject(new OutOfMemory(pages, 'full')) : grow(pages));
    await assert.rejects(session.prefill(textPrompt(file)), OutOfMemory);
    assert.deepEqual([session.tokens.length, tiny.allocator.pagesInUse], [192, 3]);
    pool.grow = grow;
    assert.equal((await session.prefill(textPrompt(file))).reused, 192, 'a rest of 108 tokens is computed, not read');
  });

  it('a folder that cannot be read costs the cache, not the answer', async () => {
    writeFileSync(path, 'a file');
    const session = (await start()).session();
    assert.equal((await session.prefill(textPrompt(file))).computed, 300);
    assert.match(logged.join(), /disk cache is not used: ENOTDIR/);
    await assert.rejects(session.saveToDisk(), { code: 'EEXIST' });
  });

  it('what a writer that died has left goes, other files stay', async () => {
    mkdirSync(path);
    const name = `${'0'.repeat(16)}-${'1'.repeat(16)}.kv`;
    const [dead, alive, foreign] = [`${name}.${'2'.repeat(12)}.tmp`, `${name}.${'3'.repeat(12)}.tmp`, 'notes.txt'];
    for (const each of [dead, alive, foreign]) writeFileSync(join(path, each), 'x');
    utimesSync(join(path, dead), 1000, 1000);
    const snapshot = await saved();
    assert.deepEqual(files(), [alive, basename(snapshot), foreign].sort());
  });

  it('keys rotated with the long factors are not those of a short text', async () => {
    const factors = Array<number>(8).fill(2);
    const rope_scaling = { type: 'longrope', short_factor: Array<number>(8).fill(1), long_factor: factors };
    const longRope = { ...config, original_max_position_embeddings: 400, rope_scaling };
    await saved(ids(500), longRope);
    for (const [count, reused] of [
      [390, 0],
      [450, 449],
    ] as const) {
      const tiny = await start({ config: longRope });
      assert.equal((await tiny.session().run(textPrompt(ids(count)), { output: 'argmax' })).reused, reused);
    }
  });
});

/** Changes one bit. A negative position counts from the end. */
function flipped(bytes: Buffer, at: number): Buffer {
  bytes[at < 0 ? bytes.length + at : at]! ^= 1;
  return bytes;
}
