import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { until, VsCode } from './vscode.ts';
import { EditorWindow } from './window.ts';

const SAMPLE = 'test/fixtures/sample-project';

interface Case {
  file: string;
  /** The lines that follow the sample's own. A person types at the end of the one that is blank but for its indent. */
  begun: string[];
  typed: string;
  /**
   * Decoding is greedy. These completions are the same with weights in f32 and in f16, so no rounding on another machine
   * decides between two tokens, or whether a line goes on.
   */
  completion: string;
}

const CASES: Case[] = [
  {
    file: 'typescript/garden.ts',
    begun: [
      'export class Shed {',
      '  readonly #plants: Plant[] = [];',
      '',
      '  add(plant: Plant): void {',
      '    this.#plants.push(plant);',
      '  }',
      '',
      '  find(name: string): Plant | undefined {',
      '    ',
      '  }',
      '}',
    ],
    typed: 'return this.',
    completion: '#plants.find(name',
  },
  {
    file: 'python/garden.py',
    begun: [
      'class Shed:',
      '    def __init__(self) -> None:',
      '        self.plants: list[Plant] = []',
      '',
      '    def add(self, plant: Plant) -> None:',
      '        self.plants.append(plant)',
      '',
      '    def find(self, name: str) -> Plant | None:',
      '        for plant in self.plants:',
      '            if plant.name == name:',
      '                ',
      '        return None',
    ],
    typed: 'ret',
    completion: 'urn plant',
  },
  {
    file: 'rust/src/main.rs',
    begun: [
      'pub struct Shed {',
      '    plants: Vec<Plant>,',
      '}',
      '',
      'impl Shed {',
      '    pub fn add(&mut self, plant: Plant) {',
      '        self.plants.push(plant);',
      '    }',
      '',
      '    pub fn len(&self) -> usize {',
      '        ',
      '    }',
      '}',
    ],
    typed: 'self.',
    completion: 'plants.len()',
  },
];

describe('the starter model, on the sample project', () => {
  const nameOf = (path: string) => path.split('/').at(-1)!;
  const textOf = ({ file, begun }: Case) => `${readFileSync(`${SAMPLE}/${file}`, 'utf8')}\n${begun.join('\n')}\n`;
  let vscode: VsCode;
  let window: EditorWindow;

  before(async () => {
    vscode = await VsCode.start({
      files: Object.fromEntries(CASES.map((each) => [nameOf(each.file), textOf(each)])),
      machine: { 'airgap.completion.model': 'bundled:starter' },
      // A GPU rounds otherwise.
      settings: { 'airgap.engine.backend': 'wasm' },
    });
    window = await EditorWindow.open(vscode);
  });
  after(async () => {
    await window?.[Symbol.asyncDispose]();
    await vscode?.[Symbol.asyncDispose]();
  });

  for (const each of CASES) {
    const { file, typed, completion } = each;
    it(`${file}: "${typed}" is completed by "${completion}", which Tab accepts`, async () => {
      const text = textOf(each);
      const lines = text.split('\n');
      const at = lines.findLastIndex((line) => line !== '' && line.trim() === '');
      await window.openFile(nameOf(file), at + 1, lines[at]!.length + 1);
      await window.awaitStatus(/Ready\. Model: starter/);
      await window.type(typed);
      await window.awaitGhostText(completion);
      if (each === CASES[0]) await seeOthers(window, completion);
      await window.press('Tab');
      assert.equal(await window.savedText(nameOf(file)), lines.with(at, lines[at]! + typed + completion).join('\n'));
    });
  }
});

/** VS Code's keys for the next and the previous of several texts. */
async function seeOthers(window: EditorWindow, completion: string): Promise<void> {
  await window.press('Alt+]');
  await until(async () => !['', completion].includes(await window.ghostText()), 'no other text is offered');
  await window.press('Alt+[');
  await window.awaitGhostText(completion);
}
