import assert from 'node:assert/strict';
import { FakeWorkspace } from '../../support/extension/fakeWorkspace.ts';
import { read } from './readContext.ts';

describe('chat context: changes', () => {
  const diff = (path: string, added: string): string =>
    `diff --git a/${path} b/${path}\nindex 1..2 100644\n--- a/${path}\n+++ b/${path}\n@@ -0,0 +1 @@\n+${added}\n`;

  it('one source per file; staged alone, or all that is not committed, of every repository', async () => {
    const workspace = new FakeWorkspace();
    const first = workspace.repository({ staged: diff('a.ts', 'A'), unstaged: diff('b.ts', 'B') });
    first.state.workingTreeChanges.push({ uri: workspace.uri('new.ts'), status: 7 });
    first.state.workingTreeChanges.push({ uri: workspace.uri('.env'), status: 7 });
    workspace.repository({ root: 'file:///project/sub', staged: diff('c.ts', 'C') });
    const staged = await read({ kind: 'changes', staged: true });
    assert.deepEqual(
      staged.map(({ name }) => name),
      ['a.ts (staged changes)', 'sub/c.ts (staged changes)'],
    );
    assert.ok(staged[0]!.text.endsWith('@@ -0,0 +1 @@\n+A'));
    const all = await read({ kind: 'changes' });
    assert.deepEqual(
      all.map(({ name }) => name),
      ['a.ts (staged changes)', 'b.ts (changes)', 'new files that git does not know yet', 'sub/c.ts (staged changes)'],
    );
    assert.equal(all[2]!.text, 'new.ts');
  });

  const secretHeads: [name: string, diff: string][] = [
    ['plain', diff('.env', 'PLAIN')],
    ['in a folder', diff('a/b/.env.local', 'PLAIN')],
    [
      'quoted',
      `diff --git "a/s\\303\\244/.env" "b/s\\303\\244/.env"\n--- /dev/null\n+++ "b/s\\303\\244/.env"\n@@ -0,0 +1 @@\n+PLAIN\n`,
    ],
    ['without prefixes', 'diff --git .env .env\n--- .env\n+++ .env\n@@ -0,0 +1 @@\n+PLAIN\n'],
    ['deleted', 'diff --git a/.env b/.env\n--- a/.env\n+++ /dev/null\n@@ -1 +0,0 @@\n-PLAIN\n'],
    [
      'renamed',
      'diff --git a/.env b/x.txt\nrename from .env\nrename to x.txt\n--- a/.env\n+++ b/x.txt\n@@ -1 +1 @@\n+PLAIN\n',
    ],
    ['coloured', `\u001b[1m${diff('.env', 'PLAIN').replace('\n', '\u001b[m\n')}`],
    [
      'with a line that looks like a head behind a lone carriage return',
      diff('.env', 'x\rdiff --git a/ok b/ok\r@@\r+PLAIN'),
    ],
    ['the same behind U+2028', diff('.env', 'x\u2028diff --git a/ok b/ok\u2028+++ b/ok\u2028@@\u2028+PLAIN')],
  ];
  for (const [name, staged] of secretHeads) {
    it(`a file of secrets is named, and not shown: ${name}`, async () => {
      new FakeWorkspace().repository({ staged: `${diff('a.ts', 'A')}${staged}` });
      const sources = await read({ kind: 'changes', staged: true });
      assert.equal(sources.length, 2);
      assert.ok(sources.every(({ text }) => !text.includes('PLAIN')));
      assert.match(sources[1]!.text, /^\S+ \(may hold secrets, or is excluded\)$/);
    });
  }

  it('a secret is found behind the sign of its line', async () => {
    new FakeWorkspace().repository({ staged: diff('a.sh', 'API_TOKEN=a8f5f167f44f4964e6c998dee827110c') });
    const [source] = await read({ kind: 'changes', staged: true });
    assert.match(source!.text, /\+API_TOKEN=\[hidden/);
  });

  it('nothing changed, no repository, no git: one sentence each', async () => {
    const workspace = new FakeWorkspace();
    await assert.rejects(read({ kind: 'changes' }), { message: 'Git is not available in this workspace.' });
    workspace.repositories = [];
    await assert.rejects(read({ kind: 'changes' }), { message: 'This workspace has no Git repository.' });
    workspace.repository();
    await assert.rejects(read({ kind: 'changes' }), { message: 'There are no changes since the last commit.' });
    await assert.rejects(read({ kind: 'changes', staged: true }), { message: 'No changes are staged.' });
  });
});
