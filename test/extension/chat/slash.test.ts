import assert from 'node:assert/strict';
import { withDefaults } from '../../../extension/chat/context/defaults.ts';
import { instruct } from '../../../extension/chat/context/instruct.ts';
import type { Attachment } from '../../../extension/chat/context/attachment.ts';
import { SLASH_NAMES, slashCommand } from '../../../extension/chat/commands/slash.ts';
import { FakeWorkspace } from '../../support/extension/fakeWorkspace.ts';

const machine = { shell: 'zsh', system: 'Linux' };
const URI = 'file:///project/a.ts';

describe('slash commands', () => {
  for (const name of SLASH_NAMES) {
    it(`/${name} becomes an instruction, with what was typed behind it`, () => {
      const plain = slashCommand(`/${name}`, machine)!;
      assert.equal(plain.name, name);
      assert.ok(plain.instruction.length > 40 && !/[{}]|\/\w+/.test(plain.instruction), plain.instruction);
      const asked = slashCommand(`  /${name}\n why is {shell} $& so?`, machine)!;
      assert.equal(asked.instruction, `${plain.instruction}\n\nwhy is {shell} $& so?`);
    });
  }

  for (const text of ['', 'fix', 'a /fix', '/fixit', '/FIX', '/fix: x', '/usr/bin/x', '/', '/constructor', '//fix']) {
    it(`is a question as any other: ${JSON.stringify(text)}`, () =>
      assert.equal(slashCommand(text, machine), undefined));
  }

  it('/terminal names the shell and the system', () => {
    assert.match(slashCommand('/terminal x', machine)!.instruction, /for zsh on Linux/);
    assert.match(slashCommand('/terminal', { shell: '', system: 'Windows' })!.instruction, /for a shell on Windows/);
  });
});

