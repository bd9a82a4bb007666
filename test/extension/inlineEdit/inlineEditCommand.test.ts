import assert from 'node:assert/strict';
import { textOf } from '../../../engine/wire/chatTurns.ts';
import type { ChatParams, StopReason } from '../../../engine/wire/protocol.ts';
import { EngineFailure } from '../../../engine/wire/failure.ts';
import { InlineEdit } from '../../../extension/inlineEdit/inlineEdit.ts';
import { type EditableDocument, Editing } from '../../support/extension/editing.ts';
import { fake } from '../../support/extension/vscodeStub.ts';

const TEXT = 'f();\nif (x) {\n  a();\n}\ng();\n';

describe('inline edit: the command', () => {
  let editing: Editing;
  let memory: Map<string, unknown>;
  let edit: InlineEdit;
  let asked: Omit<ChatParams, 'modelId'>[];
  let answer: string | Error;
  let stop: StopReason;
  let previews: { text: string }[];
  /** Called while the model writes. */
  let meanwhile: () => void;

  const start = (): InlineEdit =>
    new InlineEdit({
      model: {
        countTokens: () => Promise.resolve([]),
        likelihoods: () => Promise.resolve([]),
        imageCosts: () => Promise.resolve([]),
        fit: () => assert.fail('not used'),
        chat: (request, signal, onPart) => {
          asked.push(request);
          meanwhile();
          if (answer instanceof Error) return Promise.reject(answer);
          for (const text of answer.split(/(?<=\n)/)) onPart({ type: 'text', text });
          if (signal.aborted) return Promise.reject(new EngineFailure({ kind: 'cancelled', message: '' }));
          const figures = { tokensReused: 0, tokensPrefilled: 0, tokensGenerated: 0, prefillMs: 0, decodeMs: 0 };
          return Promise.resolve({ ...figures, stop, messagesDropped: 0 });
        },
      },
      memory: {
        get: (key: string) => memory.get(key),
        update: (key: string, value: unknown) => Promise.resolve(void memory.set(key, value)),
        keys: () => [],
      } as never,
      instructions: { uris: [] },
      settings: () => ({ 'chat.maxTokens': 1000, 'files.exclude': [] }),
      preview: (_document, place) => (previews.push(place), Promise.resolve('')),
    });

  beforeEach(() => {
    editing = new Editing('/project');
    [memory, asked, previews, stop, meanwhile] = [new Map(), [], [], 'end', () => {}];
    answer = '```ts\nif (y) {\n  a();\n}\n```';
    edit = start();
  });
  afterEach(() => {
    edit.dispose();
    editing[Symbol.dispose]();
    fake.settings = {};
  });
  const shown = (): EditableDocument => {
    const document = editing.open('a.ts', TEXT);
    editing.show(document, 5);
    return document;
  };

  it('without a selection: what the line at the cursor opens', async () => {
    const document = shown();
    await edit.run('use y');
    assert.equal(document.getText(), TEXT.replace('if (x) {\n', 'if (x) {\nif (y) {\n'));
    assert.match(textOf(asked[0]!.messages.at(-1)!), /^Rewrite lines 2 to 4 of a\.ts, [^]*: use y$/);
    assert.deepEqual(asked[0]!.sources, [
      { name: 'a.ts', text: TEXT, cursor: 4 },
      { name: 'a.ts', text: 'if (x) {\n  a();\n}', firstLine: 2, whole: true },
    ]);
    assert.equal(asked[0]!.maxTokens, 1000);
    assert.deepEqual(
      [editing.contexts['airgap.hunks'], editing.contexts['airgap.hunkPaths']],
      [true, ['/project/a.ts', '/project/a.ts']],
    );
  });

  it('a selection that begins within a line takes the whole line', async () => {
    const document = editing.open('a.ts', TEXT);
    editing.show(document, 2, 3);
    answer = 'h();';
    await edit.run('rename');
    assert.equal(document.getText(), TEXT.replace('f();\n', 'f();\nh();\n'));
  });

  it('the hunk at the cursor, and the one that a button names', async () => {
    const document = shown();
    await edit.run('use y');
    editing.show(document, 0);
    await edit.decideHunk('accept');
    assert.match(document.getText(), /if \(x\)[^]*if \(y\)/, 'the cursor stands elsewhere');
    await edit.decideHunk('accept', 'file:///project/a.ts', 99);
    assert.match(document.getText(), /if \(x\)[^]*if \(y\)/, 'no such hunk');
    await edit.decideHunk('accept', 'file:///project/a.ts', 0);
    assert.equal(document.getText(), TEXT.replace('x', 'y'));
    assert.equal(editing.contexts['airgap.hunks'], false);
  });

  it('saved, the file has only what was accepted; undo brings the rest back', async () => {
    const document = shown();
    await edit.run('use y');
    const open = document.getText();
    assert.equal(await editing.save(document), TEXT);
    assert.match(editing.messages[0]!, /^The file was saved without/);
    document.undo();
    assert.equal(document.getText(), open);
    assert.equal(editing.contexts['airgap.hunks'], true);
  });

  it('hunks are there again after a reload that kept the unsaved text', async () => {
    const document = shown();
    await edit.run('use y');
    edit.dispose();
    edit = start();
    await edit.decideAll('accept');
    assert.equal(document.getText(), TEXT.replace('x', 'y'));
  });

  it('hunks of a text that is another by now are not', async () => {
    const document = shown();
    await edit.run('use y');
    edit.dispose();
    document.type(0, '//\n');
    edit = start();
    await edit.decideAll('accept');
    assert.match(document.getText(), /^\/\/\n[^]*x[^]*y/);
  });

  it('a document that saves itself after a delay gets a diff editor instead', async () => {
    fake.settings = { 'files.autoSave': 'afterDelay' };
    const document = shown();
    await edit.run('use y');
    assert.equal(document.getText(), TEXT);
    assert.deepEqual(
      previews.map(({ text }) => text),
      [TEXT.replace('x', 'y')],
    );
  });

  const tooLong = new EngineFailure({ kind: 'promptTooLong', message: 'The question takes 9 tokens.' });
  const SENTENCES: [name: string, prepare: () => void, says: RegExp][] = [
    ['an untrusted workspace', () => (editing.trusted = false), /trusted workspace/],
    ['a read-only file', () => (editing.readonly = true), /a\.ts is read-only/],
    ['a part that the window cannot hold', () => (answer = tooLong), /does not fit in the context window/],
    ['an answer that is cut', () => (stop = 'length'), /airgap\.chat\.maxTokens/],
    ['an answer that repeats itself', () => (stop = 'repetition'), /repeated itself and was stopped\. No changes/],
    ['an answer without code', () => (answer = '```\n```'), /no code/],
    ['an answer that changes nothing', () => (answer = 'if (x) {\n  a();\n}'), /suggested no changes/],
  ];
  for (const [name, prepare, says] of SENTENCES) {
    it(`${name}: a sentence, and no change`, async () => {
      const document = shown();
      prepare();
      await edit.run('use y');
      assert.match(editing.messages.join('\n'), says);
      assert.equal(document.getText(), TEXT);
    });
  }

  it('a secret is not given to the model', async () => {
    editing.show(editing.open('a.ts', `const password = "hunter2-${'x9'}!";\n`));
    await edit.run('rename');
    assert.deepEqual(asked, []);
    assert.match(editing.messages[0]!, /looks like a secret/);
  });

  it('a text that changes while the model writes is left alone', async () => {
    const document = shown();
    meanwhile = () => document.type(6, 'zzz');
    await edit.run('use y');
    assert.equal(document.getText(), TEXT.replace('if', 'izzzf'));
    assert.match(editing.messages[0]!, /has been modified/);
  });

  it("a file's name makes no link of a notice", async () => {
    const document = editing.open('[a](command:b).ts', TEXT);
    editing.show(document, 5);
    meanwhile = () => document.type(6, 'zzz');
    await edit.run('use y');
    assert.deepEqual(editing.messages, ['[a] (command:b).ts has been modified. No changes were made.']);
  });

  it('a second edit waits for the decision on the first', async () => {
    shown();
    await edit.run('use y');
    await edit.run('use z');
    assert.equal(asked.length, 1);
    assert.match(editing.messages[0]!, /^Accept or reject the proposed changes/);
  });

  it('cancelled, nothing is said and nothing changes', async () => {
    const document = shown();
    answer = new EngineFailure({ kind: 'cancelled', message: '' });
    await edit.run('use y');
    assert.deepEqual([document.getText(), editing.messages], [TEXT, []]);
    answer = new EngineFailure({ kind: 'engineGone', message: 'The engine has died.' });
    await assert.rejects(edit.run('use y'), /has died/);
  });
});
