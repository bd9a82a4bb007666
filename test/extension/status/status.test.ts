import assert from 'node:assert/strict';
import { menuLines } from '../../../extension/status/menu.ts';
import { readSettings } from '../../../extension/settings.ts';
import { type Activity, Status, type StatusState } from '../../../extension/status/status.ts';
import { fake } from '../../support/extension/vscodeStub.ts';
import { GREEDY_SAMPLING } from '../../support/engine/greedySampling.ts';

const MODEL = {
  modelId: 'm',
  chat: false,
  name: 'starter',
  contextLength: 1024,
  longestAnswer: 512,
  images: null,
  backend: 'wasm',
  device: '2 threads',
  notes: ['WebGPU is not used: no adapter.'],
  bytes: 1,
  sampling: GREEDY_SAMPLING,
} as const;
const ready: StatusState = { kind: 'ready', model: { ...MODEL, notes: [...MODEL.notes] }, notes: ['A note.'] };
const idle: Activity = {
  working: false,
  reading: false,
  seen: undefined,
  engineRuns: false,
  chat: undefined,
  server: '',
};
const LOCAL = { place: 'Local only', sent: 'Nothing was sent over a network.', goes: '' };
const failed = (remedy: 'restart' | 'chooseModel' | 'settings' | 'server'): StatusState => ({
  kind: 'failed',
  message: 'The folder /m does not exist.',
  remedy,
  retrying: false,
});

