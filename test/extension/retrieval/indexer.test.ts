import assert from 'node:assert/strict';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import type { FileSystem } from '../../../extension/files/fileSystem.ts';
import { nodeFileSystem } from '../../../extension/files/nodeFileSystem.ts';
import { Indexer } from '../../../extension/retrieval/indexer.ts';
import { IndexThread } from '../../../extension/retrieval/indexThread.ts';
import type { FoundChunk, Progress } from '../../../extension/retrieval/protocol.ts';
import { FileAnalyser } from '../../../extension/retrieval/fileAnalyser.ts';
import { HIDDEN } from '../../../extension/reading/secrets.ts';
import { saveIndex, indexFile } from '../../../extension/retrieval/savedIndex.ts';

/** A file system that only the host reads. */
const HOST_FILES: FileSystem = {
  stat: (path) => (path === '//memfs:a/p/pay.ts' ? { kind: 'file', mtimeMs: 1, size: 40 } : undefined),
  list: (folder) => (folder === '//memfs:a/p' ? [{ name: 'pay.ts', kind: 'file' }] : []),
  read: (path) => (path.endsWith('/pay.ts') ? Buffer.from('export function payInvoice() {}\n') : undefined),
  realPath: (path) => path,
};
const GRAMMARS = resolve('node_modules/@vscode/tree-sitter-wasm/wasm');

