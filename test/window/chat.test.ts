import assert from 'node:assert/strict';
import { type ScriptedEngine, scriptedEngine, type ScriptRule } from '../support/extension/scriptedEngine.ts';
import { ChatPage } from './chatPage.ts';
import { VsCode, until } from './vscode.ts';
import { EditorWindow } from './window.ts';

const WORDS = Array.from({ length: 200 }, (_, i) => `word${i}`).join(' ');
const RULES: ScriptRule[] = [
  { when: 'crash\\?$', answer: WORDS, chunk: 20, delayMs: 20, crash: 10 },
  { when: 'slowly\\?$', answer: WORDS, chunk: 10, delayMs: 50 },
  { when: 'code\\?$', answer: 'So:\n\n```ts price.ts\nexport const price = 2;\n```\n' },
  { when: 'again\\?$', answer: 'The first answer.' },
  { when: '', answer: 'An answer.' },
];
const FILES = { 'price.ts': 'export const price = 1;\n', 'other.ts': 'export const other = 1;\n' };

describe('chat in a window', () => {
  let engine: ScriptedEngine;
  let vscode: VsCode;
  let window: EditorWindow;
  let chat: ChatPage;

  before(async () => {
    engine = scriptedEngine(RULES);
    vscode = await VsCode.start({ files: FILES });
    vscode.configure({ 'airgap.engine.nodePath': engine.nodePath, 'airgap.completion.model': '/models/scripted' });
    window = await EditorWindow.open(vscode);
  });
  beforeEach(async () => {
    engine.answer(RULES);
    await window.command('Airgap: New Chat');
    chat = await ChatPage.find(window.page);
    await until(async () => (await chat.texts.count()) === 0, 'the new conversation is not empty');
  });
  after(async () => {
    await window?.[Symbol.asyncDispose]();
    await vscode?.[Symbol.asyncDispose]();
    engine?.remove();
  });

  it('a question about the open file streams its answer, with context, sources and figures', async () => {
    await window.press('Control+Shift+e');
    await window.openFile('price.ts', 1, 1);
    await window.command('Airgap: New Chat');
    chat = await ChatPage.find(window.page);
    await chat.awaitChips(/^price\.ts \d+ tokens$/);
    const said = await chat.answerTo('Which code?');
    assert.match(said, /So:[^]*export const price = 2;[^]*Used 1 source[^]*\d+ prompt tokens \(\d+ cached\)/);
    assert.equal(await chat.title.innerText(), 'Which code?');
    const [system, question] = engine.requests().at(-1)!.messages;
    assert.equal(system!.role, 'system');
    assert.equal(
      question!.text,
      '<file name="price.ts" lines="1-2">\nexport const price = 1;\n\n</file>\n\nWhich code?',
    );
    await chat.shot('chat, answer');
  });

  it('Stop stops, Continue goes on from there', async () => {
    await chat.ask('Count slowly?');
    await chat.awaitText(/word3/);
    await chat.button('Stop').click();
    await chat.awaitText(/Stopped\./);
    const stopped = (await chat.texts.last().innerText()).trim();
    assert.ok(stopped.length < WORDS.length && WORDS.startsWith(stopped), stopped);
    await chat.shot('chat, stopped');
    engine.answer([{ when: '', answer: WORDS, chunk: 100 }]);
    await chat.button('Continue').click();
    await chat.awaitText(/word199/);
    await chat.finished();
    assert.equal((await chat.texts.last().innerText()).trim(), WORDS);
  });

  it('Regenerate answer gives another answer to the same prompt', async () => {
    await chat.answerTo('And again?');
    engine.answer([{ when: '', answer: 'The second answer.' }]);
    await chat.button('Regenerate answer').click();
    await chat.awaitText(/The second answer\./);
    assert.doesNotMatch(await chat.said(), /The first answer/);
    const [first, second] = engine.requests().slice(-2);
    assert.deepEqual(second!.messages, first!.messages);
    assert.equal(first!.sampling!.leastTemperature, undefined);
    assert.ok(second!.sampling!.leastTemperature! >= 0.7);
    await chat.shot('chat, answered again');
  });

  it('an earlier question is edited and sent again; what followed goes', async () => {
    await chat.answerTo('One?');
    await chat.answerTo('Two?');
    await chat.button('Edit and resend').first().click();
    const editor = chat.locator('.editor textarea');
    await editor.fill('Three?');
    await chat.shot('chat, editing');
    await editor.press('Enter');
    await chat.awaitText(/Three\?[^]*An answer\./);
    await chat.finished();
    assert.deepEqual(await chat.texts.allInnerTexts(), ['Three?', 'An answer.']);
    assert.equal(
      engine
        .requests()
        .at(-1)!
        .messages.filter(({ role }) => role === 'user').length,
      1,
    );
  });

  it('conversations are listed, searched, renamed, and there after a reload', async () => {
    await chat.answerTo('About feathers?');
    await window.command('Airgap: New Chat');
    await until(async () => (await chat.texts.count()) === 0, 'the new conversation is not empty');
    await chat.answerTo('About scales?');
    await chat.button('Show chats').click();
    await chat.locator('.conversation').nth(1).waitFor();
    await chat.locator('input[type=search]').fill('feath');
    await until(async () => (await chat.locator('.conversation').count()) === 1, 'the search finds something else');
    await chat.button('Rename About feathers?').click();
    await chat.locator('input[aria-label^="New title"]').fill('Birds');
    await chat.locator('input[aria-label^="New title"]').press('Enter');
    await chat.button(/^Birds/).waitFor();
    await chat.shot('chat, conversations');
    await chat.button(/^Birds/).click();
    await chat.awaitText(/About feathers\?[^]*An answer\./);
    await reload();
    await chat.awaitText(/About feathers\?[^]*An answer\./);
    assert.equal(await chat.title.innerText(), 'Birds');
    await chat.shot('chat, after a reload');
  });

  it('a reload in the middle of an answer loses nothing but its rest', async () => {
    await chat.answerTo('One?');
    await chat.ask('Count slowly?');
    await chat.awaitText(/word30/);
    await reload();
    await chat.awaitText(/One\?[^]*An answer\.[^]*Count slowly\?[^]*word3[^]*Stopped\./);
    await chat.shot('chat, reloaded in the middle');
    await chat.button('Continue').click();
    await chat.awaitText(/word199/);
  });

  it('an engine that dies says so in one sentence, with a Restart button; then the answer goes on', async () => {
    await chat.ask('Will it crash?');
    await chat.awaitText(/The engine process ended\./);
    await chat.button('Restart').waitFor();
    assert.match(await chat.said(), /word1[^]*The engine process ended\./);
    engine.answer([{ when: '', answer: WORDS, chunk: 100 }]);
    // Half a second after its end the engine restarts by itself, and a slow machine finds nothing to click any more.
    await chat
      .button('Restart')
      .click({ timeout: 2000 })
      .catch(() => {});
    await until(async () => (await vscode.engines()).length === 1, 'no engine was started');
    await chat.button('Restart').waitFor({ state: 'detached' });
    await chat.button('Continue').click();
    await chat.awaitText(/word199/);
    assert.doesNotMatch(await chat.said(), /process ended/);
  });

  it('a tab shows the same conversation as the view, and both follow', async () => {
    await chat.answerTo('In the side bar?');
    await window.command('Airgap: Open Chat in an Editor Tab');
    await until(async () => (await window.page.locator('iframe.webview').count()) === 2, 'there is no second page');
    const tab = await ChatPage.find(window.page, 1);
    await tab.awaitText(/In the side bar\?/);
    await tab.answerTo('In the tab?');
    await chat.awaitText(/In the tab\?[^]*An answer\./);
    await tab.shot('chat, editor tab');
    // In a browser VS Code writes down every five seconds what is open.
    await window.page.waitForTimeout(6000);
    await reload();
    await until(async () => (await window.page.locator('iframe.webview').count()) === 2, 'the tab is gone');
    for (const index of [0, 1]) await (await ChatPage.find(window.page, index)).awaitText(/In the tab\?/);
  });

  /** The window again, with the page that the side bar shows. */
  async function reload(): Promise<void> {
    await window.page.reload();
    await window.page.waitForSelector('.monaco-workbench .statusbar-item', { timeout: 90_000 });
    chat = await ChatPage.find(window.page);
  }
});
