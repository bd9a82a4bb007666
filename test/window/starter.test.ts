import assert from 'node:assert/strict';
import { mkdirSync, readFileSync } from 'node:fs';
import { VsCode, until } from './vscode.ts';
import { EditorWindow } from './window.ts';

const SAMPLE = 'test/fixtures/sample-project';
/** The picture in README is written where AIRGAP_SHOTS asks for it; CI keeps its own beside the build. */
const SHOTS = process.env.AIRGAP_SHOTS ? 'media' : process.env.CI && 'dist';

/** Lines that a person might begin at the end of the sample's files; VS Code indents them. */
const BEGUN: Record<string, string[]> = {
  'typescript/garden.ts': ['export class Shed {\nprivate readonly pl', 'constructor(readonly na'],
  'python/garden.py': ['def total(beds: list[Bed]) -> float:\ntotal = 0\nfor bed in ', 'return '],
  'rust/src/main.rs': ['impl Default for Plant {\nfn default() -> ', 'pub fn size(&self) -> '],
};

describe('the model that comes with the extension, on the sample project', () => {
  const name = (path: string) => path.split('/').at(-1)!;
  let vscode: VsCode;
  let window: EditorWindow;
  let shown = 0;

  before(async () => {
    const files = Object.keys(BEGUN).map((path) => [name(path), `${readFileSync(`${SAMPLE}/${path}`, 'utf8')}\n`]);
    vscode = await VsCode.start({ files: Object.fromEntries(files) });
    window = await EditorWindow.open(vscode);
  });
  after(async () => {
    await window?.[Symbol.asyncDispose]();
    await vscode?.[Symbol.asyncDispose]();
  });

  for (const [path, begun] of Object.entries(BEGUN)) {
    it(`is asked in ${path}`, async () => {
      const lines = readFileSync(`${SAMPLE}/${path}`, 'utf8').split('\n').length;
      await window.openFile(name(path), lines + 1, 1);
      await window.awaitStatus(/Ready\. Model: starter/);
      for (const text of begun) {
        const asked = vscode.answers().length;
        await window.type(text);
        await until(() => vscode.answers().length > asked, 'the engine did not answer');
        await window.page.waitForTimeout(1000);
        if ((await window.ghostText()) !== '' && shown++ === 0) await screenshot(window);
        await window.press('Escape');
        await window.type('\n');
      }
    });
  }

  it('has shown grey text', () => assert.ok(shown > 0));
});

async function screenshot(window: EditorWindow): Promise<void> {
  if (!SHOTS) return;
  mkdirSync(SHOTS, { recursive: true });
  await window.page.screenshot({ path: `${SHOTS}/ghost-text.png` });
}
