import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type PackedExtension, packedExtension } from '../../support/extension/packedExtension.ts';
import { scriptedEngine } from '../../support/extension/scriptedEngine.ts';
import { askForCode, pressCodeButton } from '../chatFrame.ts';
import { ChatPage } from '../chatPage.ts';
import { DESKTOP, until, VsCode } from '../vscode.ts';
import { EditorWindow } from '../window.ts';

const SHIP =
  '// How long a parcel takes to arrive.\nexport function shippingDays(distance) {\n  return distance / 300;\n}\n';
const FILES = {
  '/shop/price.js': 'export function price(weight) {\n  return weight * 2;\n}\n',
  '/shop/src/ship.js': SHIP,
  '/shop/dist/ship.js': '// How long a parcel takes to arrive, built.\n',
  '/shop/.gitignore': 'dist/\n',
  '/shop/.env': 'PARCEL_PASSWORD=arrive\n',
};
const fence = (path: string, code: string): string => `\`\`\`js ${path}\n${code}\n\`\`\`\n`;

describe('a folder in a file system of another extension, in a window', () => {
  const engine = scriptedEngine([
    { when: 'change the days$', answer: fence('ship.js', SHIP.replace('300', '500').trimEnd()) },
    { when: 'add a tax$', answer: fence('src/tax.js', 'export const tax = 0.19;') },
    { when: '', answer: 'In shippingDays.' },
  ]);
  let home: string;
  let extension: PackedExtension;
  let vscode: VsCode;
  let window: EditorWindow;
  const stored = (path: string) =>
    (JSON.parse(readFileSync(join(home, 'files.json'), 'utf8')) as Record<string, string>)[path];

  before(async function () {
    if (DESKTOP) {
      console.log('    skipped: the file system is installed into the VS Code of the browser only');
      return this.skip();
    }
    home = mkdtempSync(join(tmpdir(), 'airgap-memory-'));
    writeFileSync(join(home, 'files.json'), JSON.stringify(FILES));
    extension = await packedExtension('test/fixtures/memoryFiles');
    vscode = await VsCode.start({
      files: {},
      folder: 'memfs:/shop',
      engine,
      machine: { 'airgap.chat.model': '/model' },
      packages: [extension.path],
      env: { AIRGAP_MEMORY_FILES: join(home, 'files.json') },
    });
    window = await EditorWindow.open(vscode);
    await window.openFile('price.js', 1, 1);
  });
  after(async () => {
    await window?.[Symbol.asyncDispose]();
    await vscode?.[Symbol.asyncDispose]();
    engine.remove();
    extension?.[Symbol.dispose]();
    if (home) rmSync(home, { recursive: true, force: true });
  });

  it('completes', async () => {
    await window.awaitStatus(/Ready\./);
    await window.goTo(4, 1);
    await window.type('let');
    await window.awaitGhostText('LET');
    await window.press('Escape');
    for (let i = 0; i < 3; i++) await window.press('Backspace');
    await window.press('Control+s');
  });

  it('the chat gets the open file', async () => {
    await window.command('Airgap: Ask');
    const chat = await ChatPage.find(window.page);
    await chat.awaitChips(/price\.js/);
    await chat.shot('virtual-files');
  });

  it('@project finds the code, but neither what git ignores nor secrets', async () => {
    const chat = await ChatPage.find(window.page);
    await chat.suggest('@proj', /@project/);
    await chat.press('Enter');
    await chat.awaitChips(/Project/);
    await chat.removeChip('price.js');
    await chat.answerTo('How long does a parcel take to arrive?');
    const { text } = engine.requests().at(-1)!.messages.at(-1)!;
    assert.match(text, /<file name="src\/ship\.js"[^>]*>\n[^]*shippingDays/);
    assert.doesNotMatch(text, /dist\/|PASSWORD/);
  });

  it('a code block is applied to the file that its name means, and saved where it came from', async () => {
    const frame = await askForCode(window, 'change the days');
    await pressCodeButton(frame, 'Apply to file');
    await window.page.waitForSelector('.monaco-diff-editor .line-insert');
    await window.page.locator('.editor-actions .action-label[aria-label^="Apply Proposed Changes"]').click();
    await window.page.waitForSelector('.tab.active.dirty[data-resource-name="ship.js"]');
    await window.press('Control+s');
    await until(() => stored('/shop/src/ship.js') === SHIP.replace('300', '500'), 'ship.js was not saved');
  });

  it('a new file is saved in the same file system', async () => {
    const frame = await askForCode(window, 'add a tax');
    await pressCodeButton(frame, 'Apply to file');
    await window.page.waitForSelector('.tab.active.dirty[data-resource-name="tax.js"]');
    await window.press('Control+s');
    await until(() => stored('/shop/src/tax.js') === 'export const tax = 0.19;\n', 'tax.js was not saved');
  });
});
