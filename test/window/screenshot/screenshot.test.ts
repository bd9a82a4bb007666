import assert from 'node:assert/strict';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import type { AxeResults } from 'axe-core';
import { encode } from 'fast-png';
import { OLDEST } from '../../../.ci/codeServer.ts';
import { hostilePages } from '../../fixtures/hostilePage.ts';
import { type Loopback, startLoopback } from '../../support/extension/loopback.ts';
import { scriptedEngine } from '../../support/extension/scriptedEngine.ts';
import { PreviewPanel } from './previewPanel.ts';
import { until, VsCode } from '../vscode.ts';
import { EditorWindow } from '../window.ts';

const SHOTS = 'dist/shots';
const THEMES = ['Default Light Modern', 'Default Dark Modern', 'Default High Contrast'];
const page = (body: string): string =>
  `<!DOCTYPE html>\n<html lang="en">\n<head>\n<title>Shop</title>\n</head>\n<body>\n${body}\n</body>\n</html>\n`;
const SHOP = page('<h1>Shop</h1>\n<img src="logo.png" alt="Logo of the shop" width="200" height="80">');
const LARGER = page('<h1 style="font-size: 60px">Shop</h1>');
const fenced = (code: string, language = 'html'): string =>
  `Here it is:\n\n\`\`\`${language}\n${code}\`\`\`\n\nThat is all.\n`;
const COMPONENT = `import { useState } from 'react';

export default function Screenshot() {
  const [bought, setBought] = useState<number>(0);
  return <button onClick={() => setBought(bought + 1)}>Bought: {bought}</button>;
}
`;
const CARD = `import { Badge } from './Badge';

export const Screenshot = () => <section><Badge>New</Badge></section>;
`;
/** A project whose components are in React. */
const PROJECT = {
  'package.json': '{ "dependencies": { "react": "^19.0.0" } }\n',
  'src/components/PriceCard.tsx': 'export const PriceCard = () => <p className="price" />;\n',
  'src/main.tsx': 'render(<PriceCard />);\n',
};

