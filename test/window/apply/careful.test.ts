import assert from 'node:assert/strict';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { OLDEST } from '../../../.ci/codeServer.ts';
import { scriptedEngine } from '../../support/extension/scriptedEngine.ts';
import { askForCode, pressCodeButton } from '../chatFrame.ts';
import { ChatPage } from '../chatPage.ts';
import { VsCode } from '../vscode.ts';
import { EditorWindow } from '../window.ts';

const SHOTS = 'dist/shots';
const PRICE = 'function price(weight) {\n  return weight * 2;\n}\n';
const HOOK = 'function hook() {\n  return 1;\n}\n';
/** The byte A9 is a copyright sign in Windows-1252, and the byte 80 a euro sign; neither is a character in UTF-8. */
const STYLE = Buffer.concat([
  Buffer.from([0x2f, 0x2a, 0xa9, 0x20, 0x80, 0x2a, 0x2f, 0x0d, 0x0a]),
  Buffer.from(Array.from({ length: 60 }, (_, i) => `.a${i} { top: ${i}px; }\r\n`).join('')),
  Buffer.from('.price {\r\n  color: red;\r\n}\r\n'),
]);
const fence = (info: string, code: string): string => `\`\`\`${info}\n${code}\n\`\`\`\n`;

describe('applying a code block where care is needed, in a window', () => {
  const engine = scriptedEngine([
    { when: 'change the price$', answer: fence('js price.js', 'function price(weight) {\n  return weight * 3;\n}') },
    { when: 'change the style$', answer: fence('css style.css', '.price {\n  color: blue;\n}') },
    { when: 'change the hook$', answer: fence('js .vscode/hook.js', 'function hook() {\n  return 2;\n}') },
    { when: '', answer: 'Now.' },
  ]);
  let vscode: VsCode;
  let window: EditorWindow;

  before(async () => {
    mkdirSync(SHOTS, { recursive: true });
    vscode = await VsCode.start({
      files: { 'one/price.js': PRICE, 'two/price.js': PRICE, 'one/.vscode/hook.js': HOOK, 'two/style.css': '' },
      roots: ['one', 'two'],
      engine,
      machine: { 'airgap.chat.model': '/model' },
      settings: { '[css]': { 'files.encoding': 'windows1252' } },
    });
    writeFileSync(vscode.path('two/style.css'), STYLE);
    window = await EditorWindow.open(vscode);
  });
  after(async () => {
    await window?.[Symbol.asyncDispose]();
    await vscode?.[Symbol.asyncDispose]();
    engine.remove();
  });

  const propose = async (question: string) => {
    await pressCodeButton(await askForCode(window, question), 'Apply to file');
  };
  const diffShown = () => window.page.waitForSelector('.monaco-diff-editor .line-insert');
  const pressApply = () =>
    window.page.locator('.editor-actions .action-label[aria-label^="Apply Proposed Changes"]').click();
  const applied = async (path: string): Promise<Buffer> => {
    await window.page.waitForSelector('.monaco-diff-editor', { state: 'detached' });
    await window.page.waitForSelector(`.tab.active.dirty[data-resource-name="${path.split('/').at(-1)}"]`);
    await window.savedText(path);
    return readFileSync(vscode.path(path));
  };

  it('a path that two roots have is asked; only the chosen file changes', async () => {
    await propose('change the price');
    const rows = window.page.locator('.quick-input-list .monaco-list-row');
    await rows.nth(1).waitFor();
    await window.page.screenshot({ path: `${SHOTS}/apply-which-root.png` });
    await rows.filter({ hasText: 'two' }).first().click();
    await diffShown();
    await pressApply();
    assert.equal((await applied('two/price.js')).toString(), PRICE.replace('2', '3'));
    assert.equal(readFileSync(vscode.path('one/price.js'), 'utf8'), PRICE);
  });

  it('a file in Windows-1252 stays as it is, byte by byte, but for the change', async () => {
    await propose('change the style');
    await diffShown();
    await pressApply();
    const expected = Buffer.from(STYLE.toString('latin1').replace('red', 'blue'), 'latin1');
    assert.deepEqual(await applied('two/style.css'), expected);
  });

  it('a file that VS Code obeys takes one more question, which says why', async function () {
    if (process.env.AIRGAP_CODE_SERVER === OLDEST) {
      console.log(`      skipped: code-server ${OLDEST} refuses dialogs to extensions in development`);
      this.skip();
    }
    const dialog = window.page.locator('.monaco-dialog-box');
    await propose('change the hook');
    await diffShown();
    await pressApply();
    await dialog.getByText('VS Code may run commands from this file without asking.').waitFor();
    await window.page.screenshot({ path: `${SHOTS}/apply-runs-by-itself.png` });
    await dialog.getByRole('button', { name: 'Cancel' }).click();
    assert.equal(readFileSync(vscode.path('one/.vscode/hook.js'), 'utf8'), HOOK);
    await pressApply();
    await dialog.getByRole('button', { name: 'Change it' }).click();
    assert.equal((await applied('one/.vscode/hook.js')).toString(), HOOK.replace('1', '2'));
  });

  it('the instructions of each root go along, named by their folder', async () => {
    writeFileSync(vscode.path('one/AGENTS.md'), 'Answer in Latin.\n');
    mkdirSync(vscode.path('two/.github'));
    writeFileSync(vscode.path('two/.github/copilot-instructions.md'), 'Answer in Greek.\n');
    await window.command('Airgap: New Chat');
    const chat = await ChatPage.find(window.page);
    await chat.awaitChips(/one\/AGENTS\.md.*two\/\.github\/copilot-instructions\.md/);
    await chat.answerTo('What now?');
    const { text } = engine.requests().at(-1)!.messages.at(-1)!;
    assert.match(text, /<file name="one\/AGENTS\.md"[^>]*>\nAnswer in Latin\./);
    assert.match(text, /<file name="two\/\.github\/copilot-instructions\.md"[^>]*>\nAnswer in Greek\./);
  });
});
