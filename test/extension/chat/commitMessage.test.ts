import assert from 'node:assert/strict';
import { textOf } from '../../../engine/wire/chatTurns.ts';
import type { ChatParams, ChatPart, ChatResult } from '../../../engine/wire/protocol.ts';
import { cleanCommitMessage } from '../../../extension/chat/commands/cleanCommitMessage.ts';
import { writeCommitMessage } from '../../../extension/chat/commands/commitMessage.ts';
import type { ChatModel } from '../../../extension/engine/engine.ts';
import { fakeFit } from '../../support/engine/fakeFit.ts';
import { type FakeRepository, FakeWorkspace } from '../../support/extension/fakeWorkspace.ts';
import { Uri } from '../../support/extension/vscodeStub.ts';

const diff = (path: string, added = 'x'): string =>
  `diff --git a/${path} b/${path}\n--- a/${path}\n+++ b/${path}\n@@ -0,0 +1 @@\n+${added}\n`;

interface Options {
  repository?: { staged?: string; unstaged?: string };
  before?: string;
  parts?: string[];
  answers?: string[];
  /** After each part. */
  during?: (part: number, repository: FakeRepository, workspace: FakeWorkspace) => void;
  failure?: Error;
  /** Share of the sources that fits. */
  fits?: number;
  stop?: ChatResult['stop'];
}

const hostOf = (model: ChatModel) => ({ model, settings: { 'files.exclude': [] } });

async function write(options: Options = {}) {
  const workspace = new FakeWorkspace();
  const repository = workspace.repository(options.repository ?? { staged: diff('a.ts') });
  repository.inputBox.value = options.before ?? '';
  workspace.answers.push(...(options.answers ?? []));
  const asked: Omit<ChatParams, 'modelId'>[] = [];
  const shown: string[] = [];
  const model = {
    chat: async (request: Omit<ChatParams, 'modelId'>, signal: AbortSignal, onPart: (part: ChatPart) => void) => {
      asked.push(request);
      const keep = (text: string) => ({ text: text.slice(0, Math.ceil(text.length * (options.fits ?? 1))), lines: [] });
      const rule = { contextLength: 4096, count: (text: string) => text.length, keep };
      onPart({ type: 'fitted', ...fakeFit({ ...request, sources: request.sources! }, rule) });
      for (const [i, text] of (options.parts ?? ['Add ', 'x']).entries()) {
        signal.throwIfAborted();
        onPart({ type: 'text', text });
        shown.push(repository.inputBox.value);
        options.during?.(i, repository, workspace);
        await Promise.resolve();
      }
      if (options.failure) throw options.failure;
      return { stop: options.stop ?? 'end' };
    },
  } as unknown as ChatModel;
  const failure = await writeCommitMessage(hostOf(model), undefined).then(
    () => undefined,
    (error: Error) => error.message,
  );
  return { message: repository.inputBox.value, asked, shown, told: workspace.told, failure };
}

