import assert from 'node:assert/strict';
import type * as vscode from 'vscode';
import { serverCommands } from '../../../extension/remote/vscode/useServer.ts';
import { type ChatServer, startChatServer } from '../../support/extension/chatServer.ts';
import { FakeServerUse } from '../../support/extension/serverUse.ts';
import { window as stub } from '../../support/extension/vscodeStub.ts';

/** What the user types, picks and presses, in this order; undefined dismisses. */
type Answers = readonly (string | RegExp | undefined)[];

/** Runs a command; gives what the user saw. */
async function run(command: 'useServer' | 'stopUsingServer', own: FakeServerUse, answers: Answers): Promise<string[]> {
  const seen: string[] = [];
  const left = [...answers];
  const choose = (shown: string, offered: readonly string[]): string | undefined => {
    seen.push(shown);
    const next = left.shift();
    return offered.find((each) => next instanceof RegExp && next.test(each));
  };
  const message = async (text: string, ...rest: (string | vscode.MessageOptions)[]): Promise<string | undefined> => {
    const details = rest.flatMap((each) => (typeof each === 'string' ? [] : [each.detail ?? '']));
    const buttons = rest.filter((each) => typeof each === 'string');
    return choose([text, ...details, ...buttons].join(' | '), buttons);
  };
  const before = { ...stub };
  Object.assign(stub, {
    showInputBox: async ({ title, value = '', password = false, validateInput }: vscode.InputBoxOptions) => {
      const next = left.shift();
      seen.push(`${title}${password ? ', hidden' : ''}: ${password ? value.length : value}`);
      if (typeof next !== 'string') return undefined;
      const problem = await validateInput?.(next);
      if (problem) seen.push(String(problem as string));
      return problem ? undefined : next;
    },
    showQuickPick: async (lines: readonly vscode.QuickPickItem[], { title }: vscode.QuickPickOptions) => {
      const shown = lines.map(({ label, description }) =>
        [label.replace(/^\$\(.*?\) /, ''), description].filter(Boolean).join(' '),
      );
      const picked = choose(
        `${title}: ${shown.join(' / ')}`,
        lines.map(({ label }) => label),
      );
      return lines.find(({ label }) => label === picked);
    },
    withProgress: (_: unknown, task: (progress: unknown, token: unknown) => unknown) =>
      task({}, { isCancellationRequested: false, onCancellationRequested: () => ({ dispose() {} }) }),
    showWarningMessage: message,
    showInformationMessage: message,
  });
  try {
    await serverCommands(() => ({ server: own.use }))[`airgap.${command}`]!();
  } finally {
    Object.assign(stub, before);
  }
  return seen;
}

describe('Use a Server', () => {
  let server: ChatServer;
  const models = ['phi-3-medium'];

  before(async () => {
    server = await startChatServer(models, () => ({ parts: [], ends: true }));
  });
  after(() => server[Symbol.asyncDispose]());

  it('tests the connection, shows what will be sent and to whom, and keeps what was chosen', async () => {
    const own = new FakeServerUse();
    const seen = await run('useServer', own, [` ${server.url}/ `, 'secret', /^Use for the Chat$/]);
    const [address, key, question] = seen;
    assert.deepEqual([address, key], ['Address of the server: ', `Key of ${server.host}, hidden: 0`]);
    assert.match(question!, new RegExp(`^Use phi-3-medium on ${server.host}\\? \\| The chat sends your questions`));
    assert.deepEqual(own.stored, { 'remote.url': server.url, 'remote.model': 'phi-3-medium', 'remote.use': 'chat' });
    assert.equal(await own.use.key(server.url), 'secret');
    assert.ok(own.logged.length > 0 && !own.logged.join().includes('secret'));
  });

  const nothing: [name: string, answers: Answers][] = [
    ['no address', [undefined]],
    ['an address that is none', ['gpu.example']],
    ['no key', ['URL', undefined]],
    ['no consent', ['URL', '', undefined]],
    ['no risk', ['http://gpu.example', undefined]],
  ];
  for (const [name, answers] of nothing) {
    it(`${name}: nothing is kept`, async () => {
      const own = new FakeServerUse();
      await run(
        'useServer',
        own,
        answers.map((answer) => (answer === 'URL' ? server.url : answer)),
      );
      assert.deepEqual([own.stored, own.secrets.size, own.memory.size], [{}, 0, 0]);
    });
  }

  it('names the risk of plain http, once for each address', async () => {
    const own = new FakeServerUse();
    const seen = await run('useServer', own, ['http://gpu.example', /^Send Unencrypted$/, undefined]);
    assert.match(
      seen[1]!,
      /^Send your code to gpu\.example without encryption\? \| .*can read your questions, your code, and the key/,
    );
    const again = await run('useServer', own, ['http://gpu.example', undefined]);
    assert.match(again[1]!, /^Key of gpu\.example/);
  });

  it('several models are a choice; a fault is one sentence, and nothing that was typed is lost', async () => {
    const gone = await startChatServer(['a', 'b'], () => ({ parts: [], ends: true }));
    const own = new FakeServerUse();
    const seen = await run('useServer', own, [gone.url, 'key', /^b$/, /Completions$/]);
    assert.equal(seen[2], `Models on ${gone.host}: a / b`);
    assert.deepEqual(own.use.for('completion'), { url: gone.url, model: 'b' });
    gone.crash();
    await own.use.stop();
    const failed = await run('useServer', own, [gone.url, 'typed', /^Try Again$/, undefined]);
    assert.match(failed[2]!, new RegExp(`^${gone.host} refuses the connection\\..* \\| Try Again$`));
    assert.equal(failed[3], `Address of the server: ${gone.url}`);
  });

  it('says that a server has no model', async () => {
    const empty = await startChatServer([], () => ({ parts: [], ends: true }));
    const seen = await run('useServer', new FakeServerUse(), [empty.url, '', undefined]);
    assert.match(seen[2]!, /serves no model\./);
    empty.crash();
  });

  const chosen = { 'remote.url': 'https://gpu.example', 'remote.model': 'phi' };
  const clicks: [line: RegExp, chat: boolean, completions: boolean, kept: boolean][] = [
    [/Chat on gpu/, true, false, true],
    [/Chat and completions on gpu/, true, true, true],
    [/Completions on gpu/, false, true, true],
    [/This machine for now/, false, false, true],
    [/Stop using the server/, false, false, false],
  ];
  for (const [line, chat, completions, kept] of clicks) {
    it(`afterwards, one click: ${line.source}`, async () => {
      const own = new FakeServerUse({ ...chosen, 'remote.use': chat && !completions ? 'chatAndCompletions' : 'chat' });
      const [seen] = await run('useServer', own, [line]);
      assert.match(seen!, /^phi on gpu\.example: Chat on .* now/);
      const { use } = own;
      assert.deepEqual([!!use.for('chat'), !!use.for('completion'), !!use.server], [chat, completions, kept]);
    });
  }

  it('stops by a command, too, and says so', async () => {
    const own = new FakeServerUse(chosen);
    assert.deepEqual(await run('stopUsingServer', own, []), ['Everything runs on this machine again.']);
    assert.equal(own.use.server, undefined);
  });
});
