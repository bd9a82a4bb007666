/** Pictures in the chat of a window, for a model that sees them. */
import assert from 'node:assert/strict';
import { existsSync, readFileSync, truncateSync, writeFileSync } from 'node:fs';
import { decode } from 'fast-png';
import { OLDEST } from '../../../.ci/codeServer.ts';
import { plainPng } from '../../support/pictureFiles.ts';
import { scriptedEngine } from '../../support/extension/scriptedEngine.ts';
import { axeFindings, THEMES } from '../axe.ts';
import { ChatPage } from '../chatPage.ts';
import { DESKTOP, until, VsCode } from '../vscode.ts';
import { EditorWindow } from '../window.ts';

describe('pictures in a window', () => {
  const engine = scriptedEngine([
    { when: 'colour', answer: 'It is red, and it is everywhere in the picture.', chunk: 5, delayMs: 20 },
    { when: '', answer: 'I see.' },
  ]);
  const settings = { 'airgap.engine.nodePath': engine.nodePath, 'airgap.completion.model': '/models/seeing' };
  let vscode: VsCode;
  let window: EditorWindow;
  let chat: ChatPage;

  before(async function () {
    if (DESKTOP) {
      console.log('    skipped: the clipboard of a desktop belongs to its user');
      return this.skip();
    }
    vscode = await VsCode.start({ files: { 'price.ts': 'export const price = 1;\n' } });
    vscode.configure(settings);
    writeFileSync(vscode.path('blue.png'), plainPng(30, 20, [0, 0, 255]));
    writeFileSync(vscode.path('big.png'), '');
    window = await EditorWindow.open(vscode);
    await window.openFile('price.ts', 1, 1);
    await window.command('Airgap: New Chat');
    chat = await ChatPage.find(window.page);
    await chat.removeChip('price.ts');
  });
  after(async () => {
    await window?.[Symbol.asyncDispose]();
    await vscode?.[Symbol.asyncDispose]();
    engine.remove();
  });

  /** What the model was shown with the last question: width, height and first pixel of each picture. */
  const shown = (): string[] =>
    engine
      .requests()
      .at(-1)!
      .messages.at(-1)!
      .images.map(({ file, mostCrops }) => {
        const { width, height, data } = decode(readFileSync(file));
        return `${width}x${height} ${[...data.slice(0, 3)]}${mostCrops ? `, ${mostCrops} crops` : ''}`;
      });

  const lastQuestion = (): string => engine.requests().at(-1)!.messages.at(-1)!.text;

  /** Drops files as from the desktop. */
  const drop = (files: Record<string, Buffer>): Promise<void> =>
    chat.run(
      (_, source) => {
        const dataTransfer = new DataTransfer();
        for (const [name, bytes] of Object.entries(JSON.parse(source) as Record<string, number[]>)) {
          dataTransfer.items.add(new File([new Uint8Array(bytes)], name));
        }
        document.querySelector('main')!.dispatchEvent(new DragEvent('drop', { dataTransfer, bubbles: true }));
      },
      JSON.stringify(Object.fromEntries(Object.entries(files).map(([name, bytes]) => [name, [...bytes]]))),
    );

  it('one from the clipboard is shown, asked about in less detail, and answered', async () => {
    await window.page.context().grantPermissions(['clipboard-read', 'clipboard-write']);
    await window.page.evaluate(
      async (bytes) => {
        const blob = new Blob([new Uint8Array(bytes)], { type: 'image/png' });
        await navigator.clipboard.write([new ClipboardItem({ 'image/png': blob })]);
      },
      [...plainPng(40, 20, [200, 0, 0])],
    );
    await chat.composer.click();
    await window.press('Control+v');
    await chat.locator('.composer .thumbnail img').waitFor();
    const detail = chat.locator('.composer .picture-costs');
    await detail.waitFor();
    await until(
      () => chat.locator('.composer .thumbnail img').evaluate((image: HTMLImageElement) => image.naturalWidth === 40),
      'the thumbnail is not drawn',
    );
    assert.match(await detail.innerText(), /1,921 tokens, about 3 min\s+757 tokens, about 41 s/);
    await chat.shot('pictures, pasted');
    await detail.selectOption('4');
    await chat.ask('Which colour is it?');
    await chat.awaitText(/It is r/);
    assert.match(await chat.finished(), /It is red, and it is everywhere in the picture\./);
    assert.deepEqual(shown(), ['40x20 200,0,0, 4 crops']);
    await chat.answerTo('And now?');
    const [first] = engine
      .requests()
      .at(-1)!
      .messages.filter(({ role }) => role === 'user');
    assert.equal(first!.images.length, 1, 'the earlier question still has its picture');
  });

  it('two are dropped, one is removed, and the other is sent', async () => {
    await drop({ 'green.png': plainPng(10, 10, [0, 255, 0]), 'grey.png': plainPng(20, 10, [9, 9, 9]) });
    await chat.awaitChips(/green\.png, 10 × 10 pixels 1,921[^]*grey\.png, 20 × 10 pixels 1,921/);
    await chat.removeChip('green.png');
    await chat.awaitChips(/^grey\.png/);
    await chat.answerTo('Which is it?');
    assert.deepEqual(shown(), ['20x10 9,9,9']);
  });

  it('what is no picture gets a sentence', async () => {
    const png = plainPng(100, 100);
    for (const [name, bytes, sentence] of [
      ['half.png', png.subarray(0, 50), 'half.png is damaged and cannot be shown.'],
      ['drawing.png', Buffer.from('<svg/>'), 'drawing.png is a drawing or a text, not a picture of pixels.'],
      ['film.png', Buffer.from('nothing'), 'film.png is not a picture that can be shown'],
    ] as const) {
      await drop({ [name]: bytes });
      await chat.locator('.notice').filter({ hasText: sentence }).waitFor();
    }
    await chat.shot('pictures, refused');
    await chat.button('Dismiss').click();
    assert.equal(await chat.chips(), '');
  });

  for (const [kind, theme] of Object.entries(THEMES)) {
    it(`axe-core finds nothing: ${theme}`, async () => {
      vscode.configure({ ...settings, 'workbench.colorTheme': theme });
      await chat.locator(`body.vscode-${kind}`).waitFor();
      if ((await chat.chips()) === '') await drop({ 'green.png': plainPng(10, 10, [0, 255, 0]) });
      await chat.awaitChips(/green\.png, 10 × 10 pixels 1,921/);
      assert.deepEqual(await axeFindings(chat), []);
      await chat.button(/^Enlarge green\.png/).click();
      assert.deepEqual(await axeFindings(chat), []);
      await chat.shot(`pictures, ${kind}`);
      await window.press('Escape');
      await chat.locator('dialog').waitFor({ state: 'detached' });
    });
  }

  it('the explorer explains one, and another chat is asked with it after a reload', async () => {
    await chat.removeChip('green.png');
    await window.press('Control+Shift+e');
    const row = window.page.locator('.explorer-folders-view .monaco-list-row[aria-label^="blue.png"]');
    await row.click({ button: 'right' });
    await window.chooseFromMenu('Explain Image');
    await chat.awaitText(/Explain this picture\.[^]*I see\./);
    await chat.finished();
    assert.deepEqual(shown(), ['30x20 0,0,255']);
    await window.page.reload();
    await window.page.waitForSelector('.monaco-workbench .statusbar-item', { timeout: 90_000 });
    chat = await ChatPage.find(window.page);
    await until(
      () =>
        chat
          .locator('.message .thumbnail img')
          .last()
          .evaluate((image: HTMLImageElement) => (image.scrollIntoView(), image.naturalWidth === 30)),
      'the picture is not drawn after a reload',
    );
    await chat.shot('pictures, after a reload');
    await chat.answerTo('And after the reload?');
    const images = engine
      .requests()
      .at(-1)!
      .messages.flatMap((message) => message.images);
    assert.equal(images.length, 3);
  });

  it('files of another editor and of the explorer are dropped with Shift', async () => {
    await window.press('Control+Shift+e');
    // Explorer, picture and chat are visible at once.
    await window.command('Airgap: Open Chat in an Editor Tab');
    chat = await ChatPage.find(window.page);
    await window.command('View: Move Editor into Right Group');
    await window.page.locator('.tab[data-resource-name="price.ts"]').click();
    const row = window.page.locator('.explorer-folders-view .monaco-list-row[aria-label^="blue.png"]');
    await row.dblclick();
    const tab = window.page.locator('.tab[data-resource-name="blue.png"]');
    for (const from of [tab, row]) {
      const start = (await from.boundingBox())!;
      const end = (await chat.composer.boundingBox())!;
      const { mouse, keyboard } = window.page;
      await mouse.move(start.x + 40, start.y + 10);
      await mouse.down();
      await mouse.move(start.x + 60, start.y + 20, { steps: 3 });
      await keyboard.down('Shift');
      await mouse.move(end.x + end.width / 2, end.y + end.height / 2, { steps: 5 });
      await chat.locator('.drop-hint').waitFor();
      await chat.shot('pictures, dragged');
      await mouse.up();
      await keyboard.up('Shift');
      await chat.awaitChips(/blue\.png, 30 × 20 pixels/);
      if (from === row) continue;
      await chat.removeChip('blue.png');
      await tab.click();
      await window.command('View: Close Editor');
    }
  });

  it('its menu explains it, reads its text, and turns it into code: by mouse and by keyboard', async () => {
    const thumbnail = chat.locator('.composer .thumbnail');
    await thumbnail.click({ button: 'right' });
    await chat.shot('pictures, menu');
    await window.chooseFromMenu('Explain Image');
    await until(() => lastQuestion() === 'Explain this picture.', 'the picture was not explained');
    assert.deepEqual(shown(), ['30x20 0,0,255']);
    await chat.finished();
    const sent = chat.locator('.message .thumbnail').last();
    for (const [title, seen] of [
      ['Screenshot to Code', '.quick-input-list .monaco-list-row[aria-label^="HTML and CSS"]'],
      ['Read the Text of a Picture', '[id="status.notifications"]'],
    ] as const) {
      const entry = window.page.locator('.monaco-menu .action-label', { hasText: title });
      // What has just been closed may still take the key.
      const opened = async (): Promise<boolean> => {
        await sent.focus();
        await window.press('Shift+F10');
        return entry.waitFor({ timeout: 5000 }).then(
          () => true,
          () => false,
        );
      };
      await until(opened, 'the menu does not open');
      await window.chooseFromMenu(title);
      await window.page.locator(seen).waitFor();
      await window.press('Escape');
    }
    await window.notification('The picture shows no text that can be read.');
    await window.command('Notifications: Clear All Notifications');
  });

  it('a file dialog adds one', async () => {
    await chat.button('Add a picture').click();
    await window.acceptFileDialog(vscode.path('blue.png'));
    await chat.locator('.composer .thumbnail').waitFor();
    await chat.removeChip('blue.png');
  });

  it('@image finds one in the project', async function () {
    if (process.env.AIRGAP_CODE_SERVER === OLDEST) {
      console.log(`    skipped: code-server ${OLDEST} comes without ripgrep, which finds the project's files`);
      return this.skip();
    }
    await chat.suggest('@image blue', /^blue\.png/);
    await chat.press('Enter');
    await chat.awaitChips(/blue\.png, 30 × 20 pixels/);
    await chat.removeChip('blue.png');
  });

  it('a file that is too large gets a sentence', async () => {
    truncateSync(vscode.path('big.png'), 200 * 2 ** 20);
    await window.press('Control+Shift+e');
    await window.page
      .locator('.explorer-folders-view .monaco-list-row[aria-label^="big.png"]')
      .click({ button: 'right' });
    await window.chooseFromMenu('Explain Image');
    await window.notification('big.png is larger than 64 MB, which is too large for a picture.');
  });

  it('the button of the image preview explains it', async () => {
    await window.press('Control+Shift+e');
    await window.page.locator('.explorer-folders-view .monaco-list-row[aria-label^="blue.png"]').dblclick();
    const before = engine.requests().length;
    // A toolbar ignores clicks that come too soon after it has been made.
    const asked = async (): Promise<boolean> => {
      await window.page.locator('.editor-actions .action-label[aria-label*="Explain Image"]').click();
      const more = () => engine.requests().length > before;
      return until(more, '', 10_000).then(
        () => true,
        () => false,
      );
    };
    await until(asked, 'the picture was not explained', 60_000);
    assert.deepEqual(shown(), ['30x20 0,0,255']);
  });

  it('an exported chat takes its pictures along', async () => {
    await window.command('Airgap: Export Chat');
    await window.acceptFileDialog();
    const file = vscode.path('Which colour is it.md');
    await until(() => existsSync(file), 'nothing was exported');
    const [, path] = /!\[blue\.png\]\((pictures\/blue-\w{8}\.png)\)/.exec(readFileSync(file, 'utf8'))!;
    await until(() => existsSync(vscode.path(path!)), 'the picture was not exported');
    assert.equal(decode(readFileSync(vscode.path(path!))).width, 30);
  });
});
