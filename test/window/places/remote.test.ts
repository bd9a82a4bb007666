import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { OLDEST } from '../../../.ci/codeServer.ts';
import { type ChatServer, startChatServer } from '../../support/extension/chatServer.ts';
import { scriptedEngine } from '../../support/extension/scriptedEngine.ts';
import { ChatPage } from '../chatPage.ts';
import { VsCode, until } from '../vscode.ts';
import { EditorWindow } from '../window.ts';

const SETTINGS = '.vscode/settings.json';
const KEY = 'key-of-the-team';
const TOKEN = 'ghp_abcdefghijABCDEFGHIJ0123456789abcdef';

describe("the team's server, in a window", () => {
  const engine = scriptedEngine([
    { when: 'count', answer: 'One two three four.' },
    { when: '', answer: 'Here.' },
  ]);
  let server: ChatServer;
  /** The one that the folder names. */
  let foreign: ChatServer;
  let vscode: VsCode;
  let window: EditorWindow;
  let chat: ChatPage;

  before(async () => {
    server = await startChatServer(['phi-3-medium', 'phi-3-mini'], (body) =>
      body.includes('count') ? { parts: ['One ', 'two '], ends: false } : { parts: ['On the ', 'server.'], ends: true },
    );
    foreign = await startChatServer(['phi-3-mini'], () => ({ parts: ['Elsewhere.'], ends: true }));
    vscode = await VsCode.start({
      files: {
        'price.ts': 'export const price = 1;\n',
        [SETTINGS]: JSON.stringify({
          'airgap.remote.url': foreign.url,
          'airgap.remote.model': 'phi-3-mini',
          'airgap.remote.use': 'chatAndCompletions',
        }),
      },
      engine,
      machine: { 'airgap.chat.model': '/model' },
    });
    window = await EditorWindow.open(vscode);
    await window.command('Airgap: Ask');
    chat = await ChatPage.find(window.page);
  });
  after(async () => {
    await window?.[Symbol.asyncDispose]();
    await vscode?.[Symbol.asyncDispose]();
    await server?.[Symbol.asyncDispose]();
    await foreign?.[Symbol.asyncDispose]();
    engine.remove();
  });

  const input = () => window.page.locator('.quick-input-widget input').first();
  const line = (text: string) => window.page.locator(`.quick-input-list .monaco-list-row[aria-label*="${text}"]`);
  const fill = async (title: string, text: string): Promise<void> => {
    await window.page.locator('.quick-input-title', { hasText: title }).waitFor();
    await input().fill(text);
    await input().press('Enter');
  };

  it('a trusted workspace cannot choose one', async () => {
    await chat.button('Local only').waitFor();
    assert.match(await chat.answerTo('Where?'), /Here\.$/m);
    assert.deepEqual(foreign.questions, []);
  });

  describe('named by the user', () => {
    before(function () {
      if (process.env.AIRGAP_CODE_SERVER === OLDEST) {
        console.log(`      skipped: code-server ${OLDEST} refuses dialogs to extensions in development`);
        this.skip();
      }
    });

    it('the command tests it, lists its models, and shows what will go there', async () => {
      await window.command('Airgap: Use a Server');
      await fill('Address of the server', server.url);
      await fill(`Key of ${server.host}`, KEY);
      await line('phi-3-medium').click();
      const dialog = window.page.locator('.monaco-dialog-box');
      await dialog.locator(`text=Use phi-3-medium on ${server.host}?`).first().waitFor();
      assert.match(
        await dialog.innerText(),
        /The chat sends your questions[^]*Files that usually contain secrets are never sent/,
      );
      await chat.shot('server, what will be sent');
      await dialog.getByRole('button', { name: 'Use for the Chat', exact: true }).click();
      await chat.button(server.host).waitFor();
    });

    it('the answer comes from there, with the key and without secrets, and the mark says so', async () => {
      assert.match(await chat.answerTo(`Where? My token is ${TOKEN}`), /On the server\.$/m);
      const [{ key, body } = { key: '', body: '' }, ...more] = server.questions;
      assert.deepEqual([key, more], [`Bearer ${KEY}`, []]);
      assert.match(body, /"phi-3-medium"/);
      assert.match(body, /My token is \[hidden: looks like a secret\]/);
      const sent = `Questions and what is attached to them go to ${server.host}. Completions are computed on this machine.\nQuestions and code were sent to ${server.host}.`;
      assert.equal(await chat.button(server.host).getAttribute('title'), sent);
      await window.awaitStatus(/Completions are computed on this machine\./);
      assert.deepEqual(foreign.questions, []);
      const forWorkspace = vscode.workspaceStorage() + readFileSync(vscode.path(SETTINGS), 'utf8');
      assert.ok(!`${vscode.log()}${forWorkspace}`.includes(KEY), 'the key is for nobody else to read');
      assert.ok(!forWorkspace.includes(server.host), 'the address is kept for the workspace');
    });

    it('a server that goes away leaves what it has said, and this machine goes on', async () => {
      await chat.ask('Please count');
      await chat.awaitText(/One two/);
      server.crash();
      await chat.awaitText(/The connection to \S+ broke before the answer was complete\./);
      await chat.shot('server, gone');
      await chat.button('Use the Local Model').click();
      await chat.awaitText(/One two three four\.$/m);
      await chat.button('Local only').waitFor();
    });

    it('one click in the menu of the status bar, and it is forgotten', async () => {
      const menu = () => window.page.locator('.statusbar-item[id^="airgap.airgap."]').first().click();
      await menu();
      await line('Stop using the server').click();
      await until(async () => {
        await menu();
        await line('Local only').waitFor();
        const offered = await line('Use a server').count();
        await window.press('Escape');
        return offered === 1;
      }, 'the server is still there');
    });
  });
});
