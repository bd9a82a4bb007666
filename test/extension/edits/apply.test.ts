import assert from 'node:assert/strict';
import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { CodeBlocks } from '../../../extension/edits/vscode/codeBlocks.ts';
import { textEdits } from '../../../extension/edits/textEdits.ts';
import type { Editing } from '../../support/extension/editing.ts';
import { ProjectFolder } from './projectFolder.ts';

const FILE = 'function a() {\n  return 1;\n}\n\nfunction b() {\n  return 2;\n}\n';
const CODE = 'function b() {\n  return 3;\n}';
const CHANGED = FILE.replace('2', '3');

describe('applying a code block', () => {
  let project: ProjectFolder;
  let home: string;
  let editing: Editing;
  let blocks: CodeBlocks;
  beforeEach(() => ({ home, editing, blocks } = project = new ProjectFolder()));
  afterEach(() => project[Symbol.dispose]());

  const apply = (code = CODE, path = '', sources: string[] = []): Promise<string> =>
    blocks.run({ action: 'apply', code, language: 'ts', path }, sources);
  const write = (name: string, text = FILE): void => writeFileSync(join(home, 'project', name), text);

  it('shows a diff, changes the document in one undo step, and saves nothing', async () => {
    const document = editing.open('a.ts', FILE);
    editing.show(document);
    assert.equal(await apply(), '');
    assert.equal(editing.diffs.length, 1);
    assert.equal(editing.contexts['airgap.proposal'], true);
    assert.equal(document.getText(), FILE);
    await blocks.applyChanges();
    assert.equal(document.getText(), CHANGED);
    assert.deepEqual(editing.diffs, []);
    assert.equal(editing.contexts['airgap.proposal'], false);
    document.undo();
    assert.equal(document.getText(), FILE);
  });

  it('a file that programs run by themselves is changed after one more question', async () => {
    mkdirSync(join(home, 'project/.VSCode'));
    write('.VSCode/tasks.json');
    symlinkSync('.VSCode/tasks.json', join(home, 'project/notes.js'));
    for (const name of ['.VSCode/tasks.json', 'notes.js']) {
      const document = editing.open(name, FILE);
      editing.show(document);
      await apply();
      await blocks.applyChanges();
      assert.equal(document.getText(), FILE, 'the question was dismissed');
      editing.answers.push('Change it');
      await blocks.applyChanges();
      assert.equal(document.getText(), CHANGED);
      assert.deepEqual(
        editing.messages.splice(0),
        Array<string>(2).fill(`Change ${name}? VS Code may run commands from this file without asking.`),
      );
    }
  });

  it('a second block for a new file is a change of its unsaved document', async () => {
    assert.equal(await apply(FILE, 'new.ts'), '');
    assert.equal(await apply(CODE, 'new.ts'), '');
    const [document] = [...editing.documents.values()];
    assert.equal(document!.getText(), FILE);
    await blocks.applyChanges();
    assert.equal(document!.getText(), CHANGED);
  });

  it('a diff makes a new file; one that changes code of a file that is not here is refused', async () => {
    assert.equal(await apply('--- /dev/null\n+++ b/new.ts\n@@ -0,0 +1 @@\n+x();\n', 'new.ts'), '');
    assert.deepEqual(
      [...editing.documents.values()].map((document) => document.getText()),
      ['x();\n'],
    );
    assert.match(await apply('@@ -4 +4 @@\n-x();\n+y();\n', 'other.ts'), /^other\.ts does not exist/);
  });

  it('a file whose characters would be destroyed is refused: opened as UTF-8, but in another encoding', async () => {
    const bytes = (comment: string): Buffer => Buffer.from(`// ${comment}\n${FILE}`, 'latin1');
    writeFileSync(join(home, 'project/latin.ts'), bytes('\u00a9 us'));
    editing.show(editing.open('latin.ts'));
    assert.match(await apply(), /^latin\.ts is not in UTF-8/);
    assert.deepEqual(editing.diffs, []);
    // U+FFFD itself may stand in a file.
    write('fffd.ts', `// \uFFFD\n${FILE}`);
    editing.show(editing.open('fffd.ts'));
    assert.equal(await apply(), '');
  });

  it('discarded, nothing has changed', async () => {
    const document = editing.open('a.ts', FILE);
    editing.show(document);
    await apply();
    await blocks.discardChanges();
    assert.deepEqual([document.getText(), editing.diffs, editing.contexts['airgap.proposal']], [FILE, [], false]);
  });

  it('a diff editor that is closed is discarded too', async () => {
    const document = editing.open('a.ts', FILE);
    editing.show(document);
    await apply();
    editing.closeDiffs([{ input: editing.activeDiff() as never }]);
    await blocks.applyChanges();
    assert.equal(document.getText(), FILE);
    assert.equal(editing.contexts['airgap.proposal'], false);
  });

  it('CRLF stays, and only the lines that differ are edited', async () => {
    const document = editing.open('a.ts', FILE.replaceAll('\n', '\r\n'));
    editing.show(document);
    let edited: unknown;
    editing.changed.event((event) => (edited = (event as { contentChanges: { text: string }[] }).contentChanges));
    await apply();
    await blocks.applyChanges();
    assert.equal(document.getText(), CHANGED.replaceAll('\n', '\r\n'));
    assert.deepEqual(
      (edited as { text: string }[]).map(({ text }) => text),
      ['  return 3;\r\n'],
    );
  });

  it('a file that has changed meanwhile is shown anew, never overwritten', async () => {
    const document = editing.open('a.ts', FILE);
    editing.show(document);
    await apply();
    document.type(0, '// new\n');
    await blocks.applyChanges();
    assert.equal(document.getText(), `// new\n${FILE}`);
    assert.deepEqual(editing.messages, ['a.ts has been modified. Review the change again.']);
    await blocks.applyChanges();
    assert.equal(document.getText(), `// new\n${CHANGED}`);
  });

  it('a place that is gone meanwhile is said', async () => {
    const document = editing.open('a.ts', FILE);
    editing.show(document);
    await apply();
    document.type(0, 'x = 1\n', FILE.length);
    await blocks.applyChanges();
    assert.equal(document.getText(), 'x = 1\n');
    assert.deepEqual(editing.messages, [
      'a.ts has been modified, and the code that this change replaces no longer exists.',
    ]);
    assert.deepEqual(editing.diffs, []);
  });

  it('several places are asked, with what is there', async () => {
    const text = `class A {\n  go() {\n    return 1;\n  }\n}\nclass B {\n  go() {\n    return 2;\n  }\n}\n`;
    const document = editing.open('a.ts', text);
    editing.show(document);
    editing.picks.push(1);
    await apply('go() {\n  return 3;\n}');
    assert.deepEqual(editing.lists, [
      [
        { label: 'Line 2', description: 'A › go' },
        { label: 'Line 7', description: 'B › go' },
      ],
    ]);
    await blocks.applyChanges();
    assert.equal(document.getText(), text.replace('2', '3'));
  });

  it('where the user picks no place, nothing is shown', async () => {
    editing.show(editing.open('a.ts', 'f(1);\ng(2);\nh();\nf(1);\ng(2);\n'));
    assert.equal(
      await blocks.run({ action: 'apply', code: '@@ @@\n f(1);\n-g(2);\n+g(3);', language: '', path: '' }),
      '',
    );
    assert.deepEqual(editing.diffs, []);
  });

  it('no place: the whole file is replaced only where the user says so', async () => {
    const document = editing.open('a.ts', FILE);
    editing.show(document);
    editing.picks.push(1);
    await apply('entirely(different);\nthings(here);');
    assert.deepEqual(editing.lists, [[{ label: 'Insert at cursor' }, { label: 'Replace the whole file' }]]);
    await blocks.applyChanges();
    assert.equal(document.getText(), 'entirely(different);\nthings(here);\n');
  });

  it('what stands there already is said', async () => {
    editing.show(editing.open('a.ts', FILE));
    assert.equal(await apply('function b() {\n  return 2;\n}'), 'a.ts already contains this change.');
  });

  it('an untrusted workspace and a read-only file are refused', async () => {
    editing.show(editing.open('a.ts', FILE));
    editing.trusted = false;
    assert.equal(await apply(), 'Changes can only be applied in a trusted workspace.');
    editing.trusted = true;
    editing.readonly = true;
    assert.equal(await apply(), 'a.ts is read-only.');
    assert.deepEqual(editing.diffs, []);
  });

  it('trust and rights are looked at again when it is applied', async () => {
    const document = editing.open('a.ts', FILE);
    editing.show(document);
    await apply();
    editing.readonly = true;
    await blocks.applyChanges();
    assert.deepEqual(editing.messages, ['a.ts is read-only.']);
    assert.equal(document.getText(), FILE);
  });

  describe('which file', () => {
    it("the block's path, whatever the active editor shows", async () => {
      editing.show(editing.open('a.ts', FILE));
      write('b.ts');
      await apply(CODE, './b.ts');
      assert.deepEqual(
        editing.diffs.map(({ path }) => path),
        [join(home, 'project/b.ts')],
      );
    });

    it('an absolute path inside, a path with a folder missing', async () => {
      mkdirSync(join(home, 'project/src'));
      write('src/b.ts');
      editing.open('src/b.ts');
      for (const path of [join(home, 'project/src/b.ts'), 'b.ts']) {
        await apply(CODE, path);
        assert.equal(editing.diffs.length, 1, path);
        await blocks.discardChanges();
      }
    });

    it('a new one, unless the block leaves code out', async () => {
      assert.equal(await apply(CODE, 'src/new.ts'), '');
      assert.deepEqual(
        [...editing.documents.values()].map((document) => [document.uri.scheme, document.getText()]),
        [['untitled', `${CODE}\n`]],
      );
      const gaps = `// ... existing code ...\n${CODE}`;
      assert.equal(await apply(gaps, 'src/other.ts'), 'src/other.ts does not exist in this workspace.');
    });

    it('none outside of the workspace: not by .., not absolute, not by a link', async () => {
      writeFileSync(join(home, 'outside.ts'), FILE);
      symlinkSync(join(home, 'outside.ts'), join(home, 'project/link.ts'));
      symlinkSync(home, join(home, 'project/up'));
      for (const path of [
        '../outside.ts',
        join(home, 'outside.ts'),
        'link.ts',
        'up/outside.ts',
        'x/../../outside.ts',
        'file:/etc/passwd',
      ]) {
        assert.equal(await apply(CODE, path), `${path} is outside this workspace.`);
      }
      editing.show(editing.open('../outside.ts', FILE));
      assert.equal(await apply(), 'Open the workspace file that this change is for.');
      assert.deepEqual(editing.diffs, []);
    });

    it('of the sources of the answer the only one that it fits', async () => {
      editing.show(editing.open('a.ts', 'nothing alike\n'));
      const other = editing.open('b.ts', FILE);
      await apply(CODE, '', [other.uri.toString()]);
      assert.deepEqual(
        editing.diffs.map(({ path }) => path),
        [other.uri.path],
      );
    });

    it('several that it fits are asked', async () => {
      editing.show(editing.open('a.ts', FILE));
      const other = editing.open('b.ts', FILE);
      editing.picks.push(1);
      await apply(CODE, '', [other.uri.toString()]);
      assert.deepEqual(editing.lists, [[{ label: 'a.ts' }, { label: 'b.ts' }]]);
      assert.deepEqual(
        editing.diffs.map(({ path }) => path),
        [other.uri.path],
      );
    });
  });

  it('edits by whole lines: any text becomes any other', () => {
    const texts = ['', 'a', 'a\n', 'a\nb\nc\n', 'a\r\nb\r\nc', 'x\nb\n\nc\n', 'c\nb\na\n', '\n', '\n\n'];
    for (const from of texts) {
      for (const to of texts) {
        const edits = textEdits(from, to);
        const result = edits
          .toReversed()
          .reduce((text, { start, end, text: put }) => text.slice(0, start) + put + text.slice(end), from);
        assert.equal(result, to);
        for (const [index, { start }] of edits.entries()) assert.ok(index === 0 || start > edits[index - 1]!.end);
      }
    }
  });
});
