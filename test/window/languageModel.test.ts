import assert from 'node:assert/strict';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { OLDEST } from '../../.ci/codeServer.ts';
import { type PackedExtension, packedExtension } from '../support/extension/packedExtension.ts';
import { plainPng } from '../support/pictureFiles.ts';
import { scriptedEngine } from '../support/extension/scriptedEngine.ts';
import { DESKTOP, VsCode, until } from './vscode.ts';
import { EditorWindow } from './window.ts';

describe('another extension asks the model through VS Code', () => {
  const engine = scriptedEngine([
    { when: 'Say hello', answer: 'Hello from this machine.' },
    { when: 'Hang', answer: '', hang: true },
    { when: 'What is seen', answer: 'A red picture.' },
  ]);
  let client: PackedExtension;
  let vscode: VsCode;
  let window: EditorWindow;

  before(async function () {
    if (DESKTOP) {
      console.log('    skipped: the client is installed into the VS Code of the browser only');
      return this.skip();
    }
    if (process.env.AIRGAP_CODE_SERVER === OLDEST) {
      console.log(`    skipped: VS Code ${OLDEST} refuses, under test, the dialog in which the user allows it`);
      return this.skip();
    }
    client = await packedExtension('test/fixtures/languageModelClient');
    vscode = await VsCode.start({
      files: { 'price.ts': 'export const price = 1;\n' },
      engine,
      machine: { 'airgap.chat.model': '/models/seeing' },
      packages: [client.path],
    });
    writeFileSync(vscode.path('red.png'), plainPng(40, 20, [200, 0, 0]));
    window = await EditorWindow.open(vscode);
  });
  after(async () => {
    await window?.[Symbol.asyncDispose]();
    await vscode?.[Symbol.asyncDispose]();
    engine.remove();
    client?.[Symbol.dispose]();
  });

  it('it counts, answers, stops and sees, once the user has allowed it', async () => {
    await window.openFile('price.ts', 1, 1);
    await window.awaitStatus(/Ready\./);
    await window.command('Language Model Client: Ask');
    const allow = window.page.locator('.monaco-dialog-box .monaco-button:has-text("Allow")');
    const file = vscode.path('model.json');
    await until(async () => existsSync(file) || (await allow.count()) > 0, 'neither a dialog nor an answer came');
    if (await allow.count()) await allow.first().click();
    mkdirSync('dist/shots', { recursive: true });
    await until(() => existsSync(file) && readFileSync(file, 'utf8') !== '', 'no answer came');
    await window.page.screenshot({ path: 'dist/shots/language-model.png' });
    const { maxInputTokens, name, family, ...seen } = JSON.parse(readFileSync(file, 'utf8')) as Record<string, unknown>;
    const pictures = ['A red picture.', 'The local model takes PNG images only, not image/jpeg.'];
    assert.deepEqual(seen, { tokens: 5, answer: 'Hello from this machine.', stopped: true, pictures });
    const { images } = engine.requests().at(-1)!.messages.at(-1)!;
    assert.equal(images.length, 1);
    assert.equal(existsSync(images[0]!.file), false, 'the picture was left on the disk');
    assert.ok(name && family && Number(maxInputTokens) > 0);
  });
});
