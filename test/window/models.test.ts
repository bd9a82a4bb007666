import assert from 'node:assert/strict';
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Locator } from 'playwright-core';
import { version } from '../../package.json';
import { DiskTree } from '../support/engine/diskTree.ts';
import { type Answer, cdnAnswer, hubAnswer, Servers } from '../support/engine/download/servers.ts';
import { parrotModel } from '../support/engine/parrotModel.ts';
import { ChatPage } from './chatPage.ts';
import { VsCode, until } from './vscode.ts';
import { EditorWindow } from './window.ts';

/** What the model says after the end of its chat template's marks. */
const ANSWER = 'Use price * weight;';

describe('models in a window', () => {
  const model = parrotModel([`>\n${ANSWER}`], { chat: true });
  let tree: DiskTree;
  const servers = new Servers();
  let vscode: VsCode;
  let window: EditorWindow;

  before(async () => {
    tree = new DiskTree();
    const snapshot = tree.path(
      'home/.cache/huggingface/hub/models--acme--parrot/snapshots/0123456789abcdef0123456789abcdef01234567',
    );
    mkdirSync(snapshot, { recursive: true });
    cpSync(model.path, snapshot, { recursive: true });
    tree.file('home/.cache/huggingface/hub/models--acme--parrot/refs/main', '0123456789abcdef0123456789abcdef01234567');
    tree.file('home/.lmstudio/models/acme/broken/broken.gguf', 'GGUF, but not really');
    const files = Object.fromEntries(
      readdirSync(model.path).map((name) => [name, readFileSync(join(model.path, name))]),
    );
    const cdn = await servers.start('cdn', cdnAnswer(files));
    const small = hubAnswer('HuggingFaceTB/SmolLM2-135M-Instruct', files, () => cdn);
    const hub = await servers.start('hub', async (...call) => (await small(...call)) || phiMini(...call));
    vscode = await VsCode.start({
      files: {
        'price.ts': 'export const prices = [];\n',
        // The workspace is trusted, and nevertheless none of these counts.
        '.vscode/settings.json': JSON.stringify({
          'airgap.store.folder': tree.path('stolen'),
          'airgap.store.sharedFolder': tree.path('stolen'),
          'airgap.download.address': 'http://127.0.0.1:1',
          'airgap.chat.model': '/nowhere',
          'airgap.completion.model': '/nowhere',
        }),
      },
      machine: { 'airgap.download.address': hub },
      settings: { 'airgap.engine.backend': 'wasm' },
      env: {
        HOME: tree.home,
        XDG_CACHE_HOME: join(tree.home, '.cache'),
        XDG_DATA_HOME: join(tree.home, '.local/share'),
        SHELL: '/bin/bash',
      },
    });
    window = await EditorWindow.open(vscode);
    await window.openFile('price.ts', 1, 1);
    await window.awaitStatus(/Ready\. Model: starter/i);
  });
  afterEach(async function () {
    if (this.currentTest?.state === 'failed') await shot(`models, failed, ${this.currentTest.title.slice(0, 20)}`);
  });
  after(async () => {
    await window?.[Symbol.asyncDispose]();
    await vscode?.[Symbol.asyncDispose]();
    servers.close();
    tree?.remove();
    model.remove();
  });

  const line = (text: string): Locator =>
    window.page.locator(`.quick-input-list .monaco-list-row[aria-label*="${text}"]`).first();
  const row = (text: string): Locator =>
    window.page.locator(`.pane-body .monaco-list-row[aria-label*="${text}"]`).first();
  const shot = async (name: string): Promise<void> => {
    mkdirSync('dist/shots', { recursive: true });
    await window.page.screenshot({ path: `dist/shots/${name}.png` });
  };
  const store = (): string[] => {
    const models = join(tree.home, '.local/share/airgap/models');
    return existsSync(models) ? readdirSync(models).filter((name) => !name.startsWith('.')) : [];
  };

  it('lists what is on this computer; what is chosen becomes the model of the chat', async () => {
    await window.command('Airgap: Choose a Model');
    await line('For the chat').click();
    await line('parrot').waitFor();
    await line('broken').waitFor();
    await shot('models, picker');
    assert.match((await line('broken').getAttribute('aria-label')) ?? '', /LM Studio/);
    await line('parrot').click();
    await window.awaitStatus(/Chat model: /);
  });

  it('shows them in a view', async () => {
    await window.page.locator('.activitybar a.action-label[aria-label^="Airgap"]').click();
    await window.page.locator('.pane-header[aria-label^="Chat"]').click();
    await window.page.locator('.pane-header[aria-label^="Models"]').click();
    await row('Starter model').waitFor();
    // Away from the title's buttons, whose hovers cover the rows.
    await window.page.mouse.move(700, 400);
    await until(async () => {
      if ((await row('Starter model').getAttribute('aria-expanded')) !== 'true') await row('Starter model').click();
      return row('Licence: ').isVisible();
    }, 'the row shows no facts');
    await shot('models, view');
    // The view is too low for all rows once the chat stands above it.
    await until(async () => {
      if ((await row('Starter model').getAttribute('aria-expanded')) !== 'false') await row('Starter model').click();
      return !(await row('Licence: ').isVisible());
    }, 'the row stays open');
  });

  it('imports a folder, with a button that uses it for the chat, which answers', async () => {
    await window.command('Airgap: Import Model');
    await line('A model folder').click();
    const input = window.page.locator('.quick-input-widget .quick-input-box input');
    const ok = window.page.locator('.quick-input-widget .quick-input-action a', { hasText: 'OK' });
    await ok.waitFor();
    await until(async () => (await input.inputValue()).startsWith('/'), 'there is no folder to begin with');
    // VS Code lists the folder before it takes a click, and may still put the first folder into the field.
    await until(async () => {
      if (!(await ok.isVisible())) return true;
      const folder = `${model.path}/`;
      if (!(await input.inputValue()).startsWith(folder)) await input.fill(folder);
      else await ok.click({ timeout: 1000 }).catch(() => {});
      return !(await ok.isVisible());
    }, 'the dialog does not take the folder');
    const notice = await window.notification('was imported');
    await shot('models, imported');
    assert.equal(store().length, 1);
    await notice.hover();
    await notice.locator('a.monaco-button', { hasText: 'Use for the chat' }).click();
    await row('Store').waitFor();
    await window.command('Airgap: Ask');
    const chat = await ChatPage.find(window.page);
    await chat.answerTo('How?');
    assert.deepEqual(await chat.texts.allInnerTexts(), ['How?', ANSWER]);
    assert.match(await window.awaitStatus(/Chat model: /), /Backend: wasm/);
  });

  it('removes what is in use after a question, and the starter model takes its place', async () => {
    await row('Store').click({ button: 'right' });
    await window.page.locator('.monaco-menu .action-item', { hasText: 'Remove Model' }).hover();
    await window.press('Enter');
    const dialog = window.page.locator('.monaco-dialog-box');
    await dialog.waitFor();
    assert.match(await dialog.innerText(), /It is in use for chat\./);
    await shot('models, remove');
    await dialog.locator('a.monaco-button', { hasText: 'Remove although in use' }).click();
    await until(() => store().length === 0, 'it is still in the store');
    await row('Store').waitFor({ state: 'detached' });
    await until(async () => !/Chat model/.test(await window.status()), 'the chat has another model');
  });

  it('asks with size and licence before a download, from the address of the user', async () => {
    await window.command('Airgap: Download Model');
    await line('Phi-3-mini-4k').click();
    const dialog = window.page.locator('.monaco-dialog-box');
    await dialog.waitFor();
    assert.match(await dialog.innerText(), /Size: 2\.4 GB[^]*Licence: MIT/);
    await shot('models, download');
    await dialog.locator('a.monaco-button', { hasText: 'Cancel' }).click();
    await dialog.waitFor({ state: 'detached' });
    const requests = servers.requests.map(({ method, path }) => `${method} ${path}`);
    assert.deepEqual(requests, [
      'HEAD /microsoft/Phi-3-mini-4k-instruct-gguf/resolve/main/Phi-3-mini-4k-instruct-q4.gguf',
    ]);
    assert.deepEqual(store(), []);
  });

  it('downloads a model that is then used for the chat, which answers', async () => {
    await window.command('Airgap: Download Model');
    await line('SmolLM2-135M-Instruct-bf16').click();
    const dialog = window.page.locator('.monaco-dialog-box');
    await dialog.waitFor();
    assert.match(
      await dialog.innerText(),
      /Licence: Apache-2\.0[^]*compared with the hash that the same server states/,
    );
    await dialog.locator('a.monaco-button', { hasText: 'Download' }).click();
    const notice = await window.notification('was downloaded');
    await shot('models, downloaded');
    assert.deepEqual(store(), ['SmolLM2-135M-Instruct-bf16']);
    await notice.hover();
    await notice.locator('a.monaco-button', { hasText: 'Use for the chat' }).click();
    await window.awaitStatus(/Chat model: SmolLM2-135M-Instruct-bf16/);
    await window.command('Airgap: Ask');
    const chat = await ChatPage.find(window.page);
    await chat.answerTo('How?');
    assert.equal((await chat.texts.allInnerTexts()).at(-1), ANSWER);
  });

  it('opens a terminal in which airgap works, on the same store', async () => {
    const output = tree.path('output');
    await window.command('Airgap: Open Terminal');
    await window.page.locator('.terminal.xterm').waitFor();
    await window.page.locator('.terminal.xterm').click();
    await until(async () => (await window.page.locator('.terminal.xterm.focus').count()) > 0, 'it has no focus');
    await window.type(`airgap --version > ${output}; airgap models >> ${output}; echo done >> ${output}`);
    await window.press('Enter');
    await until(() => existsSync(output) && /done/.test(readFileSync(output, 'utf8')), 'the terminal did nothing');
    await shot('models, terminal');
    assert.match(readFileSync(output, 'utf8'), new RegExp(`^${version}\n[^]*Starter model`));
  });

  it('no setting of the workspace had an effect', () => assert.ok(!existsSync(tree.path('stolen'))));

  it('what is kept for the workspace names the conversations, but no path of a model', async () => {
    await until(() => vscode.workspaceStorage().includes(ANSWER), 'no conversation was kept');
    const kept = vscode.workspaceStorage();
    for (const path of [tree.home, model.path]) assert.ok(!kept.includes(path), path);
  });
});

/** What the hub says of phi-3-mini's file, whose content nobody asks for here. */
const phiMini: Answer = (_, response) => {
  response.writeHead(200, { 'content-length': '2393231072', etag: '"a"' }).end();
  return true;
};
