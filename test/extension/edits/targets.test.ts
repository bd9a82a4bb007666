import assert from 'node:assert/strict';
import { existsSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, relative } from 'node:path';
import type { Project, Root, Target } from '../../../extension/edits/project.ts';
import { fittingFiles, Proposal } from '../../../extension/edits/proposal.ts';
import { exists, existingTargets, newTargets } from '../../../extension/edits/targets.ts';
import { locate } from '../../../extension/edits/placing/locate.ts';
import { nodeFileSystem } from '../../../extension/files/nodeFileSystem.ts';
import { realFolder } from '../../support/extension/editing.ts';

/** The rules of apply on plain folders, as a program without VS Code would use them. */
describe('which file a code block means, without VS Code', () => {
  let top: string;
  let sought: string[];
  const root = (name: string): Root => ({ name, path: join(top, name), files: nodeFileSystem });
  const project = (...names: string[]): Project => ({
    roots: names.map(root),
    filesEndingIn: (ending) => {
      sought.push(ending);
      const found = names.map((name) => ({ root: root(name), path: join(top, name, 'deep', ending) }));
      return Promise.resolve(found.filter(({ path }) => existsSync(path)));
    },
  });
  const shown = (targets: readonly Target[]): string[] => targets.map(({ path }) => relative(top, path));
  const write = (path: string): void => {
    mkdirSync(dirname(join(top, path)), { recursive: true });
    writeFileSync(join(top, path), 'text\n');
  };

  beforeEach(() => {
    top = realFolder(mkdtempSync(join(tmpdir(), 'airgap-targets-')));
    sought = [];
    for (const path of ['one/src/a.ts', 'two/src/a.ts', 'two/b.ts', 'outside/c.ts']) write(path);
  });
  afterEach(() => rmSync(top, { recursive: true }));

  const EXISTING: [path: string, files: string[]][] = [
    ['src/a.ts', ['one/src/a.ts', 'two/src/a.ts']],
    ['./src/a.ts', ['one/src/a.ts', 'two/src/a.ts']],
    ['src\\a.ts', ['one/src/a.ts', 'two/src/a.ts']],
    ['two/src/a.ts', ['two/src/a.ts']],
    ['b.ts', ['two/b.ts']],
    ['Src/A.ts', ['one/src/a.ts', 'two/src/a.ts']],
    ['B.TS', ['two/b.ts']],
    ['../outside/c.ts', []],
    ['src/../../outside/c.ts', []],
    ['b.ts:stream', []],
    ['', []],
  ];
  for (const [path, files] of EXISTING) {
    it(`${path || 'an empty path'}: ${files.join(', ') || 'none'}`, async () => {
      assert.deepEqual(shown(await existingTargets(path, project('one', 'two'))), files);
    });
  }

  it('absolute paths mean files in a folder of the project, and nothing else', async () => {
    const targets = (path: string) => existingTargets(join(top, path), project('one', 'two'));
    assert.deepEqual(shown(await targets('two/b.ts')), ['two/b.ts']);
    for (const path of ['outside/c.ts', 'one', 'one/../outside/c.ts']) assert.deepEqual(await targets(path), []);
    assert.deepEqual(sought, []);
  });

  it('a path that no folder holds is sought by its end', async () => {
    write('one/deep/only.ts');
    assert.deepEqual(shown(await existingTargets('only.ts', project('one'))), ['one/deep/only.ts']);
    assert.deepEqual(sought, ['only.ts']);
  });

  it('links that lead out of the project are no target, whether the file exists or not', async () => {
    symlinkSync(join(top, 'outside'), join(top, 'one/link'));
    assert.deepEqual(await existingTargets('link/c.ts', project('one')), []);
    for (const path of ['link/new.ts', 'link/deep/er/new.ts'])
      assert.deepEqual(await newTargets(path, project('one')), []);
  });

  it('a new file may lie in any folder of the project', async () => {
    const targets = await newTargets('lib/new.ts', project('one', 'two'));
    assert.deepEqual(shown(targets), ['one/lib/new.ts', 'two/lib/new.ts']);
    assert.deepEqual(await Promise.all(targets.map(exists)), [false, false]);
  });
});

describe('a proposal', () => {
  const FILE = 'function a() {\r\n  return 1;\r\n}\r\n';
  const find = (text: string) => locate(text, { code: 'function a() {\n  return 2;\n}', language: 'js' });
  const proposal = new Proposal({ text: FILE, eol: '\r\n' }, find(FILE)[0]!, find);

  it("holds the file's new text with the file's line ends", () => {
    assert.equal(proposal.after, FILE.replace('1', '2'));
    assert.equal(proposal.changesNothing, false);
  });

  it('edits the text that the user was shown, and no other', () => {
    assert.deepEqual(proposal.editsTo(FILE), [{ start: 16, end: 29, text: '  return 2;\r\n' }]);
    assert.equal(proposal.editsTo(`// new\r\n${FILE}`), undefined);
  });

  it('of several files takes those in which the change has a place; all of them if it has none', () => {
    assert.deepEqual(fittingFiles([FILE, 'nothing alike'], find), [FILE]);
    assert.deepEqual(fittingFiles(['nothing', 'alike'], find), ['nothing', 'alike']);
  });
});
