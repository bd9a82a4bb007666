import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import type { AxeResults } from 'axe-core';
import { type ScriptedEngine, scriptedEngine } from '../support/extension/scriptedEngine.ts';
import { ChatPage } from './chatPage.ts';
import { VsCode, until } from './vscode.ts';
import { EditorWindow } from './window.ts';

const THEMES = ['Default Light Modern', 'Default Dark Modern', 'Default High Contrast'];

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

  for (const theme of THEMES) {
    it(`axe-core finds nothing in the page: ${theme}`, async () => {
      vscode.configure({ 'airgap.engine.nodePath': engine.nodePath, 'workbench.colorTheme': theme });
      const kind = theme.includes('High') ? 'high-contrast' : theme.includes('Dark') ? 'dark' : 'light';
      await chat.locator(`body.vscode-${kind}`).waitFor();
      await chat.type('@');
      await chat.locator('#suggestions [role=option]').first().waitFor();
      await chat.shot(`view, ${kind}`);
      const run = (_: unknown, source: string): Promise<AxeResults> => {
        const evaluate = eval;
        evaluate(source);
        // VS Code paints the view's colour behind the page, where axe does not look.
        document.documentElement.style.background = 'var(--vscode-sideBar-background)';
        return (window as unknown as { axe: { run(): Promise<AxeResults> } }).axe.run();
      };
      const source = readFileSync('node_modules/axe-core/axe.min.js', 'utf8');
      let found: string[] = [];
      // The theme's colours for code come a moment after the theme.
      const isClean = async (): Promise<boolean> => {
        const { violations } = await chat.run(run, source);
        found = violations.map(({ id, nodes }) => `${id}: ${nodes.map((node) => node.failureSummary).join(' ')}`);
        return found.length === 0;
      };
      await until(isClean, '', 10_000).catch(() => {});
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
