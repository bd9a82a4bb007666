import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { OLDEST } from '../../.ci/codeServer.ts';
import { scriptedEngine } from '../support/extension/scriptedEngine.ts';
import { ChatPage } from './chatPage.ts';
import { until, VsCode } from './vscode.ts';
import { EditorWindow } from './window.ts';

const FILES = {
  'price.ts': 'export function price(weight: number): number {\n  const n: number = "x";\n  return weight * n;\n}\n',
  'src/other.ts': 'export const other = 1;\n',
};
const RULES = [
  { when: 'commit message', answer: '```\nAdd prices by weight\n\nNothing knew them.\n```', chunk: 4, delayMs: 20 },
  { when: 'command line', answer: '```sh\ntouch ran.txt\n```\nMakes a file.' },
  { when: '', answer: 'Done.' },
];

describe('commands that lead into the chat, in a window', () => {
  const engine = scriptedEngine(RULES);
  let vscode: VsCode;
  let window: EditorWindow;
  let chat: ChatPage;

  before(async () => {
    vscode = await VsCode.start({
      git: true,
      files: FILES,
      engine,
      settings: { 'terminal.integrated.gpuAcceleration': 'off' },
    });
    execFileSync('git', ['init', '-q'], { cwd: vscode.path('') });
    execFileSync('git', ['add', 'price.ts'], { cwd: vscode.path('') });
    window = await EditorWindow.open(vscode);
    await window.openFile('price.ts', 2, 10);
    // A context menu that opens earlier lacks the extension's entries.
    await window.awaitStatus(/Ready\./);
  });
  after(async () => {
    await window?.[Symbol.asyncDispose]();
    await vscode?.[Symbol.asyncDispose]();
    engine.remove();
  });

  /** The next request that the engine receives. */
  async function askedAfter(act: () => Promise<void>): Promise<string> {
    const before = engine.requests().length;
    await act();
    await until(() => engine.requests().length > before, 'the engine was not asked');
    return engine.requests().at(-1)!.messages.at(-1)!.text;
  }

  it('explorer: a folder becomes a chip', async () => {
    const shown = window.page.locator('iframe.webview').first();
    await until(async () => {
      // A part of VS Code that is still starting may take the focus, which closes the menu.
      await window.press('Control+Shift+e');
      await window.page
        .locator('.explorer-folders-view .monaco-list-row[aria-label^="src"]')
        .click({ button: 'right' });
      await window.page.getByRole('menuitem', { name: 'Add to Chat' }).click();
      return shown.waitFor({ state: 'attached', timeout: 15_000 }).then(
        () => true,
        () => false,
      );
    }, 'the chat does not open');
    chat = await ChatPage.find(window.page);
    await chat.awaitChips(/src\/ .*\d+ tokens/);
    await chat.removeChip('src/');
  });

  it('light bulb: Fix asks with the problem at the cursor and the code around it', async () => {
    await window.press('Control+1');
    await window.page.waitForSelector('.monaco-editor .squiggly-error');
    const text = await askedAfter(async () => {
      const list = window.page.locator('.action-widget .action-label, .action-widget .title');
      const fix = list.filter({ hasText: 'Fix with Airgap' }).first();
      await until(async () => {
        // A part of VS Code that is still starting may take the focus, which closes the list.
        await window.press('Control+1');
        await window.press('Control+.');
        return fix.waitFor({ timeout: 5000 }).then(
          () => true,
          () => false,
        );
      }, 'the light bulb does not offer it');
      await chat.shot('commands-light-bulb');
      // It is the first, and chosen; older releases take no click at once.
      await window.press('Enter');
    });
    assert.match(text, /price\.ts:2:9: error \(ts 2322\)/);
    assert.match(text, /<file name="price\.ts"[^>]*>\nexport function price/);
    assert.match(text, /Fix the problems of the code above\./);
    await chat.finished();
    await chat.shot('commands-fix');
  });

  it('slash commands are listed, and one becomes an instruction', async () => {
    await chat.suggest('/', /^\/explain Explain the code$/);
    assert.equal((await chat.suggestions()).length, 7);
    await chat.shot('commands-slash');
    await chat.clear();
    await chat.suggest('/te', /^\/tests /);
    await chat.press('Enter');
    await chat.type('with mocha');
    const text = await askedAfter(() => chat.press('Enter'));
    assert.match(text, /Write unit tests for the code above[^]*\n\nwith mocha$/);
    await chat.finished();
  });

  it('/terminal: the command is put into the terminal, and does not run', async function () {
    if (process.env.AIRGAP_CODE_SERVER === OLDEST) {
      console.log(`    skipped: code-server ${OLDEST} comes without the module that terminals need`);
      return this.skip();
    }
    await chat.answerTo('/terminal make a file');
    await chat.button('Insert into terminal').click();
    const rows = window.page.locator('.terminal-wrapper.active .xterm-rows');
    await until(
      async () => (await rows.innerText().catch(() => '')).replaceAll('\u00a0', ' ').includes('touch ran.txt'),
      'nothing was inserted',
    );
    await chat.shot('commands-terminal');
    // A shell runs its lines in their order: had the command been one, its file would be there first.
    await window.page.locator('.terminal-wrapper.active').click();
    await window.press('Control+u');
    await window.type(' touch later.txt');
    await window.press('Enter');
    await until(() => existsSync(vscode.path('later.txt')), 'the terminal runs nothing');
    assert.ok(!existsSync(vscode.path('ran.txt')), 'it ran');
  });

  const commitButton = () => window.page.locator('.part.sidebar [aria-label^="Write Commit Message"]').first();
  const commitMessage = async (): Promise<string> => {
    const text = await window.page.locator('.scm-view .scm-input .view-lines').innerText();
    return text.replaceAll('\u00a0', ' ').trim();
  };

  it('source control: the button writes a message from what is staged', async () => {
    await window.press('Control+Shift+g');
    await window.page.waitForSelector('.scm-view .scm-input');
    const text = await askedAfter(async () => {
      await window.page.locator('.scm-view').first().hover();
      await commitButton().click();
    });
    assert.match(text, /<file name="price\.ts \(staged changes\)"[^]*\+export function price/);
    assert.doesNotMatch(text, /other\.ts/);
    await until(async () => /^Add prices by weight\s+Nothing knew them\.$/.test(await commitMessage()), 'no message');
    await chat.shot('commands-commit');
  });

  it('source control: asks before it replaces a message', async function () {
    if (process.env.AIRGAP_CODE_SERVER === OLDEST) {
      console.log(`    skipped: VS Code ${OLDEST} refuses dialogs of an extension under development`);
      return this.skip();
    }
    await window.page.locator('.scm-view').first().hover();
    await commitButton().click();
    await window.page.locator('.monaco-dialog-box', { hasText: 'Replace the existing commit message?' }).waitFor();
    await chat.shot('commands-commit-replace');
    await window.press('Escape');
    assert.match(await commitMessage(), /^Add prices by weight/);
  });
});