describe('commit message', () => {
  it('is written as it comes, from what is staged', async () => {
    const { message, shown, asked, failure } = await write({
      repository: { staged: diff('a.ts', 'staged'), unstaged: diff('b.ts', 'unstaged') },
    });
    assert.deepEqual([message, shown, failure], ['Add x', ['Add', 'Add x'], undefined]);
    const [{ messages, sources }] = asked as [ChatParams];
    assert.equal(messages.length, 1);
    assert.match(textOf(messages[0]!), /^Write a git commit message/);
    assert.deepEqual(
      sources!.map(({ name }) => name),
      ['a.ts (staged changes)'],
    );
    assert.match(sources![0]!.text, /\+staged/);
  });

  it('asks before it replaces, and leaves all as it is without a yes', async () => {
    const no = await write({ before: 'mine' });
    assert.deepEqual([no.message, no.told, no.asked], ['mine', ['Replace the existing commit message?'], []]);
    const yes = await write({ before: 'mine', answers: ['Replace'] });
    assert.equal(yes.message, 'Add x');
  });

  it('nothing staged: the changes of the working tree, if wanted', async () => {
    const repository = { unstaged: diff('b.ts', 'unstaged') };
    const no = await write({ repository });
    assert.deepEqual([no.message, no.told], ['', ['No changes are staged. Write a commit message for all changes?']]);
    const yes = await write({ repository, answers: ['Use All Changes'] });
    assert.match(yes.asked[0]!.sources![0]!.text, /\+unstaged/);
    assert.equal(yes.message, 'Add x');
  });

  it('nothing changed: one sentence', async () => {
    const { failure, asked } = await write({ repository: {} });
    assert.deepEqual([failure, asked], ['There are no changes to describe.', []]);
  });

  it('says how much of a large change the model sees', async () => {
    const { told } = await write({ fits: 0.25 });
    assert.deepEqual(told, ['Only 25% of the changes fit in the context window of the model.']);
  });

  it('cancelled: what stood there comes back', async () => {
    const { message, failure } = await write({
      before: 'mine',
      answers: ['Replace'],
      parts: ['Add ', 'x', 'y'],
      during: (part, _, workspace) => part === 0 && workspace.token.cancel(),
    });
    assert.deepEqual([message, failure], ['mine', undefined]);
  });

  it('a failure is told, and what stood there comes back', async () => {
    const { message, failure } = await write({
      before: 'mine',
      answers: ['Replace'],
      failure: new Error('No memory.'),
    });
    assert.deepEqual([message, failure], ['mine', 'No memory.']);
  });

  it('an answer that repeats itself: a sentence, and what stood there comes back', async () => {
    const { message, failure } = await write({ before: 'mine', answers: ['Replace'], stop: 'repetition' });
    assert.deepEqual([message, failure], ['mine', 'The answer repeated itself and was stopped.']);
  });

  it('no answer: a sentence, and what stood there comes back', async () => {
    const { message, failure } = await write({ before: 'mine', answers: ['Replace'], parts: ['```\n', '```'] });
    assert.deepEqual([message, failure], ['mine', 'The model returned an empty answer.']);
  });

  it('the user writes meanwhile: that stays, and the model stops', async () => {
    const { message, shown, failure } = await write({
      parts: ['Add ', 'x', 'y', 'z'],
      during: (part, repository) => {
        if (part === 1) repository.inputBox.value = 'my own';
      },
    });
    assert.deepEqual([message, shown, failure], ['my own', ['Add', 'Add x', 'my own'], undefined]);
  });

  it('an older part that VS Code reports back is not taken for the user', async () => {
    const { message } = await write({
      parts: ['Add ', 'x', 'y'],
      during: (part, repository) => {
        if (part === 1) repository.inputBox.value = 'Add';
      },
    });
    assert.equal(message, 'Add xy');
  });

  it('the button names the repository', async () => {
    const workspace = new FakeWorkspace();
    const first = workspace.repository({ staged: diff('a.ts') });
    const second = workspace.repository({ root: 'file:///project/sub', staged: diff('b.ts') });
    const model = {
      chat: async (_: unknown, __: unknown, onPart: (part: ChatPart) => void) => {
        onPart({ type: 'text', text: 'Y' });
        return { stop: 'end' };
      },
    } as unknown as ChatModel;
    await writeCommitMessage(hostOf(model), Uri.parse('file:///project/sub') as never);
    assert.deepEqual([first.inputBox.value, second.inputBox.value], ['', 'Y']);
  });

  const cleaned: [answer: string, message: string][] = [
    ['Add x', 'Add x'],
    ['```\nAdd x\n```', 'Add x'],
    ['```text\nAdd x\n\nBecause.\n```\n', 'Add x\n\nBecause.'],
    ['"Add x"', 'Add x'],
    ['**Add x**\nWhy.', 'Add x\n\nWhy.'],
    ['`Add x', 'Add x'],
    ['Commit message: Add x', 'Add x'],
    ['# Add x', 'Add x'],
    ['Use "x" in y', 'Use "x" in y'],
    ['\n\nAdd x  \r\n\r\n- one\r\n- two\n', 'Add x\n\n- one\n- two'],
    ['', ''],
    ['"', ''],
    [`${'word '.repeat(15)}end`, `${'word '.repeat(14).trim()}\n\nword end`],
    ['x'.repeat(80), 'x'.repeat(80)],
  ];
  for (const [answer, message] of cleaned) {
    it(`cleaned: ${JSON.stringify(answer.slice(0, 40))}`, () => assert.equal(cleanCommitMessage(answer), message));
  }
});
