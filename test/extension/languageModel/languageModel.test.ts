import assert from 'node:assert/strict';
import { existsSync, readFileSync, statSync } from 'node:fs';
import { dirname } from 'node:path';
import { textTurn } from '../../../engine/wire/chatTurns.ts';
import type * as vscode from 'vscode';
import { EngineFailure } from '../../../engine/wire/failure.ts';
import { LocalModel, registerLanguageModel } from '../../../extension/languageModel/languageModel.ts';
import type { EngineState } from '../../../extension/engine/engine.ts';
import type { RemoteServer } from '../../../extension/remote/server.ts';
import { readSettings } from '../../../extension/settings.ts';
import { FakeModel } from '../../support/extension/fakeChat.ts';
import { GIF, plainPng } from '../../support/pictureFiles.ts';
import { until } from '../../support/until.ts';
import { EventEmitter, LanguageModelTextPart, lm } from '../../support/extension/vscodeStub.ts';
import { GREEDY_SAMPLING } from '../../support/engine/greedySampling.ts';

const INFO = {
  modelId: '',
  contextLength: 1024,
  longestAnswer: 512,
  images: null,
  backend: 'wasm',
  chat: true,
  device: '',
  notes: [],
  bytes: 0,
  sampling: GREEDY_SAMPLING,
} as const;
const ready = (name: string): EngineState => ({
  kind: 'ready',
  model: { ...INFO, name, notes: [] },
  notes: [],
});
const [USER, ASSISTANT, SYSTEM] = [1, 2, 3];

class Setup {
  readonly model = new FakeModel();
  readonly changes = new EventEmitter<void>();
  readonly states = new EventEmitter<EngineState>();
  folder = '/models/phi-3-mini';
  temperature: number | null = null;
  server: RemoteServer | undefined;
  readonly engine = Object.assign(this.model, {
    state: { kind: 'off' } as EngineState,
    onDidChangeState: this.states.event,
  });
  readonly host = {
    model: this.engine,
    server: (): RemoteServer | undefined => this.server,
    settings: () =>
      readSettings(
        (key) => ({ 'completion.model': this.folder, 'chat.temperature': this.temperature })[key as 'completion.model'],
      ).settings,
  };
  readonly provider = new LocalModel(this.host);

  get information(): vscode.LanguageModelChatInformation {
    return this.provider.provideLanguageModelChatInformation()[0]!;
  }

  /** Returns the answer's parts and a way to cancel. */
  ask(messages: [role: number, ...parts: unknown[]][]) {
    const said: string[] = [];
    const cancelled = new EventEmitter<void>();
    const token = { isCancellationRequested: false, onCancellationRequested: cancelled.event } as never;
    const asked = messages.map(([role, ...content]) => ({ role, content, name: undefined }));
    const progress = { report: ({ value }: { value: string }) => said.push(value) } as never;
    const done = this.provider.provideLanguageModelChatResponse(this.information, asked, {} as never, progress, token);
    return { said, done, cancel: () => cancelled.fire() };
  }
}
const text = (value: string) => new LanguageModelTextPart(value);

