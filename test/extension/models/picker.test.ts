import assert from 'node:assert/strict';
import { chooseModel } from '../../../extension/models/picker.ts';
import { listedModel } from '../../support/extension/listedModel.ts';
import { ModelsWindow } from '../../support/extension/modelsWindow.ts';

const STARTER = listedModel({
  place: 'bundled',
  name: 'starter',
  path: '/media/starter',
  id: null,
  origin: null,
  chat: false,
});
const SMALL = listedModel({
  ...STARTER,
  name: 'SmolLM2-135M-Instruct',
  path: '/media/chat-model/SmolLM2-135M-Instruct.Q4_1.gguf',
  chat: true,
});
const OLLAMA = listedModel({
  place: 'ollama',
  name: 'phi3:mini',
  path: '/ollama/blobs/sha256-1',
  id: null,
  origin: null,
});
const NEW = listedModel({
  ...{ place: 'jan', name: 'vision', path: '/jan/v.gguf', id: null },
  problem: 'The architecture "clip" is not supported.',
});

describe('the command that chooses a model', () => {
  let window: ModelsWindow;

  beforeEach(() => {
    window = new ModelsWindow();
    window.respond = () => [STARTER, SMALL, OLLAMA, NEW];
  });

  /** Runs the command; the user picks the first line that matches, in each quick pick. */
  async function choose(asked: unknown, ...picks: RegExp[]): Promise<void> {
    window.picks.push(...picks);
    await chooseModel(window as never, asked);
  }
  const updates = (): string[] => window.calls.filter((call) => call.includes(' = '));

  it('asks what it is for, then lists what is on this computer by its place, what cannot run last', async () => {
    await choose(undefined, /completions and the chat/, /phi3/);
    const [uses, models] = window.lines;
    assert.deepEqual(uses!.labels, [
      ...['$(sparkle) For completions and the chat', '$(code) For completions', '$(comment-discussion) For the chat'],
    ]);
    assert.deepEqual(models!.labels, [
      ...[
        'Bundled',
        '$(check) starter',
        '$(package) SmolLM2-135M-Instruct',
        'Ollama',
        '$(package) phi3:mini',
        'Other models',
        '$(file) A GGUF file…',
      ],
      ...['$(folder) A model folder…', '$(cloud-download) Download a model…', '$(archive) Import a model…'],
      ...['Cannot be used', '$(circle-slash) vision'],
    ]);
    assert.deepEqual(models!.details.filter(Boolean), [
      '3.4 GB of memory at 4,096 tokens · about 12 tokens/s · MIT · no chat',
      '3.4 GB of memory at 4,096 tokens · about 12 tokens/s · MIT',
      '3.4 GB of memory at 4,096 tokens · about 12 tokens/s · MIT',
      'The architecture "clip" is not supported.',
    ]);
    assert.deepEqual(window.calls, [
      'airgap models --all',
      'completion.model = /ollama/blobs/sha256-1',
      'warm up completion',
    ]);
  });

  it('asked by the chat, it sets the model of the chat alone, and refuses one without a chat template', async () => {
    await choose('chat', /starter/, /phi3/);
    assert.equal(window.lines.length, 1);
    // The starter model completes, and the chat cannot follow it.
    assert.ok(!window.lines[0]!.labels.some((label) => label.includes('The same model')));
    assert.match(window.messages[0]!, /^starter cannot be used\. It is too small/);
    assert.deepEqual(updates(), ['chat.model = /ollama/blobs/sha256-1']);
  });

  it('refuses what cannot run, with the reason, and stays open', async () => {
    await choose('completion', /vision/, /phi3/);
    assert.deepEqual(window.messages, ['vision cannot be used. The architecture "clip" is not supported.']);
    assert.deepEqual(updates(), ['completion.model = /ollama/blobs/sha256-1']);
  });

  it('suggests phi-3-mini for the chat where the memory suffices and it is not here yet', async () => {
    const suggested = /Download Phi-3-mini-4k-instruct-q4…/;
    const labels = (): string => window.lines.at(-1)!.labels.join('\n');
    await choose('chat');
    assert.doesNotMatch(labels(), suggested);
    window.memoryBytes = 16e9;
    await choose('completion');
    assert.doesNotMatch(labels(), suggested);
    await choose('chat', suggested);
    assert.equal(window.calls.at(-1), 'airgap.downloadModel Phi-3-mini-4k-instruct-q4');
    assert.ok(window.lines.at(-1)!.details.some((detail) => detail?.startsWith('microsoft/')));
    window.respond = () => [listedModel({ ...OLLAMA, bytes: 2_393_231_072 })];
    await choose('chat');
    assert.doesNotMatch(labels(), suggested);
  });

  for (const [title, stored, picks, expected] of [
    [
      'only completions: the chat keeps the model that it had from them',
      { 'completion.model': '/old' },
      [/For completions$/, /phi3/],
      ['chat.model = /old', 'completion.model = /ollama/blobs/sha256-1'],
    ],
    [
      'both: the chat has no model of its own any more',
      { 'completion.model': '/old', 'chat.model': '/chat' },
      [/completions and the chat/, /phi3/],
      ['chat.model = ', 'completion.model = /ollama/blobs/sha256-1'],
    ],
    [
      'the starter model, by its name; the chat keeps its own',
      { 'chat.model': '/c' },
      [/For completions$/, /starter/],
      ['chat.model = /c', 'completion.model = bundled:starter'],
    ],
    [
      'the small chat model that comes with the extension, by a name that outlasts updates',
      { 'completion.model': '/c' },
      [/For the chat$/, /SmolLM2/],
      ['chat.model = bundled:SmolLM2-135M-Instruct'],
    ],
    [
      'only completions, while both use the small model by themselves: the chat keeps it',
      { defaultModel: 'bundled:SmolLM2-135M-Instruct' },
      [/For completions$/, /phi3/],
      ['chat.model = bundled:SmolLM2-135M-Instruct', 'completion.model = /ollama/blobs/sha256-1'],
    ],
    [
      'the chat follows completions',
      { 'completion.model': '/c', 'chat.model': '/d' },
      [/For the chat$/, /same model/],
      ['chat.model = '],
    ],
  ] as [string, Record<string, string>, RegExp[], string[]][]) {
    it(title, async () => {
      Object.assign(window.stored, stored);
      await choose(undefined, ...picks);
      assert.deepEqual(updates(), expected);
      const paths = Object.values(stored).filter((value) => value.startsWith('/'));
      assert.deepEqual(window.calls[0], ['airgap models --all', ...paths].join(' '));
    });
  }

  const GPU = { 'remote.url': 'https://gpu.example:8000', 'remote.model': 'phi' };
  for (const [served, pick, left] of [
    ['chat', /For the chat/, 'nothing'],
    ['chatAndCompletions', /For the chat/, 'completions'],
    ['chatAndCompletions', /For completions$/, 'chat'],
    ['chatAndCompletions', /completions and the chat/, 'nothing'],
    ['chat', /For completions$/, 'chat'],
    ['completions', /completions and the chat/, 'nothing'],
  ] as const) {
    it(`a server for ${served}, ${pick.source} a model of this machine: the server is left with ${left}`, async () => {
      const { serverSettings, server } = window;
      serverSettings.set({ ...GPU, 'remote.use': served });
      await choose(undefined, pick, /phi3/);
      assert.deepEqual(serverSettings.stored, { ...GPU, 'remote.use': left });
      assert.equal(server.for('chat') !== undefined, /^chat/.test(left));
      assert.equal(server.for('completion') !== undefined, left === 'completions');
      assert.match(window.calls.at(-1)!, /^warm up/);
    });
  }

  it('without a server, nothing is written about one', async () => {
    await choose('chat', /phi3/);
    assert.deepEqual(window.serverSettings.stored, {});
  });

  it('what a server answers is said to be there, and no model of this machine is marked for it', async () => {
    window.serverSettings.set(GPU);
    await choose(undefined, /For completions$/);
    const [uses, models] = window.lines;
    assert.deepEqual(uses!.details, [undefined, 'Now: the bundled starter model', 'Now: phi on gpu.example:8000']);
    assert.ok(models!.labels.includes('$(check) starter'));
    window.serverSettings.set({ 'remote.use': 'chatAndCompletions' });
    await choose(undefined, /For completions$/);
    assert.deepEqual(window.lines.at(-2)!.details, Array(3).fill('Now: phi on gpu.example:8000'));
    assert.ok(!window.lines.at(-1)!.labels.includes('$(check) starter'));
  });

  it('a file is browsed for where the model of now lies', async () => {
    window.stored['model.folder'] = '/models/old';
    window.path = '/models/new.gguf';
    await choose('completion', /GGUF file/);
    const [dialog] = window.dialogs;
    assert.deepEqual([dialog!.canSelectFiles, dialog!.filters], [true, { GGUF: ['gguf'] }]);
    assert.equal((dialog!.defaultUri as unknown as { path: string }).path, '/models');
    assert.deepEqual(updates(), ['chat.model = /models/old', 'completion.model = /models/new.gguf']);
  });

  it('a model that has failed is tried anew, even where the setting stays', async () => {
    window.chat.become({ kind: 'failed', message: 'Bad.', remedy: 'chooseModel', retrying: false });
    await choose('chat', /phi3/);
    assert.deepEqual(window.calls.slice(1), ['chat.model = /ollama/blobs/sha256-1', 'stop', 'warm up chat']);
  });

  it('a failure to load is one sentence, with a button that asks again', async () => {
    window.chat.next = { kind: 'failed', message: 'It is broken.', remedy: 'chooseModel', retrying: false };
    window.answer = /another/;
    await choose('chat', /phi3/);
    assert.deepEqual(window.messages, ['It is broken. | Choose another']);
    assert.equal(window.calls.at(-1), 'airgap.chooseModel chat');
  });

  it('a search that fails is told; files can still be chosen', async () => {
    window.respond = () => new Error('No program.');
    window.path = '/models/b';
    await choose('chat', /model folder/);
    assert.deepEqual(window.messages, ['No program.']);
    assert.deepEqual(updates(), ['chat.model = /models/b']);
  });

  for (const [title, picks] of [
    ['no purpose', []],
    ['no model', [/For the chat/]],
  ] as const) {
    it(`${title} picked: nothing changes`, async () => {
      await choose(undefined, ...picks);
      assert.deepEqual(updates(), []);
    });
  }
});
