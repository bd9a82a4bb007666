import assert from 'node:assert/strict';
import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { CodeAction } from '../../../webview/protocol.ts';
import type { CodeBlocks } from '../../../extension/edits/vscode/codeBlocks.ts';
import { insertionText } from '../../../extension/edits/placing/insertion.ts';
import type { Editing } from '../../support/extension/editing.ts';
import { ProjectFolder } from './projectFolder.ts';

describe('buttons of a code block', () => {
  let project: ProjectFolder;
  let home: string;
  let editing: Editing;
  let blocks: CodeBlocks;
  beforeEach(() => ({ home, editing, blocks } = project = new ProjectFolder()));
  afterEach(() => project[Symbol.dispose]());
  const run = (action: CodeAction, code: string, path = '', language = ''): Promise<string> =>
    blocks.run({ action, code, language, path });

  it('copy: to the character', async () => {
    await run('copy', '  a\r\n\tb\n');
    assert.equal(editing.clipboard, '  a\r\n\tb\n');
  });

  /** `|` marks the cursor, `[` and `]` a selection. */
  const INSERTIONS: [name: string, action: 'insert' | 'replace', text: string, code: string, after: string][] = [
    ['at the cursor', 'insert', 'a|b', 'X', 'aXb'],
    [
      'with the indentation of the place',
      'insert',
      'f {\n  |\n}',
      'if (x) {\n    y();\n}\n',
      'f {\n  if (x) {\n    y();\n  }\n}',
    ],
    ['CRLF', 'insert', 'a\r\n|\r\n', 'b\nc\n', 'a\r\nb\r\nc\r\n'],
    ['of an indented block only its own depth counts', 'insert', '|', '      a\n        b', 'a\n  b'],
    ['a selection in a line', 'replace', 'let x = [old];', 'fresh', 'let x = fresh;'],
    ['whole lines keep their line end', 'replace', 'a\n[  b\n]c\n', 'x\ny\n', 'a\nx\ny\nc\n'],
    ['selected from the first letter', 'replace', 'f {\n  [a();\n  b();]\n}', 'c();\nd();', 'f {\n  c();\n  d();\n}'],
  ];
  for (const [name, action, text, code, after] of INSERTIONS) {
    it(`${action}: ${name}`, async () => {
      const document = editing.open('a.ts', text.replace(/[|[\]]/g, ''));
      const start = text.search(/[|[]/);
      const end = text.includes(']') ? text.indexOf(']') - 1 : start;
      editing.show(document, start, end);
      assert.equal(await run(action, code), '');
      assert.equal(document.getText(), after);
      document.undo();
      assert.equal(document.getText(), text.replace(/[|[\]]/g, ''));
    });
  }

  it('without an editor, or without a selection, a sentence', async () => {
    assert.match(await run('insert', 'a'), /^Open a file first/);
    editing.show(editing.open('a.ts', 'a'));
    assert.equal(await run('replace', 'b'), 'Nothing is selected in a.ts.');
  });

  it('tabs where the document uses them', () => {
    const style = { before: '\t', wholeLines: false, unit: '\t', eol: '\n' };
    assert.equal(insertionText('if (x) {\n    y();\n}', style), 'if (x) {\n\t\ty();\n\t}');
  });

  describe('new file', () => {
    it('without a path: an untitled document of the language', async () => {
      assert.equal(await run('newFile', 'print(1)', '', 'py'), '');
      const [document] = [...editing.documents.values()];
      assert.deepEqual(
        [document!.getText(), document!.uri.scheme, document!.languageId],
        ['print(1)\n', 'untitled', 'python'],
      );
    });

    it('with a path: unsaved, at that place', async () => {
      assert.equal(await run('newFile', 'a', 'src/new.ts'), '');
      const [document] = [...editing.documents.values()];
      assert.deepEqual(
        [document!.getText(), document!.uri.scheme, document!.uri.path],
        ['a\n', 'untitled', join(home, 'project/src/new.ts')],
      );
    });

    it('one that exists is not replaced', async () => {
      writeFileSync(join(home, 'project/a.ts'), 'a');
      assert.equal(await run('newFile', 'b', 'a.ts'), 'a.ts already exists.');
    });

    it('none in a workspace that is not trusted', async () => {
      editing.trusted = false;
      for (const path of ['', 'new.ts']) {
        assert.equal(await run('newFile', 'x', path), 'Changes can only be applied in a trusted workspace.');
      }
      assert.equal(editing.documents.size, 0);
    });

    it('none outside of the workspace', async () => {
      mkdirSync(join(home, 'other'));
      symlinkSync(join(home, 'other'), join(home, 'project/link'));
      for (const path of [
        '../x.ts',
        '/x.ts',
        'link/x.ts',
        'link/deep/er/x.ts',
        'a/../../x.ts',
        'C:\\x.ts',
        'a:b',
        'src/',
        'x\u0000.ts',
      ]) {
        assert.match(await run('newFile', 'a', path), / is outside this workspace\.$/, path);
      }
      assert.equal(editing.documents.size, 0);
    });
  });

  it('terminal: one command, inserted and not run', async () => {
    assert.equal(await run('terminal', '$ npm test\n'), '');
    assert.deepEqual(editing.terminal, [['npm test', false]]);
    assert.match(await run('terminal', 'a\nb\n'), /single command/);
    assert.equal(editing.terminal.length, 1);
  });
});
