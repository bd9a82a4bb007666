import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, relative } from 'node:path';
import { nodeFileSystem } from '../../../extension/files/nodeFileSystem.ts';
import { trackedPaths } from '../../../extension/reading/gitIndex.ts';
import { GitIgnore } from '../../../extension/reading/gitIgnore.ts';
import { walk } from '../../../extension/reading/walk.ts';

/** Beside git itself, in repositories that are made here. */
describe('what git ignores', function () {
  this.timeout(60_000);
  let top: string;
  const environment = { ...process.env, GIT_CONFIG_GLOBAL: '/dev/null', GIT_CONFIG_SYSTEM: '/dev/null' };
  const git = (folder: string, ...args: string[]): string =>
    execFileSync('git', ['-C', join(top, folder), '-c', 'user.name=a', '-c', 'user.email=a@b', ...args], {
      encoding: 'utf8',
      env: environment,
      stdio: ['ignore', 'pipe', 'ignore'],
    });
  const write = (...paths: string[]): void => {
    for (const path of paths) {
      mkdirSync(dirname(join(top, path)), { recursive: true });
      writeFileSync(join(top, path), 'text\n');
    }
  };
  const ours = async (root = top): Promise<string[]> => {
    const found: string[] = [];
    const options = {
      git: new GitIgnore(nodeFileSystem, root),
      skips: (_path: string, _folder: boolean, ignored: boolean) => ignored,
    };
    for await (const path of walk(nodeFileSystem, root, options)) found.push(relative(top, path));
    return found.sort();
  };
  const theirs = (): string[] =>
    git('.', 'ls-files', '--cached', '--others', '--exclude-standard').split('\n').filter(Boolean).sort();

  before(function () {
    try {
      execFileSync('git', ['--version'], { stdio: 'ignore' });
    } catch {
      console.log('      git is not installed');
      this.skip();
    }
  });
  beforeEach(() => {
    top = mkdtempSync(join(tmpdir(), 'airgap-git-'));
    git('.', 'init', '-q');
  });
  afterEach(() => rmSync(top, { recursive: true }));

  for (const ignoreCase of ['false', 'true']) {
    it(`by the repository's own rule for case: core.ignorecase = ${ignoreCase}`, async () => {
      git('.', 'config', 'core.ignorecase', ignoreCase);
      writeFileSync(join(top, '.gitignore'), 'core\n*.LOG\n');
      write('src/Core/Engine.cpp', 'core/x.c', 'a.log', 'b.LOG');
      assert.deepEqual(await ours(), theirs());
      assert.equal((await ours()).includes('src/Core/Engine.cpp'), ignoreCase === 'false');
    });
  }

  for (const version of ['2', '3', '4']) {
    it(`files that it tracks although a pattern matches, from an index of version ${version}`, async () => {
      writeFileSync(join(top, '.gitignore'), 'out/\n*.gen.ts\n');
      write('out/kept/a.ts', 'out/kept/b.ts', 'out/other.ts', 'c.gen.ts', 'd.gen.ts', `${'deep/'.repeat(20)}e.gen.ts`);
      git('.', 'add', '-f', 'out/kept/a.ts', 'c.gen.ts', `${'deep/'.repeat(20)}e.gen.ts`);
      git('.', 'update-index', '--index-version', version);
      if (version === '3') {
        write('later.ts');
        git('.', 'add', '-N', 'later.ts');
      }
      assert.deepEqual(await ours(), theirs());
      assert.ok((await ours()).includes('out/kept/a.ts'));
    });
  }

  it('a repository inside of another one by its own rules, and a work tree by those of its repository', async () => {
    writeFileSync(join(top, '.gitignore'), '*.txt\nignored/\n');
    write('a.txt', 'inner/b.txt', 'inner/c.tmp', 'ignored/d.ts');
    for (const folder of ['inner', 'ignored']) git(folder, 'init', '-q');
    writeFileSync(join(top, 'inner/.gitignore'), '*.tmp\n');
    write('.git/info/exclude');
    writeFileSync(join(top, '.git/info/exclude'), 'mine.ts\n');
    git('.', 'commit', '-q', '--allow-empty', '-m', 'a');
    git('.', 'worktree', 'add', '-q', 'tree');
    write('tree/mine.ts', 'tree/e.ts');
    assert.deepEqual(await ours(), ['.gitignore', 'inner/.gitignore', 'inner/b.txt', 'tree/e.ts']);
  });

  it('nothing in a folder that the repository ignores and a person opens, but by the rules of that folder', async () => {
    writeFileSync(join(top, '.gitignore'), '/out/\n*.log\n');
    write('out/sample/a.ts', 'out/sample/b.log', 'out/sample/c.tmp', 'src/d.ts', 'src/e.log');
    writeFileSync(join(top, 'out/sample/.gitignore'), '*.tmp\n');
    assert.deepEqual(await ours(join(top, 'out/sample')), [
      'out/sample/.gitignore',
      'out/sample/a.ts',
      'out/sample/b.log',
    ]);
    assert.deepEqual(await ours(join(top, 'src')), ['src/d.ts']);
  });

  it('an index that is cut or damaged tracks nothing', () => {
    write('a.ts', 'b/c.ts');
    git('.', 'add', '.');
    const index = readFileSync(join(top, '.git/index'));
    assert.ok(trackedPaths(index, 20).has('b/c.ts') && trackedPaths(index, 20).hasBelow('b'));
    for (let length = 0; length < 100; length++)
      assert.equal(trackedPaths(index.subarray(0, length), 20).has('a.ts'), false);
    for (let at = 4; at < index.length; at++) {
      const damaged = Buffer.from(index);
      damaged[at]! ^= 0xff;
      trackedPaths(damaged, 20);
    }
  });
});