describe('index', () => {
  let top: string;
  let folder: string;
  let opened: Indexer[] = [];
  const progress: Progress[] = [];
  const write = (path: string, text: string): void => {
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    writeFileSync(join(folder, path), text);
  };
  const open = async (exclude: string[] = []): Promise<Indexer> => {
    const indexer = new Indexer(
      {
        storageFolder: join(top, 'storage'),
        folders: [{ path: folder, name: '' }],
        exclude,
        include: [],
        encoding: 'utf8',
      },
      {
        files: nodeFileSystem,
        analysers: new FileAnalyser(nodeFileSystem, GRAMMARS),
        onProgress: (each) => progress.push(each),
        log: assert.fail,
      },
    );
    opened.push(indexer);
    await indexer.open();
    return indexer;
  };
  const search = (indexer: Indexer, query: string, recent: string[] = []): Promise<FoundChunk[]> =>
    indexer.search({ query, limit: 5, recent: recent.map((path) => join(folder, path)) });
  const paths = async (indexer: Indexer, query: string, recent?: string[]): Promise<string[]> =>
    (await search(indexer, query, recent)).map(({ path }) => path);
  const fn = (name: string, body = ''): string => `// ${name}\nexport function ${name}() {\n  ${body}\n}\n`;

  beforeEach(() => {
    top = mkdtempSync(join(tmpdir(), 'airgap-index-'));
    folder = join(top, 'project');
    mkdirSync(folder);
    progress.length = 0;
  });
  afterEach(async () => {
    for (const each of opened) await each.dispose();
    opened = [];
    rmSync(top, { recursive: true });
  });

  it('finds a function by a question, with its place and text', async () => {
    write('src/shop.ts', `import x from 'x';\n${'\n'.repeat(30)}${fn('sellTicket', 'x.pay();')}`);
    write('src/other.ts', fn('unrelated'));
    const [hit] = await search(await open(), 'Where are tickets sold or paid? See sellTicket');
    assert.equal(hit?.path, 'src/shop.ts');
    assert.equal(hit.file, join(folder, 'src/shop.ts'));
    assert.match(hit.symbol, /sellTicket/);
    const lines = readFileSync(hit.file, 'utf8').split('\n');
    assert.equal(hit.text, lines.slice(hit.firstLine - 1, hit.lastLine).join('\n'));
    assert.deepEqual(progress.at(-1), { done: 2, total: 2, ready: true });
  });

  it('ranks: who declares before who uses, sources before tests, what was edited lately', async () => {
    write('a/use.ts', fn('caller', 'computeInvoice(); computeInvoice(); computeInvoice();'));
    write('b/invoice.ts', fn('computeInvoice'));
    write('test/invoice.test.ts', fn('computeInvoiceTest', 'computeInvoice();'));
    write('c/one.ts', fn('paintCircle', 'circle();'));
    write('d/one.ts', fn('paintCircle', 'circle();'));
    const indexer = await open();
    const found = await paths(indexer, 'computeInvoice');
    assert.equal(found[0], 'b/invoice.ts');
    assert.ok(found.includes('a/use.ts'));
    assert.equal((await paths(indexer, 'how is the invoice computed?'))[0], 'b/invoice.ts');
    assert.equal((await paths(indexer, 'tests of the invoice'))[0], 'test/invoice.test.ts');
    for (const recent of ['c/one.ts', 'd/one.ts'])
      assert.equal((await paths(indexer, 'paint a circle', [recent]))[0], recent);
  });

  it('who uses what the best hit declares comes next, though no word of the question is in it', async () => {
    write('a.ts', `// How loyal customers get their discount.\n${fn('applyRebateTable')}`);
    write('b.ts', fn('checkoutBasket', 'return applyRebateTable();'));
    assert.deepEqual(await paths(await open(), 'loyal customers'), ['a.ts', 'b.ts']);
  });

  it('words of one statement say more than words of one screen', async () => {
    const step = '  step();\n';
    write('far.ts', fn('one', `parcel();\n${step.repeat(15)}  customs();\n${step.repeat(15)}  refund();`));
    write('near.ts', fn('two', `${step.repeat(30)}  refund(customs(parcel()));`));
    assert.deepEqual(await paths(await open(), 'refund of customs for a parcel'), ['near.ts', 'far.ts']);
  });

  it('not five chunks of one file, where others are as good', async () => {
    write('big.ts', Array.from({ length: 12 }, (_, i) => fn(`parrot${i}`, 'parrot();\n'.repeat(30))).join('\n'));
    for (let i = 0; i < 4; i++) write(`small${i}.ts`, fn(`parrot${i}`, 'parrot();\n'.repeat(30)));
    const found = await paths(await open(), 'parrot');
    assert.ok(new Set(found).size >= 3, String(found));
  });

  it('follows saving, creating, renaming and deleting, files and folders', async () => {
    write('a.ts', fn('alpha'));
    const indexer = await open();
    write('a.ts', fn('omega'));
    await indexer.changed([join(folder, 'a.ts')]);
    assert.deepEqual([await paths(indexer, 'alpha'), await paths(indexer, 'omega')], [[], ['a.ts']]);
    write('sub/deep/b.ts', fn('beta'));
    await indexer.changed([join(folder, 'sub')]);
    assert.deepEqual(await paths(indexer, 'beta'), ['sub/deep/b.ts']);
    renameSync(join(folder, 'sub'), join(folder, 'moved'));
    await indexer.changed([join(folder, 'sub'), join(folder, 'moved')]);
    assert.deepEqual(await paths(indexer, 'beta'), ['moved/deep/b.ts']);
    rmSync(join(folder, 'moved'), { recursive: true });
    await indexer.changed([join(folder, 'moved')]);
    assert.deepEqual(await paths(indexer, 'beta'), []);
    assert.equal(indexer.stats.files, 1);
  });

  it('a .gitignore that changes counts at once', async () => {
    write('a.ts', fn('alpha'));
    write('gen/b.ts', fn('beta'));
    const indexer = await open();
    write('.gitignore', 'gen\n');
    await indexer.changed([join(folder, '.gitignore')]);
    assert.deepEqual(await paths(indexer, 'beta'), []);
  });

  it('many saves leave few segments and no dead hits', async () => {
    for (let i = 0; i < 30; i++) write(`f${i}.ts`, fn(`file${i}`));
    const indexer = await open();
    for (let round = 0; round < 40; round++) {
      write(`f${round % 30}.ts`, fn(`round${round}`));
      await indexer.changed([join(folder, `f${round % 30}.ts`)]);
    }
    assert.deepEqual(await paths(indexer, 'round39'), ['f9.ts']);
    assert.deepEqual(await paths(indexer, 'round9'), []);
    assert.equal(indexer.stats.files, 30);
  });

  it('a change that nobody told of: the question finds it, or what is gone is no hit', async () => {
    write('a.ts', fn('alpha'));
    write('b.ts', fn('alphaBeta'));
    const indexer = await open();
    write('a.ts', `${'// more\n'.repeat(50)}${fn('alpha')}`);
    rmSync(join(folder, 'b.ts'));
    const found = await search(indexer, 'alpha');
    assert.deepEqual([...new Set(found.map(({ path }) => path))], ['a.ts']);
    assert.match(found[0]!.text, /function alpha/);
  });

  it('a restart reads only what changed', async () => {
    for (let i = 0; i < 5; i++) write(`f${i}.ts`, fn(`file${i}`));
    await (await open()).dispose();
    write('f3.ts', fn('changed'));
    rmSync(join(folder, 'f4.ts'));
    const again = await open();
    assert.equal(again.stats.read, 1);
    assert.deepEqual([await paths(again, 'changed'), await paths(again, 'file4')], [['f3.ts'], []]);
  });

  it('other rules make the index anew', async () => {
    write('a.ts', fn('alpha'));
    write('b.ts', fn('beta'));
    await (await open()).dispose();
    const again = await open(['b.ts']);
    assert.deepEqual([again.stats.read, again.stats.files], [1, 1]);
  });

  for (const [name, damage] of [
    ['cut', (bytes) => bytes.subarray(0, bytes.length - 40)],
    ['empty', () => Buffer.alloc(0)],
    [
      'changed in one byte',
      (bytes) => Buffer.from(bytes.map((byte, i) => (i === bytes.length - 30 ? byte ^ 1 : byte))),
    ],
    ['of another version', (bytes) => Buffer.concat([Buffer.from('airgap index 0\n'), bytes.subarray(15)])],
  ] as [string, (bytes: Buffer) => Buffer][]) {
    it(`an index that is ${name} is made anew`, async () => {
      write('a.ts', fn('alpha'));
      await (await open()).dispose();
      const file = indexFile(join(top, 'storage'));
      writeFileSync(file, damage(readFileSync(file)));
      const again = await open();
      assert.equal(again.stats.read, 1);
      assert.deepEqual(await paths(again, 'alpha'), ['a.ts']);
    });
  }

  it('two windows on one folder: neither disturbs the other, and what is kept is whole', async () => {
    write('a.ts', fn('alpha'));
    const [one, two] = await Promise.all([open(), open()]);
    write('b.ts', fn('beta'));
    await Promise.all([one.changed([join(folder, 'b.ts')]), two.changed([join(folder, 'b.ts')])]);
    write('c.ts', fn('gamma'));
    await one.changed([join(folder, 'c.ts')]);
    await Promise.all([one.dispose(), two.dispose()]);
    const third = await open();
    for (const [word, path] of [
      ['alpha', 'a.ts'],
      ['beta', 'b.ts'],
      ['gamma', 'c.ts'],
    ]) {
      assert.deepEqual(await paths(third, word!), [path]);
    }
    assert.deepEqual(readdirSync(join(top, 'storage', 'index')), ['project.idx']);
  });

  it('what a window left half written is removed later', async () => {
    await saveIndex(join(top, 'storage'), '', { files: [], segments: [] });
    const left = `${indexFile(join(top, 'storage'))}.1.tmp`;
    writeFileSync(left, 'half');
    utimesSync(left, 0, 0);
    await open();
    assert.equal(existsSync(left), false);
  });

  it('secrets: .env is not in the index, and a token in a source is hidden with its lines in place', async () => {
    const token = 'gh' + 'p_' + 'a1B2'.repeat(9);
    write('.env', 'PAYMENT_TOKEN=abc\n');
    write('pay.ts', fn('payWithToken', `const key = '${token}';`));
    const [hit, ...others] = await search(await open(), 'pay with the PAYMENT_TOKEN');
    assert.deepEqual([hit!.path, others.length], ['pay.ts', 0]);
    assert.ok(hit!.text.includes(HIDDEN) && !hit!.text.includes(token));
    assert.equal(hit!.text.split('\n').length, hit!.lastLine - hit!.firstLine + 1);
    assert.ok(!readFileSync(indexFile(join(top, 'storage'))).includes('payWithToken();'), 'no text is kept');
  });

  it('questions without words, in other scripts, or very long', async () => {
    write('a.ts', fn('alpha'));
    write('日本.md', '# 設定\n\nファイルの読み込み\n');
    const indexer = await open();
    for (const query of ['', '???', 'what is this', 'x'.repeat(100_000), 'alpha '.repeat(5000)])
      await search(indexer, query);
    assert.deepEqual(await paths(indexer, 'ファイルを読む'), ['日本.md']);
  });
});

