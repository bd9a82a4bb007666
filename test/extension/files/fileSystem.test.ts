import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { addressElsewhere, pathElsewhere } from '../../../extension/files/elsewhere.ts';
import { childOf, isWithin, parentOf, relativeTo } from '../../../extension/files/fileSystem.ts';
import { fromNative, nodeFileSystem, toNative } from '../../../extension/files/nodeFileSystem.ts';
import { realFolder } from '../../support/extension/editing.ts';

describe('file system of the rules', () => {
  const NATIVE: [native: string, ours: string][] = [
    ['C:\\project\\a.ts', '/C:/project/a.ts'],
    ['c:\\', '/c:/'],
    ['\\\\server\\share\\a.ts', '//server/share/a.ts'],
  ];
  for (const [native, ours] of NATIVE) {
    it(`Windows: ${native} is ${ours}`, () => {
      assert.equal(fromNative(native, true), ours);
      assert.equal(toNative(ours, true), native);
    });
  }

  it('elsewhere a path is what it is, a backslash included', () => {
    assert.deepEqual([fromNative('/a\\b', false), toNative('/a\\b', false)], ['/a\\b', '/a\\b']);
  });

  it('another file system: its addresses, and what is none', () => {
    for (const [address, path] of [
      [{ scheme: 'memfs', authority: '', path: '/a b.ts' }, '//memfs:/a b.ts'],
      [{ scheme: 'vscode-remote', authority: 'ssh-remote+a/b', path: '/p' }, '//vscode-remote:ssh-remote%2Ba%2Fb/p'],
    ] as const) {
      assert.equal(pathElsewhere(address), path);
      assert.deepEqual(addressElsewhere(path), address);
    }
    for (const path of ['/a', '/c:/a', '//server/share', '//server/a:b'])
      assert.equal(addressElsewhere(path), undefined);
    assert.equal(parentOf('//memfs:/a'), '//memfs:');
    assert.equal(parentOf('//memfs:'), '//memfs:');
  });

  it('a drive without a slash is its top, never its current folder', () => {
    assert.equal(toNative('/c:', true), 'c:\\');
  });

  it('paths: child, parent, below, relative', () => {
    assert.deepEqual([childOf('/', 'a'), childOf('/a', 'b')], ['/a', '/a/b']);
    assert.deepEqual([parentOf('/a/b'), parentOf('/a'), parentOf('/')], ['/a', '/', '/']);
    assert.deepEqual(
      ['/a', '/a/b', '/ab', '/'].map((path) => isWithin(path, '/a')),
      [true, true, false, false],
    );
    assert.ok(isWithin('/a', '/'));
    assert.deepEqual([relativeTo('/a', '/a/b/c'), relativeTo('/', '/a')], ['b/c', 'a']);
  });

  it('on disk: kinds, sizes and links; nothing where there is nothing', async () => {
    const top = realFolder(mkdtempSync(join(tmpdir(), 'airgap-files-')));
    try {
      mkdirSync(join(top, 'folder'));
      writeFileSync(join(top, 'a.ts'), 'abc');
      symlinkSync(join(top, 'a.ts'), join(top, 'link'));
      const { list, read, realPath, stat } = nodeFileSystem;
      const entries = (await list(top)).toSorted((a, b) => (a.name < b.name ? -1 : 1));
      assert.deepEqual(entries, [
        { name: 'a.ts', kind: 'file' },
        { name: 'folder', kind: 'folder' },
        { name: 'link', kind: 'other' },
      ]);
      assert.deepEqual([(await stat(join(top, 'a.ts')))!.size, (await stat(join(top, 'link')))!.kind], [3, 'other']);
      assert.equal(Buffer.from((await read(join(top, 'a.ts')))!).toString(), 'abc');
      assert.equal(await realPath(join(top, 'link')), join(top, 'a.ts'));
      const gone = join(top, 'gone');
      assert.deepEqual(
        [await stat(gone), await list(gone), await read(gone), await realPath(gone)],
        [undefined, [], undefined, undefined],
      );
    } finally {
      rmSync(top, { recursive: true });
    }
  });
});
