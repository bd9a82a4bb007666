import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parrotModel } from '../support/engine/parrotModel.ts';
import { ChatPage } from './chatPage.ts';
import { DESKTOP, VsCode } from './vscode.ts';
import { EditorWindow } from './window.ts';

const HOOK = join(process.cwd(), 'test/support/forbidNetworkInExtensions.cjs');

describe('offline and untrusted, in a window', () => {
  const model = parrotModel(['const amount = price * weight;']);
  const logs = mkdtempSync(join(tmpdir(), 'airgap-network-'));
  const log = join(logs, 'network.log');
  const stolen = join(logs, 'stolen');
  let vscode: VsCode;
  let window: EditorWindow;

  before(async function () {
    if (DESKTOP) {
      console.log('    skipped: only a server passes the hook on to its extension host');
      this.skip();
    }
    vscode = await VsCode.start({
      files: {
        'price.ts': 'export const prices = [];\n\n',
        '.vscode/settings.json': JSON.stringify({
          'airgap.model.folder': '/nowhere',
          'airgap.completion.model': '/nowhere',
          'airgap.engine.backend': 'webgpu',
          'airgap.store.folder': stolen,
          'airgap.store.sharedFolder': stolen,
          'airgap.download.address': 'http://127.0.0.1:1',
          'airgap.remote.url': 'http://127.0.0.1:1',
          'airgap.remote.model': 'any',
          'airgap.remote.use': 'chatAndCompletions',
        }),
      },
      machine: { 'airgap.completion.model': model.path },
      settings: {
        'security.workspace.trust.startupPrompt': 'never',
        // VS Code's own, which would ask a registry for types.
        'typescript.disableAutomaticTypeAcquisition': true,
      },
      workspaceTrust: true,
      env: { NODE_OPTIONS: `--require=${HOOK}`, AIRGAP_NETWORK_LOG: log },
    });
    window = await EditorWindow.open(vscode);
  });
  after(async () => {
    await window?.[Symbol.asyncDispose]();
    await vscode?.[Symbol.asyncDispose]();
    rmSync(logs, { recursive: true });
    model.remove();
  });

  it('restricted mode completes, and the folder may not choose model, backend or server', async () => {
    await window.page.waitForSelector('[id="status.workspaceTrust"]');
    await window.openFile('price.ts', 2, 1);
    assert.match(await window.awaitStatus(/Ready\. Model/), /Backend: wasm/);
    await window.type('const amo');
    await window.awaitGhostText('unt = price * weight;');
  });

  it('restricted mode lists models; the folder may not choose the store', async () => {
    await window.command('Airgap: Choose a Model');
    const line = (text: string) => window.page.locator(`.quick-input-list .monaco-list-row[aria-label*="${text}"]`);
    await line('For the chat').click();
    await line('Starter model').waitFor();
    await window.press('Escape');
    assert.ok(!existsSync(stolen));
  });

  it('the mark in the chat and the menu say that nothing was sent; a click shows the counters of both processes', async () => {
    await window.command('Airgap: Ask');
    const chat = await ChatPage.find(window.page);
    await chat.shot('local-only');
    const mark = chat.button('Local only');
    assert.equal(await mark.getAttribute('title'), 'Nothing was sent over a network.');
    await mark.click();
    const account = await window.awaitEditorText(/## The engine\n[^]*own processes/);
    assert.match(account, /Nothing was sent over a network\.\n/);
    assert.match(account, /## This window\n+\| Destination .*\n.*\n\| Airgap's own processes on this machine \| \d/);
    assert.doesNotMatch(account, /127\.0\.0\.1|localhost|:\d+ \|/);
    await window.page.locator('.statusbar-item[id^="airgap.airgap."]').first().click();
    await window.page.locator('.quick-input-list .monaco-list-row[aria-label*="Local only"]').waitFor();
    await chat.shot('local-only-menu');
    await window.press('Escape');
  });

  it('extension host, engine and terminal program reached for no network', () => {
    const lines = readFileSync(log, 'utf8').split('\n').filter(Boolean);
    const entries = lines.map((line) => JSON.parse(line) as { loaded?: string[]; attempt?: string; stack?: string });
    for (const program of ['--type=extensionHost', 'engine.cjs', 'airgap.cjs']) {
      assert.ok(
        entries.some(({ loaded }) => loaded?.join(' ').includes(program)),
        `no hook in ${program}`,
      );
    }
    assert.deepEqual(
      entries.filter(({ attempt }) => attempt),
      [],
    );
  });
});
