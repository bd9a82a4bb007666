import assert from 'node:assert/strict';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { scriptedEngine } from '../../support/extension/scriptedEngine.ts';
import { askForCode, pressCodeButton } from '../chatFrame.ts';
import { VsCode } from '../vscode.ts';
import { EditorWindow } from '../window.ts';

const SHOTS = 'dist/shots';
const TOTAL = ['let sum = 0;', 'for (const line of lines) sum += Math.round(line.price);', 'return sum;'];
const ROUNDED = ['let sum = 0;', 'for (const line of lines) sum += line.price;', 'return Math.round(sum);'];
const method = (lines: string[], indent: string): string[] => [
  'total(lines) {',
  ...lines.map((line) => indent + line),
  '}',
];
const shop = (lines: string[]): string =>
  ['class Shop {', ...method(lines, '\t').map((line) => `\t${line}`), '}', ''].join('\r\n');
const TWO = 'class A {\n  go() {\n    return 1;\n  }\n}\n\nclass B {\n  go() {\n    return 2;\n  }\n}\n';
const PLAIN = 'function price(weight) {\n  return weight * 2;\n}\n';
const fence = (path: string, code: string): string => `\`\`\`js ${path}\n${code}\n\`\`\`\n`;

const TAX = 'export const tax = 0.19;\n';
const BOTH = [
  ...['--- a/two.js', '+++ b/two.js', '@@ -1,3 +1,3 @@', ' class A {', '   go() {', '-    return 1;', '+    return 4;'],
  ...['--- a/tax.js', '+++ b/tax.js', '@@ -1 +1 @@', '-export const tax = 0.19;', '+export const tax = 0.2;', ''],
].join('\n');

describe('applying a code block in a window', () => {
  const engine = scriptedEngine([
    {
      when: 'total wrong',
      answer: `Each line is rounded before it is added. Add first, and round once:\n\n${fence('shop.js', method(ROUNDED, '    ').join('\n'))}`,
    },
    { when: 'change the two$', answer: fence('two.js', 'go() {\n  return 3;\n}') },
    { when: 'change the price$', answer: fence('price.js', 'function price(weight) {\n  return weight * 3;\n}') },
    { when: 'change the outside$', answer: fence('../outside.js', 'function price(weight) {\n  return 0;\n}') },
    { when: 'change both$', answer: `\`\`\`diff\n${BOTH}\`\`\`\n` },
  ]);
  let vscode: VsCode;
  let window: EditorWindow;

  before(async () => {
    mkdirSync(SHOTS, { recursive: true });
    vscode = await VsCode.start({
      files: { 'shop.js': '', 'two.js': TWO, 'price.js': PLAIN, 'tax.js': TAX },
      engine,
      // The scripted engine reads none; the bundled one's advice would hide the answer.
      machine: { 'airgap.chat.model': '/model' },
      settings: {
        'files.autoGuessEncoding': true,
      },
    });
    writeFileSync(vscode.path('shop.js'), Buffer.from(`\ufeff${shop(TOTAL)}`, 'utf16le'));
    window = await EditorWindow.open(vscode);
    await window.openFile('shop.js', 1, 1);
  });
  after(async () => {
    await window?.[Symbol.asyncDispose]();
    await vscode?.[Symbol.asyncDispose]();
    engine.remove();
  });

  const shot = (name: string) => window.page.screenshot({ path: `${SHOTS}/${name}.png` });
  const diffShown = () => window.page.waitForSelector('.monaco-diff-editor .line-insert');
  const diffGone = () => window.page.waitForSelector('.monaco-diff-editor', { state: 'detached' });
  const pressApply = () =>
    window.page.locator('.editor-actions .action-label[aria-label^="Apply Proposed Changes"]').click();
  const apply = async (name: string) => {
    await pressApply();
    await diffGone();
    await window.page.waitForSelector(`.tab.active.dirty[data-resource-name="${name}"]`);
  };

  it('shows a diff; applied and saved, UTF-16, CRLF and tabs are as before', async () => {
    const frame = await askForCode(window, 'Why is the total wrong by a few cents?');
    await pressCodeButton(frame, 'Apply to file');
    await diffShown();
    await shot('apply-diff');
    assert.equal(readFileSync(vscode.path('shop.js')).toString('utf16le'), `\ufeff${shop(TOTAL)}`);
    await apply('shop.js');
    await window.savedText('shop.js');
    assert.deepEqual(readFileSync(vscode.path('shop.js')), Buffer.from(`\ufeff${shop(ROUNDED)}`, 'utf16le'));
  });

  it('two places that fit are asked', async () => {
    const frame = await askForCode(window, 'change the two');
    await pressCodeButton(frame, 'Apply to file');
    const rows = window.page.locator('.quick-input-list .monaco-list-row');
    await rows.nth(1).waitFor();
    await shot('apply-which-place');
    assert.match((await rows.nth(0).textContent()) ?? '', /Line 2.*A › go/);
    assert.match((await rows.nth(1).textContent()) ?? '', /Line 8.*B › go/);
    await rows.nth(1).click();
    await diffShown();
    await apply('two.js');
    assert.equal(await window.savedText('two.js'), TWO.replace('2', '3'));
  });

  it('a file that has changed meanwhile is shown anew, and keeps the change', async () => {
    const frame = await askForCode(window, 'change the price');
    await pressCodeButton(frame, 'Apply to file');
    await diffShown();
    writeFileSync(vscode.path('price.js'), `// by others\n${PLAIN}`);
    await window.page.waitForFunction(() =>
      document.querySelector('.monaco-diff-editor')?.textContent?.includes('others'),
    );
    await pressApply();
    await window.notification('has been modified');
    await shot('apply-changed-meanwhile');
    await diffShown();
    await apply('price.js');
    assert.equal(await window.savedText('price.js'), `// by others\n${PLAIN.replace('2', '3')}`);
  });

  it('of a diff that changes several files, one is chosen', async () => {
    const frame = await askForCode(window, 'change both');
    await pressCodeButton(frame, 'Apply to file');
    const rows = window.page.locator('.quick-input-list .monaco-list-row');
    await rows.filter({ hasText: 'two.js' }).waitFor();
    await rows.filter({ hasText: 'tax.js' }).click();
    await diffShown();
    await apply('tax.js');
    assert.equal(await window.savedText('tax.js'), TAX.replace('0.19', '0.2'));
  });

  it('a path that leads out of the workspace is refused in the chat', async () => {
    const frame = await askForCode(window, 'change the outside');
    await pressCodeButton(frame, 'Apply to file');
    await frame.getByText('../outside.js is outside this workspace.').first().waitFor();
    await shot('apply-outside');
  });
});
