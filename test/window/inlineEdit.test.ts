import assert from 'node:assert/strict';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { scriptedEngine } from '../support/extension/scriptedEngine.ts';
import { until, VsCode } from './vscode.ts';
import { EditorWindow } from './window.ts';

const SHOTS = 'dist/shots';
const TEXT = 'def area(width, height):\n    size = width * height\n    print(size)\n    return size\n';
const ANSWER = 'def area(width, height):\n    size = abs(width * height)\n    print(size)\n    return round(size)\n';
/** A copy for each test. */
const FILES = ['a.py', 'b.py', 'c.py', 'd.py'];

describe('inline edit in a window', () => {
  const engine = scriptedEngine([
    { when: 'slowly', answer: 'no end', hang: true },
    { when: 'safer', answer: `\`\`\`python\n${ANSWER}\`\`\`` },
  ]);
  let vscode: VsCode;
  let window: EditorWindow;

  before(async () => {
    mkdirSync(SHOTS, { recursive: true });
    vscode = await VsCode.start({
      files: Object.fromEntries(FILES.map((name) => [name, TEXT])),
      engine,
    });
    window = await EditorWindow.open(vscode);
  });
  after(async () => {
    await window?.[Symbol.asyncDispose]();
    await vscode?.[Symbol.asyncDispose]();
    engine.remove();
  });

  const shot = (name: string) => window.page.screenshot({ path: `${SHOTS}/${name}.png` });
  const lens = (title: string) => window.page.locator(`.codelens-decoration a:has-text("${title}")`);
  const lines = (): Promise<string> =>
    window.page.evaluate(() => {
      const shown = Array.from(document.querySelectorAll<HTMLElement>('.editor-group-container.active .view-line'));
      const sorted = shown.sort((a, b) => parseFloat(a.style.top) - parseFloat(b.style.top));
      return sorted.map((line) => line.textContent!.replaceAll('\u00a0', ' ')).join('\n');
    });
  const edit = async (name: string, instruction: string): Promise<void> => {
    await window.openFile(name, 1, 1);
    await window.command('Airgap: Edit with Instruction');
    await window.page.waitForSelector('.quick-input-widget input[placeholder^="Describe the change"]');
    await window.type(instruction);
    await window.press('Enter');
  };

  it('hunks stand in place; one accepted, one rejected', async () => {
    await edit('a.py', 'make it safer');
    await lens('Accept').nth(1).waitFor();
    await shot('inline-edit');
    assert.match(await lines(), /    size = width \* height\n    size = abs\(width \* height\)/);
    await lens('Accept').first().click();
    await lens('Reject').nth(1).waitFor({ state: 'detached' });
    await lens('Reject').first().click();
    await lens('Reject').waitFor({ state: 'detached' });
    assert.equal(await window.savedText('a.py'), TEXT.replace('width * height\n', 'abs(width * height)\n'));
  });

  it('undo brings everything back to the byte, redo the hunks', async () => {
    await edit('b.py', 'make it safer');
    await lens('Accept').nth(1).waitFor();
    await lens('Accept').first().click();
    await lens('Accept').nth(1).waitFor({ state: 'detached' });
    await window.page.locator('.editor-group-container.active .view-line').first().click();
    await window.press('Control+z');
    await lens('Accept').nth(1).waitFor();
    await window.press('Control+z');
    await lens('Accept').first().waitFor({ state: 'detached' });
    await window.page.waitForSelector('.tab.active:not(.dirty)[data-resource-name="b.py"]');
    await window.press('Control+y');
    await lens('Accept').nth(1).waitFor();
    await window.command('Airgap: Accept All Changes');
    await lens('Accept').first().waitFor({ state: 'detached' });
    assert.equal(await window.savedText('b.py'), ANSWER);
  });

  it('saved before everything is decided, the file has no line that was not accepted', async () => {
    await edit('c.py', 'make it safer');
    await lens('Accept').nth(1).waitFor();
    await lens('Accept').first().click();
    await lens('Accept').nth(1).waitFor({ state: 'detached' });
    const saved = await window.savedText('c.py');
    assert.equal(saved, TEXT.replace('width * height\n', 'abs(width * height)\n'));
    await lens('Accept').first().waitFor({ state: 'detached' });
    await window.notification('The file was saved without');
    await shot('inline-edit-saved');
  });

  it('cancelled, nothing changes', async () => {
    await edit('d.py', 'slowly');
    const notification = await window.notification('Editing d.py');
    await notification.hover();
    await notification.getByRole('button', { name: 'Cancel' }).click();
    await notification.waitFor({ state: 'detached' });
    assert.equal(readFileSync(vscode.path('d.py'), 'utf8'), TEXT);
    assert.equal(await window.page.locator('.tab.active.dirty').count(), 0);
  });

  it("the project's instructions go along, unless a button leaves them out", async () => {
    writeFileSync(vscode.path('AGENTS.md'), 'Name variables in Latin.\n');
    const title = window.page.locator('.quick-input-titlebar');
    const asked = async (leaveOut: boolean): Promise<string> => {
      const before = engine.requests().length;
      await window.command('Airgap: Edit with Instruction');
      await title.getByText(/^Edit lines .* of d\.py \(AGENTS\.md\)$/).waitFor();
      await shot('inline-edit-instructions');
      if (leaveOut) await title.getByLabel('Do not send AGENTS.md').click();
      await window.page.locator('.quick-input-widget input[placeholder^="Describe the change"]').focus();
      await window.type('slowly');
      await window.press('Enter');
      await until(() => engine.requests().length > before, 'the engine was not asked');
      const notification = await window.notification('Editing d.py');
      await notification.hover();
      await notification.getByRole('button', { name: 'Cancel' }).click();
      await notification.waitFor({ state: 'detached' });
      return engine.requests().at(-1)!.messages.at(-1)!.text;
    };
    await window.openFile('d.py', 1, 1);
    await until(async () => (await window.page.getByText('AGENTS.md').count()) > 0, 'the explorer shows no AGENTS.md');
    assert.match(
      await asked(false),
      /Latin\.\n[^]*slowly\n\n\(Follow the instructions of the project in AGENTS\.md\.\)$/,
    );
    assert.match(await asked(true), /slowly$/);
  });
});
