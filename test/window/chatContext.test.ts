import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { scriptedEngine } from '../support/extension/scriptedEngine.ts';
import { ChatPage } from './chatPage.ts';
import { until, VsCode } from './vscode.ts';
import { EditorWindow } from './window.ts';

const FILES = {
  'price.ts': 'export function price(weight: number): number {\n  const n: number = "x";\n  return weight * n;\n}\n',
  'src/other.ts': 'export const other = 1;\n',
  '.env': 'PASSWORD=a1b2c3d4\n',
  'environment.ts': 'export const environment = "test";\n',
};

describe('chat context, in a window', () => {
  const engine = scriptedEngine([{ when: '', answer: 'Read.' }]);
  let vscode: VsCode;
  let window: EditorWindow;
  let chat: ChatPage;

  before(async () => {
    vscode = await VsCode.start({ files: FILES, engine, git: true });
    const git = (...args: string[]) => execFileSync('git', args, { cwd: vscode.path('') });
    git('init', '-q');
    git('-c', 'user.name=a', '-c', 'user.email=a@example.org', 'commit', '-q', '--allow-empty', '-m', 'Begin');
    git('add', 'src', '.env');
    window = await EditorWindow.open(vscode);
  });

  /** The explorer's files cannot be seen beside the chat. */
  async function askWith(name: string): Promise<void> {
    await window.press('Control+Shift+e');
    await window.openFile(name, 1, 1);
    await window.command('Airgap: Ask');
    chat = await ChatPage.find(window.page);
  }

  after(async () => {
    await window?.[Symbol.asyncDispose]();
    await vscode?.[Symbol.asyncDispose]();
    engine.remove();
  });

  it('a file of secrets is no chip when it is open, and is not offered', async () => {
    await askWith('.env');
    await chat.suggest('@file env', /^environment\.ts /);
    assert.deepEqual([(await chat.suggestions()).length, await chat.chips()], [1, '']);
    await chat.clear();
  });

  /** The language server may need a moment. */
  async function suggest(typed: string, expected: RegExp): Promise<void> {
    let seen: string[] = [];
    const matches = async () => {
      await chat.clear();
      await chat.type(typed);
      await window.page.waitForTimeout(1000);
      return expected.test((seen = await chat.suggestions())[0] ?? '');
    };
    await until(matches, '').catch(() => assert.fail(`Suggested is ${JSON.stringify(seen)}, not ${String(expected)}.`));
  }

  it('the open file is a chip with its tokens, until a selection takes its place', async () => {
    await askWith('price.ts');
    await chat.awaitChips(/^price\.ts \d+ tokens$/);
    await window.page.locator('.editor-group-container.active .view-line').first().click();
    await window.page.waitForSelector('.editor-group-container.active .monaco-editor.focused');
    await window.press('Control+Home');
    await window.press('Shift+ArrowDown');
    await window.press('Shift+ArrowDown');
    await chat.awaitChips(/^price\.ts:1-2 \d+ tokens$/);
    await chat.shot('context-selection');
  });

  it('a chip can be removed', async () => {
    await chat.removeChip('price.ts:1-2');
    await chat.awaitChips(/^$/);
  });

  const taken: [typed: string, suggestion: RegExp, chips: RegExp][] = [
    ['@file oth', /^other\.ts src\/other\.ts$/, /^other\.ts \d+ tokens$/],
    ['@folder sr', /^src\/ src$/, / src\/ .*tokens$/],
    ['@symbol pri', /^price price\.ts:1$/, / price \d+ tokens$/],
    ['@problems', /^@problems Problems in price\.ts$/, / Problems: price\.ts \d+ tokens$/],
    ['@changes', /^@changes All changes/, / Changes .*tokens$/],
  ];
  for (const [typed, suggestion, chips] of taken) {
    it(`${typed} becomes a chip`, async () => {
      await suggest(typed, suggestion);
      await chat.shot(`context-${typed.slice(1).replace(' ', '-')}`);
      await chat.press('Enter');
      await chat.awaitChips(chips);
    });
  }

  it('a question takes all of it along, and shows with what it was asked', async () => {
    await chat.type('What is this?');
    await chat.shot('context-chips');
    await chat.press('Enter');
    await until(() => engine.requests().length > 0, 'the engine was not asked');
    const { text } = engine.requests().at(-1)!.messages.at(-1)!;
    for (const part of [
      /<file name="src\/other\.ts" lines="[^"]+">\nexport const other = 1;/,
      /<file name="files of src\/"[^>]*>\nsrc\/other\.ts/,
      /<file name="price\.ts"[^>]*>\nexport function price/,
      /price\.ts:2:9: error \(ts 2322\): Type 'string' is not assignable to type 'number'\.\n {6}const n: number = "x";/,
      /<file name="src\/other\.ts \(staged changes\)"[^>]*>\ndiff --git/,
      /<file name="changes that are left out"[^>]*>\n\.env \(may hold secrets/,
      /new files that git does not know yet[^>]*>\nenvironment\.ts\nprice\.ts\n/,
      // A small chat model, where npm start has brought one, is told to be brief.
      /\n\nWhat is this\?/,
    ]) {
      assert.match(text, part);
    }
    assert.ok(!text.includes('a1b2c3d4'));
    await chat.finished();
    await chat.shot('context-asked');
  });

  it("the project's instructions are chips, go along, change with their file, and can be removed", async () => {
    const token = `ghp_${'aB3dE6gH9jK2mN5pQ8sT'.repeat(2).slice(0, 36)}`;
    mkdirSync(vscode.path('.airgap'), { recursive: true });
    writeFileSync(vscode.path('.airgap/instructions.md'), 'Write tests with mocha.\n');
    writeFileSync(vscode.path('AGENTS.md'), `Answer in Latin. ${token}\n${'More words follow here.\n'.repeat(1000)}`);
    const asked = async (question: string): Promise<string> => {
      await chat.answerTo(question);
      return engine.requests().at(-1)!.messages.at(-1)!.text;
    };
    await window.command('Airgap: New Chat');
    await chat.awaitChips(/^AGENTS\.md .*\.airgap\/instructions\.md/);
    await chat.shot('context-instructions');
    const first = await asked('What now?');
    assert.match(first, /<file name="AGENTS\.md"[^>]*>\nAnswer in Latin\. /);
    assert.match(first, /\(Follow the instructions of the project in AGENTS\.md, \.airgap\/instructions\.md\.\)$/);
    assert.ok(!first.includes(token) && first.length < 12_000, String(first.length));

    writeFileSync(vscode.path('.airgap/instructions.md'), 'Write tests with tape.\n');
    await chat.removeChip('AGENTS.md');
    const second = await asked('And now?');
    assert.match(second, /Write tests with tape\.\n/);
    assert.match(second, /in \.airgap\/instructions\.md\.\)$/);
    assert.doesNotMatch(second, /AGENTS|Latin/);
  });
});
