import assert from 'node:assert/strict';
import { parrotModel } from '../support/engine/parrotModel.ts';
import { VsCode, until } from './vscode.ts';
import { EditorWindow } from './window.ts';

const CURSOR_LINE = 200;
const LINES = Array.from({ length: 400 }, (_, i) =>
  i === CURSOR_LINE - 1 ? '' : `value_${i} = compute(${i}, "name")`,
);

describe('a whole file in a window', () => {
  const model = parrotModel(['flowers.append(new_plant)'], { chat: true });
  let vscode: VsCode;
  let window: EditorWindow;
  before(async () => {
    vscode = await VsCode.start({
      files: { 'garden.py': `${LINES.join('\n')}\n` },
      machine: { 'airgap.completion.model': model.path },
    });
    window = await EditorWindow.open(vscode);
  });
  after(async () => {
    await window?.[Symbol.asyncDispose]();
    await vscode?.[Symbol.asyncDispose]();
    model.remove();
  });

  it('is read while one pauses; the status says what a completion saw, before and after', async () => {
    await window.openFile('garden.py', CURSOR_LINE, 1);
    await window.awaitStatus(/Ready\. Model/);
    const statuses = await window.recordStatuses();
    await window.type('flowers.app');
    await window.awaitGhostText('end(new_plant)');
    await window.awaitStatus(/Context of the last completion: lines \d+-\d+ of 401\./);
    const asked = vscode.answers().length;
    // Without a key the file is prefilled, and the model is not asked.
    const isReading = (status: string) => status.includes('Reading the rest of the file');
    await until(async () => {
      const seen = await statuses();
      return seen.some(isReading) && !isReading(seen.at(-1)!);
    }, 'the file was not prefilled');
    assert.equal(vscode.answers().length, asked);
    // A key that the grey text does not foresee.
    await window.type('x');
    await window.awaitStatus(/Context of the last completion: the whole file\./);
    await until(() => vscode.answers().length > asked, 'the model was not asked');
    const { reused, prefilled } = vscode.answers().at(-1)!;
    assert.ok(reused > 3000 && prefilled < 10, `reused ${reused}, prefilled ${prefilled}`);
  });
});
