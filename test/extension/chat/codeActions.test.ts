import assert from 'node:assert/strict';
import type * as vscode from 'vscode';
import { chatCommands } from '../../../extension/chat/commands/chatCommands.ts';
import { ChatCodeActions } from '../../../extension/chat/commands/codeActions.ts';
import type { Attachment } from '../../../extension/chat/context/attachment.ts';
import type { Chat } from '../../../extension/chat/chat.ts';
import { fakeDocument, FakeWorkspace } from '../../support/extension/fakeWorkspace.ts';
import {
  CodeActionKind,
  CodeActionTriggerKind,
  Position,
  Range,
  TabInputCustom,
  Uri,
} from '../../support/extension/vscodeStub.ts';

const cursor = new Range(new Position(0, 1), new Position(0, 1));
const selection = new Range(new Position(0, 0), new Position(1, 1));
const problem = { message: 'Wrong.' };

interface Options {
  range?: Range;
  diagnostics?: object[];
  invoked?: boolean;
  only?: CodeActionKind;
  uri?: string;
  languageId?: string;
}

function actions({
  range = cursor,
  diagnostics = [],
  invoked = false,
  only,
  uri = 'file:///project/a.ts',
  languageId,
}: Options) {
  const document = fakeDocument(Uri.parse(uri), 'let a;\nlet b;', languageId);
  const triggerKind = invoked ? CodeActionTriggerKind.Invoke : CodeActionTriggerKind.Automatic;
  const context = { diagnostics, triggerKind, only } as unknown as vscode.CodeActionContext;
  return new ChatCodeActions().provideCodeActions(document, range as unknown as vscode.Range, context);
}

describe('light bulb', () => {
  const [EXPLAIN, FIX, DOCUMENT] = ['airgap.explain', 'airgap.fix', 'airgap.document'];
  const cases: [name: string, options: Options, commands: (string | undefined)[]][] = [
    ['a cursor alone lights no bulb', {}, []],
    ['a problem', { diagnostics: [problem] }, [FIX, EXPLAIN]],
    ['a selection', { range: selection }, [EXPLAIN, DOCUMENT]],
    ['asked for by key', { invoked: true }, [EXPLAIN, DOCUMENT]],
    ['asked for at a problem', { invoked: true, diagnostics: [problem] }, [FIX, EXPLAIN, DOCUMENT]],
    ['only quick fixes', { invoked: true, diagnostics: [problem], only: CodeActionKind.QuickFix }, [FIX]],
    ['only refactorings', { range: selection, only: CodeActionKind.RefactorRewrite }, [DOCUMENT]],
    ['a new document', { range: selection, uri: 'untitled:Untitled-1' }, [EXPLAIN, DOCUMENT]],
    ['a virtual one', { range: selection, uri: 'vscode-vfs://github/o/r/a.ts' }, [EXPLAIN, DOCUMENT]],
    ['plain text', { range: selection, languageId: 'plaintext' }, [EXPLAIN, DOCUMENT]],
    ['output', { invoked: true, uri: 'output:Airgap' }, []],
    ['a log', { invoked: true, languageId: 'log' }, []],
    ['the input of source control', { invoked: true, uri: 'vscode-scm:git/scm0/input' }, []],
  ];
  for (const [name, options, commands] of cases) {
    it(`${name}: ${commands.length > 0 ? commands.join(', ') : 'nothing'}`, () => {
      const found = actions(options);
      assert.deepEqual(
        found.map(({ command }) => command!.command),
        commands,
      );
      assert.ok(
        found.every(({ edit }) => edit === undefined),
        'nothing is changed from here',
      );
    });
  }

  it('the fix belongs to its problems', () => {
    const [fix] = actions({ diagnostics: [problem] });
    assert.deepEqual([fix!.diagnostics, fix!.kind], [[problem], CodeActionKind.QuickFix]);
  });
});

