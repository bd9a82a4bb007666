import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { airgap } from '../../support/engine/terminal.ts';

interface Printed {
  path: string | null;
  result: string;
  why: string;
  text: string | null;
}

const README = '# Tool\n\nOne.\n\nTwo.\n\nInstall:\n\n```sh\nnpm i\n```\n\nMIT\n';
const CODE = 'function a() {\n  return 1;\n}\n\nfunction b() {\n  return 2;\n}\n';

describe('airgap apply', function () {
  this.timeout(60_000);
  let root: string;
  const write = (name: string, content: string | Buffer): string => {
    const path = join(root, name);
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, content);
    return path;
  };
  const read = (name: string): Buffer => readFileSync(join(root, name));
  const apply = async (answer: string, ...args: string[]): Promise<Printed[]> => {
    const file = join(tmpdir(), `airgap-answer-${process.pid}.md`);
    writeFileSync(file, answer);
    const { code, stdout, stderr } = await airgap('apply', file, '--root', root, '--json', ...args);
    rmSync(file);
    assert.equal(code, 0, stderr);
    return JSON.parse(stdout) as Printed[];
  };
  beforeEach(() => void (root = mkdtempSync(join(tmpdir(), 'airgap-apply-'))));
  afterEach(() => rmSync(root, { recursive: true }));

  it('proposes what the answer says for each file, and writes nothing', async () => {
    write('README.md', README);
    write('src/my file.ts', CODE);
    write('src/file.ts', CODE);
    write('app/(shop)/[id]/page.tsx', CODE);
    const changed = CODE.replace('2', '3');
    const answer = [
      `\`\`\`markdown README.md\n${README.replace('One', 'Eins')}\`\`\``,
      `\`\`\`ts:src/my file.ts\n${changed}\`\`\``,
      `\`\`\`tsx title="app/(shop)/[id]/page.tsx"\n${changed}\`\`\``,
      '1. New:\n   ```docker Dockerfile\n   FROM scratch\n   ```',
    ].join('\n\nand\n\n');
    assert.deepEqual(await apply(answer), [
      { path: 'README.md', result: 'proposed', why: '', text: README.replace('One', 'Eins') },
      { path: 'src/my file.ts', result: 'proposed', why: '', text: changed },
      { path: 'app/(shop)/[id]/page.tsx', result: 'proposed', why: '', text: changed },
      { path: 'Dockerfile', result: 'proposed', why: '', text: 'FROM scratch\n' },
    ]);
    assert.equal(read('README.md').toString(), README);
  });

  it('finds the file in front of a block and in a diff, which may change several; and follows new files', async () => {
    write('src/a.ts', CODE);
    write('b.ts', CODE);
    const changed = CODE.replace('2', '3');
    const hunk = '@@ @@\n function b() {\n-  return 2;\n+  return 3;\n';
    const answer = [
      '### `src/a.ts`\n\n```ts\nfunction b() {\n  return 3;\n}\n```',
      `\`\`\`diff\n--- a/src/a.ts\n+++ b/src/a.ts\n${hunk.replace('2', '3').replace('+  return 3', '+  return 4')}--- a/b.ts\n+++ b/b.ts\n${hunk}\`\`\``,
      `**src/new.ts**:\n\`\`\`ts\n${CODE}\`\`\``,
      'In `new.ts`, change:\n```ts\nfunction b() {\n  return 3;\n}\n```',
      '```diff\n--- /dev/null\n+++ b/other.ts\n@@ -0,0 +1,2 @@\n+x();\n+y();\n```',
      '```diff\n--- a/none.ts\n+++ b/none.ts\n@@ -7,2 +7,2 @@\n x();\n-y();\n+z();\n```',
      '```diff\n--- a/b.ts\n+++ b/c.ts\n@@ @@\n-x\n+y\n```',
    ].join('\n\n');
    assert.deepEqual(
      (await apply(answer)).map(({ path, result, text }) => [path, result, text]),
      [
        ['src/a.ts', 'proposed', changed],
        ['src/a.ts', 'proposed', CODE.replace('2', '4')],
        ['b.ts', 'proposed', changed],
        ['src/new.ts', 'proposed', CODE],
        ['src/new.ts', 'proposed', changed],
        ['other.ts', 'proposed', 'x();\ny();\n'],
        ['none.ts', 'refused', null],
        [null, 'refused', null],
      ],
    );
  });

  it('asks or refuses where a change could be misdirected, and says why', async () => {
    write('one/a.ts', CODE);
    write('two/a.ts', CODE);
    write('b.ts', CODE);
    write('package.json', '{ "scripts": {} }\n');
    symlinkSync('..', join(root, 'up'));
    const answer = [
      '```ts a.ts\nfunction b() {\n  return 3;\n}\n```',
      '```ts b.ts\nnothing like the file\n```',
      '```ts ../c.ts\nx();\n```',
      '```ts up/c.ts\nx();\n```',
      '```ts new.ts\n// ... existing code ...\nx();\n```',
      '```json package.json\n{ "scripts": { "postinstall": "x" } }\n```',
      '```yaml .vscode/tasks.json\n{}\n```',
      '```ts\nx();\n```',
      '```ts b.ts\nfunction b() {\n  ret',
    ].join('\n\n');
    const results = await apply(answer, '--write');
    assert.deepEqual(
      results.map(({ path, result, why }) => [path, result, why.replace(/airgap-apply-\w+/g, 'P')]),
      [
        [null, 'asks', 'a.ts may be any of P/one/a.ts, P/two/a.ts.'],
        ['b.ts', 'asks', 'No matching code was found in P/b.ts.'],
        [null, 'refused', '../c.ts is outside of the project.'],
        [null, 'refused', 'up/c.ts is outside of the project.'],
        ['new.ts', 'refused', 'new.ts does not exist, and the block is only a part of it.'],
        ['package.json', 'asks', 'The scripts of this file change, and npm may run them without asking.'],
        ['.vscode/tasks.json', 'asks', 'VS Code may run commands from this file without asking.'],
        [null, 'refused', 'The block names no file, and none is open.'],
        [null, 'refused', 'The answer was cut in this block: its end may be missing.'],
      ],
    );
    assert.equal(read('b.ts').toString(), CODE);
    assert.equal(read('package.json').toString(), '{ "scripts": {} }\n');
  });

  it('writes with --write: every byte outside of the change, permissions and links stay', async () => {
    const latin = Buffer.from(`// \xa9\r\n${CODE.replaceAll('\n', '\r\n')}`, 'latin1');
    const path = write('real/a.ts', latin);
    symlinkSync('real/a.ts', join(root, 'a.ts'));
    const { mode } = statSync(path);
    const answer = '```ts\nfunction b() {\n  return 3;\n}\n```\n\n```ts\nfunction a() {\n  return 4;\n}\n```';
    const [, second] = await apply(answer, '--open', join(root, 'a.ts'), '--write');
    assert.equal(second!.result, 'proposed', 'on top of the first');
    const after = latin.toString('latin1').replace('2', '3').replace('1', '4');
    assert.equal(read('real/a.ts').toString('latin1'), after);
    assert.equal(read('a.ts').toString('latin1'), after);
    assert.equal(statSync(path).mode, mode);
  });

  it('says which file cannot be written, also where no folder can be made', async function () {
    if (process.platform !== 'linux') this.skip();
    const answer = write('answer.md', '```ts a/b.ts\nx();\n```');
    const { code, stderr } = await airgap('apply', answer, '--root', '/proc', '--json', '--write');
    assert.deepEqual([code, stderr], [1, '/proc/a/b.ts cannot be written (ENOENT).\n']);
  });

  it('prints a diff, and reasons on standard error', async () => {
    write('b.ts', CODE);
    const answer = write('answer.md', '```ts b.ts\nfunction b() {\n  return 3;\n}\n```\n\n```ts ../c.ts\nx();\n```');
    const { stdout, stderr } = await airgap('apply', answer, '--root', root);
    assert.match(stdout, /^--- b\.ts.*\n\+\+\+ b\.ts.*\n@@ .*@@\n[^]*-  return 2;\n\+  return 3;\n/m);
    assert.equal(stderr, '../c.ts is outside of the project.\n');
  });
});