describe('what slash commands attach', () => {
  const range = (first: number, last: number) => ({
    start: { line: first, character: 0 },
    end: { line: last, character: 1 },
  });
  const text = Array.from({ length: 200 }, (_, i) => `line ${i + 1}`).join('\n');

  /** An editor on a document of 200 lines with the cursor in line 50, between two nested functions. */
  function editor(options: { symbols?: boolean; lines?: number } = {}): FakeWorkspace {
    const workspace = new FakeWorkspace();
    const document = workspace.open('a.ts', options.lines ? 'x\n'.repeat(options.lines) : text);
    workspace.select(document, 49, 2);
    const inner = {
      name: 'inner',
      range: range(45, 55),
      children: [{ name: 'x', range: range(49, 49), children: [] }],
    };
    const symbols = [{ name: 'outer', range: range(10, 100), children: [inner] }];
    workspace.commands.set('vscode.executeDocumentSymbolProvider', () =>
      options.symbols === false ? undefined : symbols,
    );
    return workspace;
  }
  const inner: Attachment = { kind: 'symbol', uri: URI, name: 'inner', firstLine: 46, lastLine: 56 };
  const given = async (text: string, attached: Attachment[]) => (await instruct(text, attached, '')).attachments;
  const added = async (text: string, attached: Attachment[] = []) => {
    const all = await given(text, attached);
    assert.deepEqual(all.slice(0, attached.length), attached);
    return all.slice(attached.length);
  };

  it('the innermost symbol of several lines around the cursor', async () => {
    editor();
    assert.deepEqual(await added('/explain'), [inner]);
  });

  it('the selection, in whole lines; not the line before whose first character it ends', async () => {
    const workspace = editor();
    workspace.select(workspace.documents[0]!, 9, 4, { line: 12, character: 0 });
    assert.deepEqual(await added('/doc'), [{ kind: 'selection', uri: URI, firstLine: 10, lastLine: 12 }]);
    workspace.select(workspace.documents[0]!, 9, 4, { line: 12, character: 1 });
    assert.deepEqual(await added('/doc'), [{ kind: 'selection', uri: URI, firstLine: 10, lastLine: 13 }]);
  });

  it('lines around the cursor, or the small file, where no symbols are known', async () => {
    editor({ symbols: false });
    assert.deepEqual(await added('/tests'), [{ kind: 'selection', uri: URI, firstLine: 10, lastLine: 90 }]);
    editor({ symbols: false, lines: 60 });
    assert.deepEqual(await added('/tests'), [{ kind: 'file', uri: URI }]);
  });

  it('lines around the cursor where the language server fails', async () => {
    editor().commands.set('vscode.executeDocumentSymbolProvider', () => Promise.reject(new Error('It crashed.')));
    assert.deepEqual(await added('/tests'), [{ kind: 'selection', uri: URI, firstLine: 10, lastLine: 90 }]);
  });

  it('/fix adds the problems at the cursor, else those of the file', async () => {
    const workspace = editor();
    assert.deepEqual(await added('/fix'), [inner]);
    workspace.problem('a.ts', 3, 'Far away.');
    assert.deepEqual(await added('/fix'), [inner, { kind: 'problems', uri: URI }]);
    workspace.problem('a.ts', 49, 'Here.');
    assert.deepEqual(await added('/fix'), [inner, { kind: 'problems', uri: URI, line: 50 }]);
  });

  it('what the user attached is not replaced', async () => {
    const workspace = editor();
    workspace.problem('a.ts', 49, 'Here.');
    const own: Attachment = { kind: 'selection', uri: URI, firstLine: 1, lastLine: 2 };
    assert.deepEqual(await added('/explain', [own]), []);
    assert.deepEqual(await added('/fix', [own]), [{ kind: 'problems', uri: URI, line: 50 }]);
    assert.deepEqual(await added('/fix', [own, { kind: 'problems' }]), []);
    assert.deepEqual(await added('/commit', [{ kind: 'changes' }]), []);
  });

  it('of the file that came along by itself the code at the cursor; a file that was chosen stays whole', async () => {
    editor();
    const chosen: Attachment = { kind: 'file', uri: URI };
    const shown: Attachment = { ...chosen, automatic: true };
    const terminal: Attachment = { kind: 'terminal', text: 'x' };
    assert.deepEqual(await given('/explain', [shown, terminal]), [terminal, inner]);
    assert.deepEqual(await given('/commit', [shown]), [{ kind: 'changes', staged: true }]);
    assert.deepEqual(await given('/explain', [chosen]), [chosen]);
    const other: Attachment = { kind: 'file', uri: 'file:///project/b.ts' };
    assert.deepEqual(await given('/explain', [shown, other]), [shown, other]);
    for (const text of ['/terminal run it', 'what is this?']) assert.deepEqual(await given(text, [shown]), [shown]);
    assert.deepEqual(await given('/explain', [{ ...other, automatic: true }]), [{ ...other, automatic: true }]);
  });

  it('/fix with another file attached: the problems of that file', async () => {
    const workspace = editor();
    workspace.problem('a.ts', 49, 'Here.');
    workspace.problem('b.ts', 3, 'There.');
    const other: Attachment = { kind: 'file', uri: 'file:///project/b.ts' };
    assert.deepEqual(await added('/fix', [other]), [{ kind: 'problems', uri: other.uri }]);
    assert.deepEqual(await added('/fix', [{ ...other, uri: 'file:///project/c.ts' }]), []);
  });

  it('/commit adds what is staged, /terminal and plain questions nothing', async () => {
    editor();
    assert.deepEqual(await added('/commit'), [{ kind: 'changes', staged: true }]);
    assert.deepEqual(await added('/terminal list files'), []);
    assert.deepEqual(await instruct('what is this?', [], ''), { instruction: 'what is this?', attachments: [] });
  });

  it('without an editor there is nothing to add', async () => {
    new FakeWorkspace();
    assert.deepEqual(await withDefaults('problems', []), []);
  });
});
