import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, relative } from 'node:path';
import { nodeFileSystem } from '../../../extension/files/nodeFileSystem.ts';
import { type FoundFile, ReadableFiles, readText } from '../../../extension/retrieval/readableFiles.ts';

describe('files of a project', () => {
  let top: string;
  let folder: string;
  const write = (path: string, text: string | Buffer = 'text\n'): void => {
    mkdirSync(dirname(join(top, path)), { recursive: true });
    writeFileSync(join(top, path), text);
  };
  const all = async (exclude: string[] = [], include: string[] = []): Promise<string[]> => {
    const found = new ReadableFiles(nodeFileSystem, [{ path: folder, name: '' }], { exclude, include }).all();
    return (await collected(found)).map((file) => relative(top, file)).sort();
  };

  beforeEach(() => {
    top = mkdtempSync(join(tmpdir(), 'airgap-walk-'));
    folder = join(top, 'project');
    mkdirSync(folder);
  });
  afterEach(() => rmSync(top, { recursive: true }));

  it('nested .gitignore files, the nearer one wins', async () => {
    write('project/.gitignore', '*.log\n/out\nsecretly/\n!keep.log\n');
    write('project/sub/.gitignore', '!deep.log\nlocal.txt\n');
    for (const path of ['a.ts', 'a.log', 'keep.log', 'out/x.ts', 'sub/out/y.ts', 'sub/deep.log', 'sub/local.txt']) {
      write(`project/${path}`);
    }
    write('project/secretly/z.ts');
    assert.deepEqual(await all(), [
      'project/.gitignore',
      'project/a.ts',
      'project/keep.log',
      'project/sub/.gitignore',
      'project/sub/deep.log',
      'project/sub/out/y.ts',
    ]);
  });

  it('rules of the repository above, and its own exclude file', async () => {
    write('.git/info/exclude', 'mine.ts\n');
    write('.gitignore', 'project/ignored\n');
    for (const path of ['a.ts', 'mine.ts', 'ignored/b.ts']) write(`project/${path}`);
    assert.deepEqual(await all(), ['project/a.ts']);
  });

  it('a .gitignore above a folder without repository says nothing', async () => {
    write('.gitignore', '*\n');
    write('project/a.ts');
    assert.deepEqual(await all(), ['project/a.ts']);
  });

  it('excluded by settings', async () => {
    for (const path of ['a.ts', 'docs/b.md', 'x/docs/c.md', 'x/d.spec.ts']) write(`project/${path}`);
    assert.deepEqual(await all(['**/docs', '**/*.spec.ts', '']), ['project/a.ts']);
  });

  it('included by settings although they are ignored or excluded, but no secrets', async () => {
    writeFileSync(join(folder, '.gitignore'), 'dist\nlocal.ts\n');
    for (const path of ['a.ts', 'dist/a.js', 'dist/types/a.d.ts', 'dist/types/.env', 'x/local.ts', 'docs/b.md']) {
      write(`project/${path}`);
    }
    const include = ['dist/types/**', '**/local.ts', 'docs/b.md'];
    assert.deepEqual(await all(['docs'], include), [
      'project/.gitignore',
      'project/a.ts',
      'project/dist/types/a.d.ts',
      'project/docs/b.md',
      'project/x/local.ts',
    ]);
  });

  it('what is left out is named with its reason, except for what git ignores', async () => {
    writeFileSync(join(folder, '.gitignore'), 'ignored.log\n');
    for (const path of ['.env', 'a.png', 'ignored.log', 'node_modules/x.js', 'docs/b.md']) write(`project/${path}`);
    write('project/huge.ts', 'x\n'.repeat(600_000));
    const files = new ReadableFiles(nodeFileSystem, [{ path: folder, name: '' }], { exclude: ['docs'], include: [] });
    await collected(files.all());
    assert.deepEqual(Object.fromEntries([...files.skipped].map(([path, why]) => [relative(folder, path), why])), {
      '.env': 'secret',
      'a.png': 'kind',
      'huge.ts': 'large',
      docs: 'excluded',
      node_modules: 'excluded',
    });
  });

  it('secrets, lock files, binaries by name, dependencies and large files are left out', async () => {
    for (const path of [
      '.env',
      'server.key',
      'package-lock.json',
      'yarn.lock',
      'a.png',
      'a.min.js',
      'node_modules/x/i.js',
      '.git/config',
      '.ssh/known',
    ]) {
      write(`project/${path}`);
    }
    write('project/huge.ts', 'x\n'.repeat(600_000));
    write('project/a.ts');
    assert.deepEqual(await all(), ['project/a.ts']);
  });

  it('links are not followed: out of the project, in circles, to secrets', async function () {
    write('outside/id.txt');
    write('project/a.ts');
    write('project/.env');
    try {
      symlinkSync(join(top, 'outside'), join(folder, 'link'));
      symlinkSync(folder, join(folder, 'circle'));
      symlinkSync(join(folder, '.env'), join(folder, 'notes.txt'));
    } catch {
      this.skip();
    }
    assert.deepEqual(await all(), ['project/a.ts']);
    const files = new ReadableFiles(nodeFileSystem, [{ path: folder, name: '' }], { exclude: [], include: [] });
    for (const path of ['link', 'link/id.txt', 'circle/a.ts', 'notes.txt']) {
      assert.deepEqual(await collected(files.at(join(folder, path))), [], path);
    }
  });

  it('one place: a file, a folder, ignored, gone, outside', async () => {
    write('project/.gitignore', 'out\n');
    for (const path of ['a.ts', 'sub/b.ts', 'sub/deep/c.ts', 'out/d.ts']) write(`project/${path}`);
    write('other/e.ts');
    const files = new ReadableFiles(nodeFileSystem, [{ path: folder, name: 'p' }], { exclude: [], include: [] });
    const at = async (path: string): Promise<string[]> =>
      (await collected(files.at(join(top, path)))).map((file) => relative(folder, file));
    assert.deepEqual(await at('project/a.ts'), ['a.ts']);
    assert.deepEqual((await at('project/sub')).sort(), ['sub/b.ts', 'sub/deep/c.ts']);
    for (const path of [
      'project/out',
      'project/out/d.ts',
      'project/gone.ts',
      'project/a.ts/x',
      'other/e.ts',
      'project',
    ]) {
      assert.deepEqual(await at(path), [], path);
    }
    assert.equal(files.pathOf(join(folder, 'sub/b.ts')), 'p/sub/b.ts');
  });

  it('text, not binary, minified or gone', async () => {
    write('a.ts', 'const a = 1;\n');
    write('b.bin', Buffer.from([65, 0, 66]));
    write('c.js', `var a=${'1+'.repeat(3000)}1;`);
    assert.equal(
      Buffer.from((await readText(nodeFileSystem, join(top, 'a.ts'), 'utf8'))!).toString(),
      'const a = 1;\n',
    );
    for (const name of ['b.bin', 'c.js', 'gone.ts'])
      assert.equal(await readText(nodeFileSystem, join(top, name), 'utf8'), undefined, name);
  });
});

async function collected(found: AsyncIterable<FoundFile>): Promise<string[]> {
  const files: string[] = [];
  for await (const { file } of found) files.push(file);
  return files;
}