describe('status bar', () => {
  const cases: { state: StatusState; text: string; sentence: RegExp; first: string }[] = [
    {
      state: { kind: 'disabled' },
      text: '$(circle-slash) Airgap: off',
      sentence: /The engine is not running\.$/,
      first: 'enable',
    },
    {
      state: { kind: 'snoozed', until: Date.now() },
      text: '$(bell-slash) Airgap: snoozed',
      sentence: /^Airgap: Snoozed until .*\d\d:\d\d/,
      first: 'disable',
    },
    {
      state: { kind: 'off' },
      text: '$(sparkle) Airgap',
      sentence: /will start with the next completion/,
      first: 'disable',
    },
    {
      state: { kind: 'sleeping', because: 'idle' },
      text: '$(sparkle) Airgap: sleeping',
      sentence: /not used for a while[^]*will load when you go on in the editor\.$/,
      first: 'disable',
    },
    {
      state: { kind: 'sleeping', because: 'memory' },
      text: '$(sparkle) Airgap: sleeping',
      sentence: /The chat needed the memory/,
      first: 'disable',
    },
    {
      state: { kind: 'starting' },
      text: '$(loading~spin) Airgap: starting',
      sentence: /The engine is starting\.$/,
      first: 'disable',
    },
    {
      state: { kind: 'off', server: 'gpu:8000' },
      text: '$(sparkle) Airgap',
      sentence: /gpu:8000 will be asked with the next completion\.$/,
      first: 'disable',
    },
    {
      state: { kind: 'starting', server: 'gpu:8000' },
      text: '$(loading~spin) Airgap: connecting',
      sentence: /Connecting to gpu:8000$/,
      first: 'disable',
    },
    {
      state: { kind: 'loading', fraction: 0.479 },
      text: '$(loading~spin) Airgap: 47%',
      sentence: /Loading the model: 47%\.$/,
      first: 'disable',
    },
    {
      state: ready,
      text: '$(sparkle) Airgap',
      sentence:
        /^Airgap: Ready\. Model: starter\. Backend: wasm \(2 threads\)\.\nA note\.\nWebGPU is not used: no adapter\.$/,
      first: 'disable',
    },
    ...(['restart', 'chooseModel', 'settings', 'server'] as const).map((remedy) => ({
      state: failed(remedy),
      text: '$(warning) Airgap: error',
      sentence: /^Airgap: The folder \/m does not exist\.\nClick to [a-z, ]+\.$/,
      first: { restart: 'restartEngine', chooseModel: 'chooseModel', settings: 'openSettings', server: 'useServer' }[
        remedy
      ],
    })),
  ];
  for (const { state, text, sentence, first } of cases) {
    it(`${text}: the menu begins with ${first}`, () => {
      new Status('menu').show(state, idle);
      const item = fake.statusItems.at(-1)!;
      assert.equal(item.text, text);
      const { label } = item.accessibilityInformation;
      assert.match(label, sentence);
      const awake = state.kind !== 'disabled' && state.kind !== 'snoozed';
      const commands = awake ? ['disable', 'snooze?%5B15%5D'] : [state.kind === 'disabled' ? 'enable' : 'endSnooze'];
      assert.ok(item.tooltip.value.startsWith(label));
      const offered = [...item.tooltip.value.matchAll(/\]\(command:airgap\.([^)]+)\)/g)].map((match) => match[1]);
      assert.deepEqual(offered, commands, 'one click away');
      const lines = menuLines(state, {
        settings: readSettings(() => undefined).settings,
        languageId: 'rust',
        where: LOCAL,
      });
      assert.equal(lines[0]!.command, `airgap.${first}`);
    });
  }

  it('shows that it works, and only where it can', () => {
    const status = new Status('menu');
    status.show(ready, { ...idle, working: true });
    assert.equal(fake.statusItems.at(-1)!.text, '$(loading~spin) Airgap');
    status.show({ kind: 'disabled' }, { ...idle, working: true });
    assert.equal(fake.statusItems.at(-1)!.text, '$(circle-slash) Airgap: off');
  });

  it('says where an engine runs all the same, for the chat', () => {
    const status = new Status('menu');
    for (const state of [{ kind: 'disabled' }, { kind: 'snoozed', until: 0 }] as const) {
      status.show(state, { ...idle, engineRuns: true });
      assert.match(fake.statusItems.at(-1)!.accessibilityInformation.label, /The engine is running for the chat\.$/);
    }
  });

  it('says what goes to a server in every state, and offers to stop that in the menu', () => {
    const status = new Status('menu');
    for (const state of [ready, { kind: 'disabled' }, failed('server')] as const) {
      status.show(state, { ...idle, server: 'Questions go to gpu:8000.' });
      const item = fake.statusItems.at(-1)!;
      assert.match(item.accessibilityInformation.label, /\nQuestions go to gpu:8000\.$/);
      assert.match(item.tooltip.value, /Questions go to gpu:8000\./);
    }
    const { settings } = readSettings((key) => (key === 'remote.url' ? 'https://gpu.example' : undefined));
    const where = { place: 'gpu.example', goes: 'Questions go there.', sent: 'Questions go there.\nNothing was sent.' };
    const lines = menuLines(ready, { settings, languageId: undefined, where });
    const [mark] = lines.filter(({ command }) => command === 'airgap.showTraffic');
    assert.deepEqual(
      [mark!.label, mark!.description],
      ['$(server-environment) gpu.example', 'Questions go there. Nothing was sent.'],
    );
    assert.ok(lines.some(({ command }) => command === 'airgap.stopUsingServer'));
  });

  it('names the chat model where it is another one', () => {
    const model = { ...MODEL, name: 'SmolLM2', notes: ['Its window is cut.'] };
    new Status('menu').show(ready, { ...idle, chat: { kind: 'ready', model, notes: [] } });
    const { label } = fake.statusItems.at(-1)!.accessibilityInformation;
    assert.match(label, /\nChat model: SmolLM2\. Backend: wasm \(2 threads\)\.\nIts window is cut\.$/);
  });

  it('says that the chat model sleeps', () => {
    const chat = { kind: 'sleeping', because: 'idle' } as const;
    for (const state of [ready, { kind: 'sleeping', because: 'memory' } as const]) {
      new Status('menu').show(state, { ...idle, chat });
      const { label } = fake.statusItems.at(-1)!.accessibilityInformation;
      assert.match(label, /\nThe chat model is sleeping\. It will load with the next question\.$/);
    }
  });

  it('says how the chat model samples by itself', () => {
    const sampling = { temperature: 0.7, topP: 0.8, topK: 20, minP: 0, repetitionPenalty: 1.1 };
    const model = { ...MODEL, notes: [], chat: true, sampling };
    new Status('menu').show(ready, { ...idle, chat: { kind: 'ready', model, notes: [] } });
    const { label } = fake.statusItems.at(-1)!.accessibilityInformation;
    assert.match(
      label,
      /\nChat answers by default: temperature 0\.7, top-p 0\.8, top-k 20, repetition penalty 1\.1\.$/,
    );
  });

  const seen: [lines: [number, number][], totalLines: number, sentence: string][] = [
    [
      [
        [1, 40],
        [180, 420],
      ],
      900,
      'Context of the last completion: lines 1-40 and 180-420 of 900.',
    ],
    [[[7, 7]], 9, 'Context of the last completion: line 7 of 9.'],
    [[[1, 900]], 900, 'Context of the last completion: the whole file.'],
  ];
  for (const [lines, totalLines, sentence] of seen) {
    it(`tells what was in the window: ${sentence}`, () => {
      const status = new Status('menu');
      const label = (): string => fake.statusItems.at(-1)!.accessibilityInformation.label;
      status.show(ready, { ...idle, seen: { lines, totalLines }, reading: true });
      assert.ok(label().endsWith(`\n${sentence}\nReading the rest of the file in the background…`), label());
      status.show(ready, { ...idle, seen: { lines, totalLines } });
      assert.ok(label().endsWith(sentence));
      status.show(failed('restart'), { ...idle, seen: { lines, totalLines } });
      assert.ok(!label().includes(sentence));
    });
  }
});