/** The real thread, as it is built. */
describe('index thread', function () {
  this.timeout(60_000);
  let top: string;
  let thread: IndexThread;
  const crashes: string[] = [];
  const params = () => ({
    storageFolder: join(top, 'storage'),
    folders: [{ path: join(top, 'project'), name: '' }],
    exclude: [],
    include: [],
    encoding: 'utf8',
  });
  const activeThreads = (): number => process.getActiveResourcesInfo().filter((name) => name === 'MessagePort').length;

  before(function () {
    assert.ok(existsSync('dist/indexer.cjs'), 'built by npm run build');
  });
  beforeEach(() => {
    top = mkdtempSync(join(tmpdir(), 'airgap-index-'));
    mkdirSync(join(top, 'project'));
    for (let i = 0; i < 900; i++) {
      writeFileSync(
        join(top, 'project', `f${i}.ts`),
        `export function worker${i}() {\n${'  step();\n'.repeat(100)}}\n`,
      );
    }
    crashes.length = 0;
    thread = new IndexThread(resolve('dist'), {
      files: HOST_FILES,
      onProgress: () => {},
      onLog: assert.fail,
      onCrash: (reason) => crashes.push(reason),
    });
  });
  afterEach(async () => {
    await thread.dispose();
    rmSync(top, { recursive: true });
  });

  it('reads with further threads, answers, keeps, and leaves no thread and no open file', async () => {
    const before = activeThreads();
    const stats = await thread.call('open', params());
    assert.deepEqual([stats.files, stats.read], [900, 900]);
    const [hit] = await thread.call('search', { query: 'worker17', limit: 3, recent: [] });
    assert.equal(hit!.path, 'f17.ts');
    await thread.dispose();
    assert.ok(activeThreads() <= before);
    if (process.platform === 'linux') {
      const open = readdirSync('/proc/self/fd').map((fd) => existsSync(`/proc/self/fd/${fd}`) && fd);
      assert.ok(!open.some((fd) => String(fd).includes(top)));
    }
    assert.deepEqual(crashes, []);
  });

  it('asks the host for files that are on no disk of this computer', async () => {
    const elsewhere = [{ path: '//memfs:a/p', name: '' }];
    assert.equal((await thread.call('open', { ...params(), folders: elsewhere })).files, 1);
    const [hit] = await thread.call('search', { query: 'payInvoice', limit: 3, recent: [] });
    assert.deepEqual([hit!.file, hit!.path], ['//memfs:a/p/pay.ts', 'pay.ts']);
  });

  it('a question can be cancelled while the project is read', async () => {
    const opened = thread.call('open', params());
    const stop = new AbortController();
    const asked = thread.call('search', { query: 'worker17', limit: 3, recent: [] }, stop.signal);
    stop.abort(new Error('stopped'));
    await assert.rejects(asked, /stopped/);
    await opened;
  });

  it('ended in the middle of reading: open calls fail, the next start is whole', async () => {
    const opened = assert.rejects(thread.call('open', params()), /ended|code|closed/);
    await thread.dispose();
    await opened;
    const again = new IndexThread(resolve('dist'), {
      files: HOST_FILES,
      onProgress: () => {},
      onLog: assert.fail,
      onCrash: assert.fail,
    });
    assert.equal((await again.call('open', params())).files, 900);
    await again.dispose();
    assert.deepEqual(crashes, []);
  });

  it('a crash is told once, and calls fail with a sentence', async () => {
    writeFileSync(join(top, 'indexer.cjs'), `setTimeout(() => { throw new Error('fell over'); }, 100);`);
    const faulty = new IndexThread(top, {
      files: HOST_FILES,
      onProgress: () => {},
      onLog: assert.fail,
      onCrash: (reason) => crashes.push(reason),
    });
    await assert.rejects(faulty.call('open', params()), /fell over/);
    await assert.rejects(faulty.call('search', { query: 'x', limit: 1, recent: [] }), /fell over/);
    await faulty.dispose();
    assert.equal(crashes.length, 1);
  });
});
