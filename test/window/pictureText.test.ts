/** A model that sees no pictures is given their text, which the user can correct. */
import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';
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
    // Tesseract's own data, under a name that does not come along.
    const data = readFileSync('node_modules/@tesseract.js-data/eng/4.0.0_best_int/eng.traineddata.gz');
    writeFileSync(vscode.path('screen.traineddata'), gunzipSync(data));
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

  /** Has the explorer read the picture into a document, and clicks a button of the notification behind it. */
  const read = async (button: 'Ask' | 'Fix'): Promise<void> => {
    await window.press('Control+Shift+e');
    const untitled = window.page.locator('.tab[data-resource-name^="Untitled"]');
    const documents = await untitled.count();
    await window.page
      .locator('.explorer-folders-view .monaco-list-row[aria-label^="error.png"]')
      .click({ button: 'right' });
    await window.chooseFromMenu('Read the Text of a Picture');
    await untitled.nth(documents).waitFor();
    const lines = window.page.locator('.editor-group-container.active .view-lines');
    await until(
      async () => (await lines.innerText()).replaceAll('\u00a0', ' ').includes(ERROR),
      'the text is not shown',
    );
    const notice = await window.notification('This is the text of the picture.');
    await notice.hover();
    await notice.getByRole('button', { name: button }).click();
    await notice.waitFor({ state: 'detached' });
  };

  it('the explorer reads a picture into a document, and fixes what it says', async () => {
    const before = engine.requests().length;
    await read('Fix');
    await until(() => engine.requests().length > before, 'the engine was not asked');
    assert.match(asked(), /EADDRINUSE[^]*Fix the problems of the code above/);
  });

  it('by a language of a folder of the user, and asks about it what the user then types', async () => {
    const folder = { 'airgap.pictures.languageFolder': vscode.path('.') };
    vscode.configure({ ...folder, 'airgap.pictures.languages': ['screen'] });
    const before = engine.requests().length;
    await read('Ask');
    chat = await ChatPage.find(window.page);
    await chat.awaitChips(/Untitled-2/);
    assert.equal(engine.requests().length, before, 'it was asked before the user did');
    await chat.answerTo('What is this?');
    assert.match(asked(), /EADDRINUSE[^]*\n\nWhat is this\?$/);
  });
});
