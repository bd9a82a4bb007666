import assert from 'node:assert/strict';
import { homedir, hostname, userInfo } from 'node:os';
import { DESKTOP, VsCode } from '../vscode.ts';
import { EditorWindow } from '../window.ts';

describe('self-test, in a window', () => {
  let vscode: VsCode;
  let window: EditorWindow;

  before(async function () {
    if (DESKTOP) {
      console.log('    skipped: the desktop starts Electron, whose processes this test does not know');
      this.skip();
    }
    vscode = await VsCode.start({ files: { 'price.ts': 'export const price = 1;\n' } });
    window = await EditorWindow.open(vscode);
    await window.openFile('price.ts', 1, 1);
    await window.awaitStatus(/Ready\./);
  });
  after(async () => {
    await window?.[Symbol.asyncDispose]();
    await vscode?.[Symbol.asyncDispose]();
  });

  it('the report says that all works here, and names nobody and no place', async () => {
    await window.command('Airgap: Self-Test');
    const report = await window.awaitEditorText(/The test took [\d.]+ s\./);
    await window.page.screenshot({ path: 'dist/shots/self-test.png' });
    assert.match(report, /- ok: the engine answered on its socket or pipe after \d+ ms/);
    assert.match(report, /- ok: wasm, 3 of 3 completions as expected/);
    assert.match(report, /- ok: accepted after \d+ ms/);
    assert.doesNotMatch(report, /FAILED|incomplete/);
    const named = [homedir(), process.cwd(), vscode.path(''), hostname()].filter((name) => name.length > 2);
    for (const name of named) assert.ok(!report.includes(name), `${name} in ${report}`);
    assert.doesNotMatch(report, new RegExp(`\\b${userInfo().username}\\b|price|(^|\\s)/\\w|127\\.0`));
    // The document of the ghost text is gone.
    assert.equal(await window.page.locator('.tab[data-resource-name^="Untitled"]').count(), 1);
  });
});
