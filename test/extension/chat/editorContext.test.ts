import assert from 'node:assert/strict';
import { EditorContext } from '../../../extension/chat/context/editorContext.ts';
import { readSettings } from '../../../extension/settings.ts';
import { FakeWorkspace } from '../../support/extension/fakeWorkspace.ts';
import { fake, window } from '../../support/extension/vscodeStub.ts';
import { file, lines } from './readContext.ts';

describe('what the active editor offers', () => {
  let workspace: FakeWorkspace;
  let context: EditorContext;
  let moves: number;

  beforeEach(() => {
    workspace = new FakeWorkspace();
    moves = 0;
    const { settings } = readSettings(() => undefined);
    context = new EditorContext(() => settings, { moved: () => moves++, changed: () => {} });
  });
  afterEach(() => {
    context.dispose();
    window.activeTextEditor = undefined;
  });
  /** Opens it, or shows it anew. */
  const show = (path: string): void => {
    workspace.open(path, 'one\ntwo\nthree\n', { active: true });
    fake.editorChanged.fire(window.activeTextEditor);
  };

  it('is the file, and the selection where there is one', () => {
    assert.equal(context.attachment, undefined);
    show('src/a.ts');
    assert.deepEqual(context.attachment, file('src/a.ts'));
    const editor = window.activeTextEditor as unknown as { selection: { start: object; end: object } };
    editor.selection = { start: { line: 0, character: 1 }, end: { line: 2, character: 0 } };
    fake.selectionChanged.fire({ textEditor: editor });
    assert.deepEqual(context.attachment, lines('src/a.ts', 1, 2));
    assert.equal(moves, 2);
  });

  it('stays while a chat among the editors is active, and goes with its document', () => {
    show('src/a.ts');
    const { document } = window.activeTextEditor!;
    fake.editorChanged.fire(undefined);
    assert.deepEqual(context.attachment, file('src/a.ts'));
    fake.documentClosed.fire(document as never);
    assert.equal(context.attachment, undefined);
  });

  for (const path of ['.env', 'keys/server.pem', 'output:channel', 'git:/project/a.ts']) {
    it(`is never ${path}`, () => {
      show(path);
      assert.equal(context.attachment, undefined);
    });
  }
});
