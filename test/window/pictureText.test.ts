/** A model that sees no pictures is given their text, which the user can correct. */
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { Renderer, SCREENSHOTS } from '../support/extension/ocr/corpus.ts';
import { scriptedEngine } from '../support/extension/scriptedEngine.ts';
import { ChatPage } from './chatPage.ts';
import { until, VsCode } from './vscode.ts';
import { EditorWindow } from './window.ts';

const DIALOG = SCREENSHOTS.find(({ name }) => /^dialog port: 1x, dark/.test(name))!;
const ERROR = 'Error: listen EADDRINUSE: address already in use 127.0.0.1:9229';

describe('the text of a picture, in a window', () => {
  const engine = scriptedEngine([
    { when: 'EADDRINUSE', answer: 'Another process listens on that port.' },
    { when: '', answer: 'I see nothing.' },
  ]);
  let vscode: VsCode;
  let window: EditorWindow;
  let chat: ChatPage;

  before(async () => {
    vscode = await VsCode.start({ files: { 'price.ts': 'export const price = 1;\n' }, engine });
    await using renderer = await Renderer.start();
    writeFileSync(vscode.path('error.png'), await renderer.draw(DIALOG));
    window = await EditorWindow.open(vscode);
  });

  after(async () => {
    await window?.[Symbol.asyncDispose]();
    await vscode?.[Symbol.asyncDispose]();
    engine.remove();
  });

  const asked = (): string => engine.requests().at(-1)!.messages.at(-1)!.text;

  it('a picture that is attached is a chip with the number of its words', async () => {
    await window.openFile('price.ts', 1, 1);
    await window.command('Airgap: Ask');
    chat = await ChatPage.find(window.page);
    await chat.suggest('@file error', /^error\.png /);
    await chat.press('Enter');
    await chat.awaitChips(/error\.png text, \d\d words \d+ tokens$/);
    await chat.shot('picture-text');
  });

  it("the error's own words are in the prompt, and the answer follows from them", async () => {
    assert.match(await chat.answerTo('What went wrong?'), /Another process listens on that port\./);
    const prompt = asked();
    assert.ok(prompt.includes(`<file name="error.png"`) && prompt.includes(ERROR), prompt);
    assert.match(prompt, /\n\nWhat went wrong\?$/);
  });

  it('what the user corrects counts', async () => {
    await chat.suggest('@file error', /^error\.png /);
    await chat.press('Enter');
    await chat.awaitChips(/error\.png text, \d\d words/);
    await chat
      .locator('.composer')
      .getByRole('button', { name: /^error\.png\./ })
      .click();
    await window.page.waitForSelector('.tab.active[data-resource-name="error.png.txt"]');
    await window.goTo(1, 1);
    await window.type('This is what I saw. ');
    await chat.answerTo('And now?');
    await until(() => asked().includes('This is what I saw. Visual Studio Code'), asked());
  });

  it('the explorer reads a picture into a document, and asks about it', async () => {
    await window.press('Control+Shift+e');
    const before = engine.requests().length;
    await window.page
      .locator('.explorer-folders-view .monaco-list-row[aria-label^="error.png"]')
      .click({ button: 'right' });
    await window.chooseFromMenu('Read the Text of a Picture');
    await window.page.waitForSelector('.tab.active[data-resource-name^="Untitled"]');
    const lines = window.page.locator('.editor-group-container.active .view-lines');
    await until(
      async () => (await lines.innerText()).replaceAll('\u00a0', ' ').includes(ERROR),
      'the text is not shown',
    );
    const notice = await window.notification('This is the text of the picture.');
    await notice.hover();
    await notice.getByRole('button', { name: 'Fix' }).click();
    await until(() => engine.requests().length > before, 'the engine was not asked');
    assert.match(asked(), /EADDRINUSE[^]*Fix the problems of the code above/);
  });
});