describe('language model', () => {
  it('is described before it is loaded, and anew once it is', () => {
    const setup = new Setup();
    let changes = 0;
    setup.provider.onDidChangeLanguageModelChatInformation(() => changes++);
    const { name, family, maxInputTokens, maxOutputTokens, capabilities } = setup.information;
    assert.deepEqual([name, family, maxInputTokens, maxOutputTokens], ['phi-3-mini', 'local', 3072, 1024]);
    assert.deepEqual(capabilities, { imageInput: false, toolCalling: false });
    for (const fraction of [0, 0.5]) {
      setup.engine.state = { kind: 'loading', fraction };
      setup.states.fire(setup.engine.state);
    }
    setup.engine.state = ready('Phi-3 mini');
    setup.states.fire(setup.engine.state);
    assert.equal(changes, 2);
    assert.deepEqual([setup.information.name, setup.information.maxInputTokens], ['Phi-3 mini', 512]);
    setup.engine.state = { kind: 'off' };
    setup.folder = '/models/SmolLM2.Q4_1.gguf';
    assert.equal(setup.information.name, 'SmolLM2.Q4_1');
    setup.folder = 'bundled:starter';
    assert.deepEqual([setup.information.name, setup.information.family], ['Airgap starter model', 'airgap-starter']);
  });

  it('says that its requests go to a server, where one answers', () => {
    const setup = new Setup();
    assert.match(setup.information.tooltip!, /Nothing leaves it\.$/);
    setup.folder = '';
    setup.server = { url: 'https://gpu.example:8000', model: 'microsoft/Phi-3-medium' };
    const { name, tooltip } = setup.information;
    assert.deepEqual([name, tooltip], ['Phi-3-medium', 'Runs on gpu.example:8000. Requests go there.']);
  });

  it('says where the answer was stopped because it repeated itself', async () => {
    const setup = new Setup();
    setup.model.script = () => ({ parts: ['Again.', ' Again.'], stop: 'repetition' });
    const { said, done } = setup.ask([[USER, text('Hello')]]);
    await done;
    assert.equal(said.join(''), 'Again. Again.\n\n(The answer repeated itself and was stopped.)');
  });

  it('answers in parts, with the roles of a conversation', async () => {
    const setup = new Setup();
    const { said, done } = setup.ask([
      [SYSTEM, text('Be brief.')],
      [USER, text('Hello'), text('!')],
      [ASSISTANT, text('Hi.')],
      [USER, text('Why?')],
    ]);
    await done;
    assert.deepEqual(said, ['An ', 'answer.']);
    assert.deepEqual(setup.model.requests[0]!.messages, [
      textTurn('system', 'Be brief.'),
      textTurn('user', 'Hello!'),
      textTurn('assistant', 'Hi.'),
      textTurn('user', 'Why?'),
    ]);
    assert.equal(setup.model.requests[0]!.maxTokens, 1024);
    assert.deepEqual(Object.keys(setup.model.requests[0]!.sampling!), ['seed']);
    assert.equal(setup.model.running, 0);
    setup.temperature = 1;
    await setup.ask([[USER, text('Hello'), text('!')]]).done;
    assert.equal(setup.model.requests[1]!.sampling!.temperature, 1);
    assert.equal(setup.model.requests[1]!.sessionId, setup.model.requests[0]!.sessionId);
  });

  it('stops when it is told to, and keeps others apart', async () => {
    const setup = new Setup();
    setup.model.script = () => ({ parts: ['one'], hang: true });
    const [first, second] = [setup.ask([[USER, text('Count.')]]), setup.ask([[USER, text('Count.')]])];
    await until(() => first.said.length === 1 && second.said.length === 1);
    assert.equal(setup.model.running, 2);
    assert.notEqual(setup.model.requests[0]!.sessionId, setup.model.requests[1]!.sessionId);
    first.cancel();
    await first.done;
    assert.equal(setup.model.running, 1);
    second.cancel();
    await second.done;
  });

  it('shows images to the model as private files, which are gone afterwards', async () => {
    const setup = new Setup();
    setup.model.costs = [{ mostCrops: 16, tokens: 1921, seconds: null }];
    setup.engine.state = {
      kind: 'ready',
      model: { ...INFO, name: 'eyes', notes: [], images: { mostCrops: 16 } },
      notes: [],
    };
    assert.equal(setup.information.capabilities.imageInput, true);
    const png = plainPng(3, 2);
    const files: string[] = [];
    setup.model.script = ({ messages }) => {
      for (const piece of messages.flatMap(({ content }) => content)) {
        if (piece.type === 'text') continue;
        files.push(piece.file);
        assert.deepEqual(readFileSync(piece.file), png);
        if (process.platform !== 'win32') assert.equal(statSync(piece.file).mode & 0o777, 0o600);
      }
      return {};
    };
    const image = { mimeType: 'image/png', data: new Uint8Array(png) };
    await setup.ask([
      [USER, text('This'), image, text('is'), text(' what?')],
      [USER, image],
    ]).done;
    const [turn, ...others] = setup.model.requests[0]!.messages;
    const pieces = turn!.content.map((piece) => (piece.type === 'text' ? piece.text : 'image'));
    assert.deepEqual([pieces, others], [['This', 'image', 'is what?\n\n', 'image'], []]);
    assert.equal(files.length, 2);
    setup.model.script = () => ({ fail: new EngineFailure({ kind: 'engineGone', message: 'It ended.' }) });
    await assert.rejects(setup.ask([[USER, image]]).done, { message: 'It ended.' });
    assert.deepEqual(
      files.filter((file) => existsSync(dirname(file))),
      [],
    );
    const token = { isCancellationRequested: false, onCancellationRequested: () => ({ dispose() {} }) };
    const message = { role: USER!, content: [text('four'), image], name: undefined };
    assert.equal(await setup.provider.provideTokenCount(setup.information, message, token), 1925);
  });

  it('says in one sentence what it cannot do', async () => {
    const setup = new Setup();
    for (const [part, sentence] of [
      [{ callId: 'tool' }, /^Error: The local model supports text and images only, not files or tools\.$/],
      [
        { mimeType: 'image/jpeg', data: plainPng(1, 1) },
        /^Error: The local model takes PNG images only, not image\/jpeg\.$/,
      ],
      [{ mimeType: 'image/png', data: GIF }, /^Error: An image is no PNG file, or too large\.$/],
    ] as const) {
      await assert.rejects(setup.ask([[USER, text('See'), part]]).done, sentence);
    }
    assert.deepEqual([setup.model.requests, setup.model.running], [[], 0]);
    setup.model.script = () => ({ fail: new EngineFailure({ kind: 'engineGone', message: 'It ended.' }) });
    await assert.rejects(setup.ask([[USER, text('Why?')]]).done, { message: 'It ended.' });
    assert.equal(setup.model.running, 0);
  });

  it('counts tokens of texts and messages', async () => {
    const setup = new Setup();
    const { provider, information } = setup;
    const token = { isCancellationRequested: false, onCancellationRequested: () => ({ dispose() {} }) };
    const counting = provider.provideTokenCount(information, 'four', token);
    assert.equal(await counting, 4);
    const message = { role: USER!, content: [text('one'), text('two'), {}], name: undefined };
    assert.equal(await provider.provideTokenCount(information, message, token), 6);
  });

  it('is registered where VS Code has the interface, and nowhere else', () => {
    const { host } = new Setup();
    registerLanguageModel(host).dispose();
    const vendors: string[] = [];
    let isRegistered = false;
    lm.registerLanguageModelChatProvider = (vendor) => {
      vendors.push(vendor);
      isRegistered = true;
      return { dispose: () => (isRegistered = false) };
    };
    try {
      const registration = registerLanguageModel(host);
      assert.ok(isRegistered);
      registration.dispose();
      assert.equal(isRegistered, false);
      assert.deepEqual(vendors, ['airgap']);
    } finally {
      delete lm.registerLanguageModelChatProvider;
    }
  });
});
