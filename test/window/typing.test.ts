import assert from 'node:assert/strict';
import { setTimeout as delay } from 'node:timers/promises';
import { parrotModel } from '../support/engine/parrotModel.ts';
import { until, VsCode } from './vscode.ts';
import { EditorWindow } from './window.ts';

/** Long enough for a key that follows Enter. */
const NEW_LINE_DELAY_MS = 3000;

const FILES = {
  'indent.py': 'def add(flowers, new_plant):\n    pass',
  'widget.py': 'append = 1\napple = 2\n\n',
  'cursors.ts': 'let a;\n\nlet b;\n\nlet c;\n\n',
  'ime.py': '# \n\n',
  'emmet.html': '\n',
};

/** Other things that keys do while grey text is there, or could be. */
describe('keys beside ghost text', () => {
  const model = parrotModel(['const amount = price * weight;', 'flowers.append(new_plant)']);
  let vscode: VsCode;
  let window: EditorWindow;

  before(async () => {
    vscode = await VsCode.start({
      files: FILES,
      machine: { 'airgap.completion.model': model.path },
      settings: { 'airgap.completion.newLineDelayMs': NEW_LINE_DELAY_MS, 'emmet.triggerExpansionOnTab': true },
    });
    window = await EditorWindow.open(vscode);
    await window.openFile('widget.py', 3, 1);
    await window.awaitStatus(/Ready\. Model/);
  });
  after(async () => {
    await window?.[Symbol.asyncDispose]();
    await vscode?.[Symbol.asyncDispose]();
    model.remove();
  });

  it('an entry of the suggest widget that the grey text does not continue hides it', async () => {
    await window.type('flowers.app');
    await window.awaitGhostText('end(new_plant)');
    await window.press('Control+Space');
    const focused = window.page.locator('.suggest-widget .monaco-list-row.focused');
    await focused.filter({ hasText: 'append' }).waitFor();
    await window.awaitGhostText('end(new_plant)');
    await window.press('ArrowDown');
    await focused.filter({ hasText: 'apple' }).waitFor();
    await until(async () => !(await window.ghostText()).includes('end'), 'the grey text stayed');
    assert.doesNotMatch(await window.ghostText(), /new_plant/);
    await window.press('Escape');
    await window.press('Escape');
  });

  it('Tab right after Enter indents, since nothing appears in leading white space until a pause', async () => {
    await window.openFile('indent.py', 2, 9);
    const asked = vscode.answers().length;
    await window.press('Enter');
    await delay(NEW_LINE_DELAY_MS / 4);
    assert.equal(vscode.answers().length, asked);
    await window.press('Tab');
    await until(() => vscode.answers().length > asked, 'the model was not asked after the pause');
    assert.equal(await window.savedText('indent.py'), `${FILES['indent.py']}\n        `);
  });

  it('at several cursors, Tab inserts at each of them, and one undo takes it back', async () => {
    await window.openFile('cursors.ts', 2, 1);
    const lines = window.page.locator('.view-line');
    for (const line of [3, 5]) await lines.nth(line).click({ modifiers: ['Alt'], position: { x: 2, y: 5 } });
    await window.type('const amo');
    await window.awaitGhostText('unt = price * weight;'.repeat(3));
    await window.press('Tab');
    const text = (line: string): string => `let a;\n${line}\nlet b;\n${line}\nlet c;\n${line}\n`;
    assert.equal(await window.savedText('cursors.ts'), text('const amount = price * weight;'));
    await window.press('Control+Z');
    assert.equal(await window.savedText('cursors.ts'), text('const amo'));
  });

  it('what an input method composes is inserted as it is', async () => {
    await window.openFile('ime.py', 1, 3);
    const session = await window.page.context().newCDPSession(window.page);
    await session.send('Input.imeSetComposition', { text: 'ni', selectionStart: 2, selectionEnd: 2 });
    await session.send('Input.imeSetComposition', { text: 'nihao', selectionStart: 5, selectionEnd: 5 });
    await session.send('Input.insertText', { text: '你好' });
    await window.goTo(2, 1);
    await window.type('flowers.app');
    await window.awaitGhostText('end(new_plant)');
    await window.press('Tab');
    assert.equal(await window.savedText('ime.py'), '# 你好\nflowers.append(new_plant)\n');
  });

  it('Tab expands an abbreviation of Emmet where there is no grey text', async () => {
    await window.openFile('emmet.html', 1, 1);
    await window.type('span');
    await window.press('Escape');
    await window.press('Tab');
    await window.awaitEditorText(/<span><\/span>/);
  });
});
