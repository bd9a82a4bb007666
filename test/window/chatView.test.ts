import assert from 'node:assert/strict';
import { type ScriptedEngine, scriptedEngine } from '../support/extension/scriptedEngine.ts';
import { axeFindings, THEMES } from './axe.ts';
import { ChatPage } from './chatPage.ts';
import { VsCode } from './vscode.ts';
import { EditorWindow } from './window.ts';

describe('the chat as a view of VS Code', () => {
  let engine: ScriptedEngine;
  let vscode: VsCode;
  let window: EditorWindow;
  let chat: ChatPage;

  before(async () => {
    engine = scriptedEngine([{ when: '', answer: '## So\n\n1. one\n\n```ts price.ts\nconst price = 2;\n```\n' }]);
    vscode = await VsCode.start({ files: { 'price.ts': 'export const price = 1;\n' }, engine });
    window = await EditorWindow.open(vscode);
    await window.openFile('price.ts', 1, 1);
    await window.command('Airgap: Ask');
    chat = await ChatPage.find(window.page);
    await chat.answerTo('What is this?');
  });
  after(async () => {
    await window?.[Symbol.asyncDispose]();
    await vscode?.[Symbol.asyncDispose]();
    engine?.remove();
  });

  for (const [kind, theme] of Object.entries(THEMES)) {
    it(`axe-core finds nothing in the page: ${theme}`, async () => {
      vscode.configure({ 'airgap.engine.nodePath': engine.nodePath, 'workbench.colorTheme': theme });
      await chat.locator(`body.vscode-${kind}`).waitFor();
      await chat.type('@');
      await chat.locator('#suggestions [role=option]').first().waitFor();
      await chat.shot(`view, ${kind}`);
      const found = await axeFindings(chat);
      await chat.clear();
      assert.deepEqual(found, []);
    });
  }

  it('moved to the secondary side bar it shows the same conversation, and goes on', async () => {
    await window.command('View: Move View');
    const rows = window.page.locator('.quick-input-list .monaco-list-row');
    await rows.filter({ hasText: /^Chat/ }).first().click();
    await window.page.locator('.quick-input-list .monaco-list-row[aria-label*="Secondary Side Bar"]').first().click();
    await window.page.locator('.part.auxiliarybar [aria-label*="Airgap"]').first().waitFor();
    chat = await ChatPage.find(window.page);
    assert.match(await chat.answerTo('And now?'), /What is this\?[^]*And now\?/);
    await chat.shot('view, secondary side bar');
  });
});