/** What no model here can do is scripted: the answers are given, and everything around them is real. */
describe('Screenshot to Code in a window', () => {
  const engine = scriptedEngine([]);
  let outside: Loopback;
  let vscode: VsCode;
  let window: EditorWindow;
  let preview: PreviewPanel;
  const dialogs: string[] = [];

  before(async () => {
    mkdirSync(SHOTS, { recursive: true });
    outside = await startLoopback();
    engine.answer([
      { when: '^Change the code: larger heading', answer: fenced(LARGER) },
      { when: '^Change the code: slowly', answer: fenced(SHOP), chunk: 4, delayMs: 300 },
      { when: '^Change the code: hostile', answer: fenced(page(hostilePages(outside.origin).join('\n'))), chunk: 2000 },
      { when: 'Write one component that', answer: fenced(CARD, 'tsx'), chunk: 20 },
      { when: '^Write one React component', answer: fenced(COMPONENT, 'tsx'), chunk: 20 },
      { when: '', answer: fenced(SHOP), chunk: 20, delayMs: 20 },
    ]);
    vscode = await VsCode.start({
      files: { 'shop.png': '', 'index.html': '', ...PROJECT },
      engine,
      machine: { 'airgap.chat.model': '/seeing' },
      // Grey text would stand among the lines that are compared.
      settings: { 'airgap.completion.trigger': 'manual' },
    });
    writeFileSync(vscode.path('shop.png'), redSquare(640, 400));
    window = await EditorWindow.open(vscode);
    window.page.on('dialog', (dialog) => (dialogs.push(dialog.message()), void dialog.dismiss()));
  });
  after(async () => {
    await window?.[Symbol.asyncDispose]();
    await vscode?.[Symbol.asyncDispose]();
    await outside?.[Symbol.asyncDispose]();
    engine.remove();
  });

  const shot = (name: string) => window.page.screenshot({ path: `${SHOTS}/${name}.png` });
  const lastMessages = () => engine.requests().at(-1)!.messages;
  /** Moves the focus from the panel into the document. */
  const goTo = async (line: number, column: number): Promise<void> => {
    await window.press('Control+1');
    await window.page.waitForSelector('.editor-group-container.active .monaco-editor.focused');
    await window.press('Control+g');
    await window.page.waitForSelector('.quick-input-widget .quick-input-box input:focus');
    await window.type(`${line}:${column}`);
    await window.press('Enter');
    await window.page.waitForSelector('.quick-input-widget', { state: 'hidden' });
    await window.page.waitForSelector('.editor-group-container.active .monaco-editor.focused');
  };
  const refine = async (words: string): Promise<void> => {
    await preview.label('What should be different?').fill(words);
    await preview.button('Refine').click();
  };
  /** The whole text of the written document. */
  const awaitCode = async (expected: string): Promise<void> => {
    const lines = (text: string): string => text.trimEnd();
    let seen = '';
    await until(async () => lines((seen = await preview.code())) === lines(expected), '').catch(() =>
      assert.equal(lines(seen), lines(expected)),
    );
  };

  it('from the context menu of a picture to a document and its preview; the model sees the picture', async () => {
    preview = await PreviewPanel.open(window, 'shop.png', 'HTML and CSS');
    await preview.awaitStatus('The code is complete.');
    await awaitCode(SHOP);
    await preview.result.getByRole('heading', { name: 'Shop' }).waitFor();
    await preview.result.getByAltText('Logo of the shop').waitFor();
    await shot('screenshot, preview');
    const [system, question, ...rest] = lastMessages();
    assert.deepEqual([system!.role, rest], ['system', []]);
    assert.match(question!.text, /^Write one HTML document that looks like the picture\./);
    assert.deepEqual(
      question!.images.map(({ file }) => readFileSync(file).subarray(1, 4).toString()),
      ['PNG'],
    );
  });

  it('the slider works by keyboard', async () => {
    await preview.label('Lay the picture over the result').press('Space');
    const slider = preview.locator('input[type=range]');
    await slider.press('End');
    await slider.press('ArrowLeft');
    await preview.locator('input[aria-valuetext="99 % picture, 1 % result"]').waitFor();
    for (let i = 0; i < 4; i++) await slider.press('PageDown');
    await shot('screenshot, overlay');
  });

  it('the preview follows what the user types', async () => {
    await goTo(7, 1);
    await window.press('End');
    await window.type('<p>new');
    await preview.result.getByText('new').waitFor();
    // How many steps the typed characters are is up to VS Code; the written code is another one.
    for (let code = await preview.code(); code.includes('<p');) {
      await window.press('Control+z');
      const before = code;
      await until(async () => (code = await preview.code()) !== before, 'nothing was undone');
    }
    await preview.result.getByText('new').waitFor({ state: 'detached' });
    await awaitCode(SHOP);
  });

  it('Refine sends picture, code and words, and undo brings the version before back', async () => {
    await refine('larger heading');
    await preview.awaitStatus('The code is complete.');
    await awaitCode(LARGER);
    const [, question, answer, words] = lastMessages();
    assert.equal(question!.images.length, 1);
    assert.equal(answer!.text.replace(/^```html\n/, '').replace(/\n```$/, '\n'), SHOP);
    assert.match(words!.text, /^Change the code: larger heading\n/);
    await goTo(1, 1);
    await window.press('Control+z');
    await awaitCode(SHOP);
    await preview.result.getByAltText('Logo of the shop').waitFor();
  });

  it('stops, and stops where the document is changed meanwhile', async () => {
    await refine('slowly');
    await preview.awaitStatus('Writing the code');
    await preview.button('Stop').click();
    await preview.awaitStatus('Stopped. The code is incomplete.');
    await refine('slowly');
    await preview.awaitStatus('Writing the code');
    await goTo(1, 1);
    await window.type('x');
    await preview.awaitStatus('Stopped, because the document was changed meanwhile.');
  });

  it('a hostile page makes no request and runs no script', async () => {
    await refine('hostile');
    await preview.awaitStatus('The code is complete.');
    await until(async () => (await preview.locator('.frame iframe').count()) === 1, 'the result did not load');
    await preview.result.locator('form').first().waitFor({ state: 'attached' });
    await shot('screenshot, hostile');
    assert.deepEqual(outside.seen, []);
    assert.deepEqual(dialogs, []);
    const result = window.page.frames().filter((frame) => frame.url().startsWith('about:srcdoc'));
    assert.equal(result.length, 1);
  });

  it('Add to Project shows the diff of the file, and writes nothing by itself', async () => {
    await refine('larger heading');
    await preview.awaitStatus('The code is complete.');
    await preview.button('Add to Project').click();
    const input = window.page.locator('.quick-input-widget .quick-input-box input');
    await input.fill('site/index.html');
    await input.press('Enter');
    await window.page.waitForSelector('.monaco-diff-editor .line-insert');
    await shot('screenshot, add to project');
    assert.ok(!existsSync(vscode.path('site/index.html')));
    await window.page.locator('.editor-actions .action-label[aria-label^="Apply Proposed Changes"]').click();
    await window.page.waitForSelector('.monaco-diff-editor', { state: 'detached' });
    const saved = (): string =>
      existsSync(vscode.path('site/index.html')) ? readFileSync(vscode.path('site/index.html'), 'utf8') : '';
    await window.page.waitForSelector('.tab.active[data-resource-name="index.html"]');
    await window.page.waitForSelector('.editor-group-container.active .monaco-editor.focused');
    await window.press('Control+s');
    await until(() => saved() === LARGER, 'the file was not saved');
  });

  for (const theme of THEMES) {
    it(`axe-core finds nothing in the panel: ${theme}`, async () => {
      vscode.configure({ 'workbench.colorTheme': theme });
      const kind = theme.includes('High') ? 'high-contrast' : theme.includes('Dark') ? 'dark' : 'light';
      await preview.locator(`body.vscode-${kind}`).waitFor();
      await shot(`screenshot, ${kind}`);
      const axe = readFileSync('node_modules/axe-core/axe.min.js', 'utf8');
      const { violations } = await preview.locator('body').evaluate((_, source): Promise<AxeResults> => {
        const evaluate = eval;
        evaluate(source);
        document.documentElement.style.background = 'var(--vscode-editor-background)';
        return (globalThis as unknown as { axe: { run(o: object): Promise<AxeResults> } }).axe.run({ iframes: false });
      }, axe);
      assert.deepEqual(
        violations.map(({ id, nodes }) => `${id}: ${nodes.map((node) => node.html).join(' ')}`),
        [],
      );
    });
  }

  it('closing the preview while it is written stops that, and the picture goes with it', async () => {
    await refine('slowly');
    await preview.awaitStatus('Writing the code');
    const { file } = lastMessages()[1]!.images[0]!;
    assert.ok(existsSync(file));
    await preview.close();
    await until(() => !existsSync(file), 'the picture is still there');
    const written = await preview.code();
    assert.match(written, /^<!DO/);
    assert.ok(written.length < SHOP.length);
  });

  it('a component comes alive once scripts are allowed', async () => {
    preview = await PreviewPanel.open(window, 'shop.png', 'React and TypeScript');
    await preview.awaitStatus('The code is complete.');
    await preview.button('Allow Scripts').click();
    await preview.result.getByRole('button', { name: 'Bought: 0' }).waitFor();
    await preview.result.getByRole('button').press('Enter');
    await preview.result.getByRole('button', { name: 'Bought: 1' }).waitFor();
    await shot('screenshot, component');
    await preview.close();
  });

  it('like this project: package.json and a component of it are read', async function () {
    if (process.env.AIRGAP_CODE_SERVER === OLDEST) {
      console.log(`    skipped: code-server ${OLDEST} comes without ripgrep, which finds the project's files`);
      return this.skip();
    }
    preview = await PreviewPanel.open(window, 'shop.png', 'Like this project');
    await preview.awaitStatus('The code is complete.');
    const { text } = lastMessages()[1]!;
    for (const [name, content] of Object.entries(PROJECT)) {
      assert.equal(text.includes(content.trim()), name !== 'src/main.tsx', text);
    }
    await preview.locator('p', { hasText: 'In the style of src/components/PriceCard.tsx.' }).waitFor();
    await preview.button('Allow Scripts').click();
    await preview.result.locator('[title="./Badge"]').getByText('New').waitFor();
    await preview.button('Add to Project').click();
    const input = window.page.locator('.quick-input-widget .quick-input-box input');
    await until(async () => (await input.inputValue()) === 'src/components/Screenshot.tsx', 'another path is proposed');
    await shot('screenshot, like this project');
    await input.press('Escape');
  });
});

/** A PNG file: red on the left, white elsewhere. */
function redSquare(width: number, height: number): Uint8Array {
  const data = new Uint8Array(width * height * 3).fill(255);
  for (let i = 0; i < width * height; i++) if (i % width < width / 3) data.set([200, 0, 0], 3 * i);
  return encode({ width, height, data, channels: 3 });
}
