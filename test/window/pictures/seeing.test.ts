/** A small model that really sees (test/fixtures/shapes), asked in a window about what is pasted. */
import { resolve } from 'node:path';
import { drawShape, SHAPES_FOLDER } from '../../support/engine/vision/shapes.ts';
import { ChatPage } from '../chatPage.ts';
import { DESKTOP, VsCode } from '../vscode.ts';
import { EditorWindow } from '../window.ts';

describe('a model that sees, in a window', () => {
  let vscode: VsCode;
  let window: EditorWindow;

  before(async function () {
    if (DESKTOP) {
      console.log('    skipped: the clipboard of a desktop belongs to its user');
      return this.skip();
    }
    vscode = await VsCode.start({
      files: { 'price.ts': 'export const price = 1;\n' },
      machine: { 'airgap.chat.model': resolve(SHAPES_FOLDER) },
      settings: { 'airgap.chat.temperature': 0 },
    });
    window = await EditorWindow.open(vscode);
    await window.page.context().grantPermissions(['clipboard-read', 'clipboard-write']);
  });
  after(async () => {
    await window?.[Symbol.asyncDispose]();
    await vscode?.[Symbol.asyncDispose]();
  });

  for (const { colour, place } of [
    { colour: 'red', place: 'left' },
    { colour: 'green', place: 'top' },
  ] as const) {
    it(`names the colour and the place of a ${colour} square, ${place}, and answers a further question`, async () => {
      await window.command('Airgap: New Chat');
      const chat = await ChatPage.find(window.page);
      const png = drawShape({ width: 600, height: 600, shape: 'square', colour, place });
      await window.page.evaluate(
        async (bytes) => {
          const blob = new Blob([new Uint8Array(bytes)], { type: 'image/png' });
          await navigator.clipboard.write([new ClipboardItem({ 'image/png': blob })]);
        },
        [...png],
      );
      await chat.composer.click();
      await window.press('Control+v');
      await chat.locator('.composer .thumbnail').waitFor();
      await chat.ask('What colour is the shape?');
      await chat.awaitText(new RegExp(`What colour is the shape\\?[^]*Airgap\\s+${colour}\\s`));
      await chat.finished();
      await chat.ask('Where is it?');
      await chat.awaitText(new RegExp(`Where is it\\?[^]*Airgap\\s+${place}\\s`));
      await chat.shot(`seeing, ${colour}`);
    });
  }
});