describe('editor commands', () => {
  type Question = Parameters<Chat['ask']>[0];
  const URI = 'file:///project/a.ts';

  function setUp() {
    const workspace = new FakeWorkspace({ 'a.ts': '', 'src/b.ts': '' });
    const document = workspace.open('a.ts', 'one\ntwo\nthree', { active: true });
    const asked: Question[] = [];
    const chat: Pick<Chat, 'ask'> = { ask: (question) => Promise.resolve(void asked.push(question)) };
    const commands = chatCommands(() => ({ chat }) as never) as Record<string, (...args: unknown[]) => Promise<void>>;
    const run = (id: string, ...args: unknown[]): Promise<void> => commands[`airgap.${id}`]!(...args);
    return { workspace, document, asked, run };
  }
  const lines = (firstLine: number, lastLine: number): Attachment => ({
    kind: 'selection',
    uri: URI,
    firstLine,
    lastLine,
  });

  it('ask shows the chat with the selection, and sends nothing', async () => {
    const { workspace, document, asked, run } = setUp();
    await run('ask');
    workspace.select(document, 0, 0, { line: 1, character: 2 });
    await run('ask');
    assert.deepEqual(asked, [{ attachments: [] }, { attachments: [lines(1, 2)] }]);
  });

  for (const [command, text] of [
    ['explain', '/explain'],
    ['fix', '/fix'],
    ['document', '/doc'],
  ] as const) {
    it(`${command} sends ${text} about the selection, or the place that the light bulb names`, async () => {
      const { workspace, document, asked, run } = setUp();
      workspace.problem('a.ts', 1, 'Wrong.');
      workspace.select(document, 0, 0, { line: 1, character: 2 });
      await run(command);
      await run(command, Uri.parse(URI), new Range(new Position(1, 0), new Position(1, 2)));
      const problems = (line?: number): Attachment[] =>
        command === 'fix' ? [{ kind: 'problems', uri: URI, ...(line && { line }) }] : [];
      assert.deepEqual(asked, [
        { text, attachments: [lines(1, 2), ...problems()], send: true },
        { text, attachments: [lines(2, 2), ...problems(2)], send: true },
      ]);
    });
  }

  it('without an editor: one sentence', async () => {
    const { asked, run } = setUp();
    const workspace = new FakeWorkspace();
    await run('explain');
    await run('attach');
    assert.deepEqual(workspace.told, ['Open a file and place the cursor in the code first.', 'Open a file first.']);
    assert.deepEqual(asked, []);
  });

  it('attach: what is chosen in the explorer, else the selection, else the file', async () => {
    const { workspace, document, asked, run } = setUp();
    const [file, folder] = [Uri.parse('file:///project/src/b.ts'), Uri.parse('file:///project/src')];
    await run('attach', file, [file, folder, 'nonsense']);
    await run('attach', Uri.parse(URI));
    workspace.select(document, 0, 0, { line: 0, character: 2 });
    await run('attach');
    await run('attach', file);
    assert.deepEqual(
      asked.map(({ attachments }) => attachments),
      [
        [
          { kind: 'file', uri: file.toString() },
          { kind: 'folder', uri: folder.toString() },
        ],
        [{ kind: 'file', uri: URI }],
        [lines(1, 1)],
        [{ kind: 'file', uri: file.toString() }],
      ],
    );
  });

  it('explainImage: the pictures chosen in the explorer, else the one that an editor shows', async () => {
    const { workspace, asked, run } = setUp();
    const [a, b] = ['a.png', 'b.WebP'].map((name) => Uri.parse(`file:///project/${name}`));
    await run('explainImage');
    await run('explainImage', Uri.parse(URI), [Uri.parse(URI)]);
    assert.deepEqual(workspace.told, ['Open or select a picture first.', 'Open or select a picture first.']);
    await run('explainImage', a, [a]);
    await run('explainImage', a, [a, Uri.parse(URI), b]);
    workspace.activeTabGroup.activeTab = { input: new TabInputCustom(b) };
    await run('explainImage');
    const files = (...uris: unknown[]) => uris.map((uri) => ({ kind: 'file', uri: String(uri) }));
    assert.deepEqual(asked, [
      { text: 'Explain this picture.', attachments: files(a), send: true },
      { text: 'Explain these pictures.', attachments: files(a, b), send: true },
      { text: 'Explain this picture.', attachments: files(b), send: true },
    ]);
  });

  it('the terminal selection becomes a chip; without one, a sentence', async () => {
    const { workspace, asked, run } = setUp();
    await run('attachTerminal');
    assert.deepEqual(workspace.told, ['Nothing is selected in the terminal.']);
    workspace.terminalSelection = 'boom';
    await run('attachTerminal');
    assert.deepEqual(asked, [{ attachments: [{ kind: 'terminal', text: 'boom' }] }]);
  });
});
