import assert from 'node:assert/strict';
import { runnerOf } from '../../../extension/edits/runsByItself.ts';

describe('files that run by themselves', () => {
  for (const [path, runner] of [
    ['.git/hooks/pre-commit', 'git'],
    ['.git/config', 'git'],
    ['sub/.git/config', 'git'],
    ['.GIT/config', 'git'],
    ['.husky/pre-push', 'git'],
    ['.vscode/tasks.json', 'vscode'],
    ['app/.vscode/settings.json', 'vscode'],
    ['all.code-workspace', 'vscode'],
    ['.github/workflows/ci.yml', 'buildServer'],
    ['.gitlab-ci.yml', 'buildServer'],
    ['.devcontainer/devcontainer.json', 'container'],
    ['.envrc', 'shell'],
    ['packages/a/.npmrc', 'packageManager'],
    ['eslint.config.js', 'extension'],
    ['app/vite.config.mts', 'extension'],
    ['.babelrc.cjs', 'extension'],
    ['build.rs', 'extension'],
    ['.cargo/config.toml', 'extension'],
    ['src/config.js', undefined],
    ['tsconfig.json', undefined],
    ['src/git/a.ts', undefined],
    ['.gitignore', undefined],
    ['docs/vscode/tasks.json', undefined],
    ['.github/README.md', undefined],
  ] as const) {
    it(`${path}: ${runner ?? 'nothing'}`, () => assert.equal(runnerOf(path, 'a', 'b'), runner));
  }

  for (const [what, before, after, runner] of [
    ['another script', '{"scripts": {"test": "a"}}', '{"scripts": {"test": "b"}}', 'npm'],
    ['a new file with scripts', '', '{"scripts": {"postinstall": "a"}}', 'npm'],
    ['a new file without scripts', '', '{"name": "a"}', undefined],
    [
      'another version',
      '{"version": "1", "scripts": {"test": "a"}}',
      '{"version": "2", "scripts": {"test": "a"}}',
      undefined,
    ],
    ['a file that cannot be read', '{"version": "1"', '{"version": "2"', 'npm'],
  ] as const) {
    it(`package.json, ${what}: ${runner ?? 'nothing'}`, () =>
      assert.equal(runnerOf('a/package.json', before, after), runner));
  }
});
