import assert from 'node:assert/strict';
import { isRunning } from '../../.ci/processes.ts';
import { parrotModel } from '../support/engine/parrotModel.ts';
import { VsCode, until } from './vscode.ts';
import { EditorWindow } from './window.ts';

/** The cursor position (`|`), the text typed there, and the ghost text that the parrot model then shows. */
const CASES = [
  {
    name: 'price.ts',
    text: 'export function price(weight: number): number {\n|\n}\n',
    typed: '  const amo',
    ghost: 'unt = price * weight;',
  },
  { name: 'flowers.py', text: 'def add(flowers, new_plant):\n|\n', typed: '    flowers.app', ghost: 'end(new_plant)' },
  { name: 'flower.rs', text: 'struct Flower;\n|\n', typed: 'impl Disp', ghost: 'lay for Flower {' },
];

/** Every test has a file of its own; the explorer shows so many without scrolling. */
const COPIES = [...'abcdef'];

describe('ghost text in a window', () => {
  const model = parrotModel([
    'const amount = price * weight;',
    'flowers.append(new_plant)',
    'impl Display for Flower {',
  ]);
  let vscode: VsCode;
  let window: EditorWindow;

  before(async () => {
    vscode = await VsCode.start({
      files: Object.fromEntries(
        CASES.flatMap(({ name, text }) => COPIES.map((copy) => [copy + name, text.replace('|', '')])),
      ),
      machine: { 'airgap.completion.model': model.path },
    });
    window = await EditorWindow.open(vscode);
  });
  afterEach(() => vscode.configure({}));
  after(async () => {
    await window?.[Symbol.asyncDispose]();
    await vscode?.[Symbol.asyncDispose]();
    model.remove();
  });

  /** Opens a fresh copy of the case's file, waits for the engine, and types up to the grey text. Gives the copy's name. */
  const unused = new Map(CASES.map(({ name }) => [name, COPIES.map((copy) => copy + name)]));
  const typeCase = async ({ name, text, typed, ghost }: (typeof CASES)[number]): Promise<string> => {
    const copy = unused.get(name)!.shift()!;
    await window.openFile(copy, text.slice(0, text.indexOf('|')).split('\n').length, 1);
    await window.awaitStatus(/Ready\. Model/);
    await window.type(typed);
    await window.awaitGhostText(ghost);
    return copy;
  };

  for (const each of CASES) {
    it(`${each.name}: "${each.typed.trim()}" shows "${each.ghost}", and Tab inserts exactly that`, async () => {
      const file = await typeCase(each);
      await window.press('Tab');
      assert.equal(await window.savedText(file), each.text.replace('|', each.typed + each.ghost));
    });
  }

  it('typing through the grey text keeps the rest, without asking the model again', async () => {
    await typeCase(CASES[0]!);
    const asked = vscode.answers().length;
    await window.type('unt =');
    await window.awaitGhostText(' price * weight;');
    assert.equal(vscode.answers().length, asked);
  });

  it('Escape dismisses the grey text', async () => {
    const file = await typeCase(CASES[0]!);
    await window.press('Escape');
    await window.awaitGhostText('');
    assert.equal(await window.savedText(file), CASES[0]!.text.replace('|', CASES[0]!.typed));
  });

  it('one more character does not prefill the prompt again', async () => {
    await typeCase(CASES[0]!);
    const asked = vscode.answers().length;
    // Not what the grey text says, so that the model is asked.
    await window.type('x');
    await until(() => vscode.answers().length > asked, 'the model was not asked');
    const { reused, prefilled } = vscode.answers().at(-1)!;
    assert.ok(reused >= 10 && prefilled <= 3, `reused ${reused}, prefilled ${prefilled}`);
  });

  it('the status bar says that it is ready, with which model and on what', async () => {
    const status = await window.awaitStatus(/Ready\. Model/);
    assert.match(status, /Backend: (wasm|webgpu)/);
    await typeCase(CASES[2]!);
    await window.awaitStatus(/Context of the last completion: the whole file\./);
  });

  it('a folder without a model gives one sentence, and the next good folder works', async () => {
    vscode.configure({ 'airgap.completion.model': '/nowhere' });
    await window.awaitStatus(/error[^]*\/nowhere does not exist\./);
    vscode.configure({});
    await typeCase(CASES[0]!);
  });

  it('turned off, no engine process is left; turned on, it comes back', async () => {
    const [pid] = await vscode.engines();
    assert.ok(pid, 'no engine process');
    await window.command('Airgap: Turn Off Completions');
    await window.awaitStatus(/off/i);
    await until(() => !isRunning(pid), `engine ${pid} still runs`);
    assert.deepEqual(await vscode.engines(), []);
    await window.command('Airgap: Turn On Completions');
    await typeCase(CASES[1]!);
  });

  it('an engine that is killed is named in the status bar, and starts again by itself', async () => {
    await typeCase(CASES[1]!);
    const [pid] = await vscode.engines();
    process.kill(pid!, 'SIGKILL');
    await window.awaitStatus(/It restarts in/);
    await typeCase(CASES[2]!);
    assert.notDeepEqual(await vscode.engines(), [pid]);
  });
});
