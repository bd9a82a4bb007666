import assert from 'node:assert/strict';
import { textTurn } from '../../../engine/wire/chatTurns.ts';
import { EngineFailure } from '../../../engine/wire/failure.ts';
import type { ChatPart } from '../../../engine/wire/protocol.ts';
import type { ChatModel, CompletionModel, Engine, EngineState, ModelStatus } from '../../../extension/engine/engine.ts';
import type { RemoteModel } from '../../../extension/remote/connection.ts';
import { MixedEngine } from '../../../extension/remote/mixedEngine.ts';
import type { RemoteServer } from '../../../extension/remote/server.ts';
import { FakeServerUse } from '../../support/extension/serverUse.ts';
import { EventEmitter } from '../../support/extension/vscodeStub.ts';
import { completion } from '../../support/extension/windowEngine.ts';

const GPU = { 'remote.url': 'https://gpu.example', 'remote.model': 'phi' };
const BOTH = { ...GPU, 'remote.use': 'chatAndCompletions' };
const open = new AbortController().signal;

/** A model that answers with its name, until it is disposed. */
class NamedModel implements ChatModel, CompletionModel, RemoteModel {
  readonly #changed = new EventEmitter<EngineState>();
  readonly #disposed = new AbortController();
  readonly onDidChangeState = this.#changed.event;
  state: EngineState = { kind: 'off' };
  /** Whether answers wait for the end of the model. */
  hangs = false;

  constructor(
    readonly name: string,
    readonly calls: string[],
  ) {}

  async chat(_: unknown, __: AbortSignal, onPart: (part: ChatPart) => void): ReturnType<ChatModel['chat']> {
    this.calls.push(`${this.name} chat`);
    onPart({ type: 'text', text: this.name });
    if (this.hangs) {
      await new Promise((resolve) => this.#disposed.signal.addEventListener('abort', resolve));
      throw new EngineFailure({ kind: 'cancelled', message: 'It ended.' });
    }
    return {} as never;
  }
  async complete(): ReturnType<CompletionModel['complete']> {
    this.calls.push(`${this.name} complete`);
    return { text: this.name } as never;
  }
  fit = (): never => assert.fail();
  countTokens = async (texts: string[]): Promise<number[]> => texts.map(() => 1);
  likelihoods = async (): Promise<number[]> => [];
  imageCosts = async (): Promise<[]> => [];
  async prefill(): Promise<number> {
    this.calls.push(`${this.name} prefill`);
    return 1;
  }
  typing(): void {
    this.calls.push(`${this.name} typing`);
  }
  warmUp(): void {
    this.calls.push(`${this.name} warm up`);
    this.become({ kind: 'starting' });
  }
  dispose(): void {
    this.calls.push(`${this.name} disposed`);
    this.#disposed.abort();
  }
  become(state: EngineState): void {
    this.state = state;
    this.#changed.fire(state);
  }
}

function setUp(settings: object) {
  const calls: string[] = [];
  const servers: RemoteServer[] = [];
  const made: NamedModel[] = [];
  const window = new FakeServerUse({ ...settings });
  const model = new NamedModel('local', calls);
  const note = (call: string) => (): void => void calls.push(call);
  const local = {
    ...{ chatModel: model, completionModel: model, running: false },
    setStandby: (standby: boolean) => void calls.push(`standby ${standby}`),
    warmUp: (purpose: string) => void calls.push(`warm up ${purpose}`),
    ...{ restart: note('restart'), stop: note('stop'), settingsChanged: note('settings') },
  } as unknown as Engine & { running: boolean };
  const create = (server: RemoteServer): NamedModel => {
    servers.push(server);
    made.push(new NamedModel(`${server.model}${made.length + 1}`, calls));
    return made.at(-1)!;
  };
  const engine = new MixedEngine({ local, use: window.use, chat: create, completion: create });
  const ask = async (): Promise<string> => {
    let said = '';
    const request = { sessionId: 's', messages: [textTurn('user', 'q')], maxTokens: 9 };
    await engine.chatModel.chat(request, open, (part) => (said += part.type === 'text' ? part.text : ''));
    return said;
  };
  const complete = async () => (await engine.completionModel.complete(completion('a'), open)).text;
  return { window, model, local, engine, calls, servers, made, ask, complete };
}

const states = (model: ModelStatus): string[] => {
  const seen: string[] = [];
  model.onDidChangeState(({ kind }) => seen.push(kind));
  return seen;
};

describe('the engine of a window with a server', () => {
  for (const [name, settings, expected] of [
    ['none', {}, ['local', 'local']],
    ['for the chat', GPU, ['phi1', 'local']],
    ['for both', BOTH, ['phi1', 'phi2']],
  ] as const) {
    it(`${name}: ${expected.join(' and ')} answer`, async () => {
      const { ask, complete, engine, servers } = setUp(settings);
      assert.deepEqual([await ask(), await complete(), await ask()], [...expected, expected[0]]);
      assert.equal(servers.length, expected.filter((each) => each !== 'local').length);
      engine.dispose();
    });
  }

  it('nothing is made, asked or read of a key before the first call', () => {
    const { engine, servers, calls, window } = setUp(BOTH);
    window.secrets.get = () => assert.fail('a key was read');
    assert.deepEqual([engine.chatModel.state.kind, engine.completionModel.state.kind], ['off', 'off']);
    engine.completionModel.typing();
    void engine.completionModel.prefill(completion('x'), open);
    assert.deepEqual([servers, calls], [[], []]);
  });

  it('follows the settings at once, and ends what it made', async () => {
    const { window, engine, ask, calls, made, servers } = setUp({});
    const seen = states(engine.chatModel);
    assert.equal(await ask(), 'local');
    window.secrets.set('airgap.remote.key https://gpu.example', 'k');
    window.set(GPU);
    assert.deepEqual(seen, ['off']);
    assert.equal(await ask(), 'phi1');
    assert.deepEqual(servers, [{ url: 'https://gpu.example', model: 'phi', key: 'k' }]);
    made[0]!.become({ kind: 'starting' });
    window.set({ 'chat.maxTokens': 100 });
    assert.ok(!calls.includes('phi1 disposed'));
    window.set({ 'remote.model': 'other' });
    assert.ok(calls.includes('phi1 disposed'));
    assert.equal(await ask(), 'other2');
    window.set({ 'remote.url': '' });
    assert.deepEqual([await ask(), seen], ['local', ['off', 'starting', 'off', 'off']]);
    made[0]!.become({ kind: 'loading', fraction: 0 });
    assert.equal(seen.length, 4);
  });

  it('an answer under way ends when the server is given up; what was said stays said', async () => {
    const { window, ask, calls, made } = setUp(GPU);
    await ask();
    made[0]!.hangs = true;
    const asked = ask();
    while (calls.filter((call) => call === 'phi1 chat').length < 2) await Promise.resolve();
    window.use.pause(true);
    await assert.rejects(asked, { message: 'It ended.' });
    assert.equal(await ask(), 'local');
  });

  it('who gives a server up while its key is read is answered here', async () => {
    const { window, ask, servers } = setUp(GPU);
    const asked = ask();
    window.use.pause(true);
    assert.deepEqual([await asked, servers], ['local', []]);
  });

  for (const [settings, sentence] of [
    [{ ...GPU, 'remote.url': 'http://gpu.example' }, /plain http/],
    [{ ...GPU, 'remote.model': '' }, /No model/],
  ] as const) {
    it(`nothing goes to ${JSON.stringify(settings)}, and no other model answers in its place`, async () => {
      const { engine, ask, servers, calls } = setUp(settings);
      const { state } = engine.chatModel;
      assert.ok(state.kind === 'failed' && state.remedy === 'server');
      assert.match(state.message, sentence);
      await assert.rejects(ask(), { message: state.message });
      assert.deepEqual([servers, calls], [[], []]);
    });
  }

  it('once plain http is confirmed, it goes', async () => {
    const { window, ask } = setUp({ ...GPU, 'remote.url': 'http://gpu.example' });
    await window.use.confirmUnencrypted('http://gpu.example');
    assert.equal(await ask(), 'phi1');
  });

  it('the local completion model is not kept ready beside a server, and is again without one', () => {
    const { window, engine, calls } = setUp(GPU);
    engine.setStandby(true);
    window.set(BOTH);
    window.set({ 'remote.use': 'chat' });
    assert.deepEqual(calls, ['standby true', 'standby false', 'standby true']);
  });

  it('warms up and restarts what answers', async () => {
    const { window, local, engine, calls, ask } = setUp(GPU);
    engine.warmUp('completion');
    engine.warmUp('chat');
    await ask();
    engine.restart();
    assert.deepEqual(calls, ['warm up completion', 'phi1 warm up', 'phi1 chat', 'phi1 disposed', 'restart']);
    calls.length = 0;
    window.set(BOTH);
    calls.length = 0;
    engine.restart();
    assert.deepEqual(calls, []);
    local.running = true;
    engine.restart();
    assert.deepEqual(calls, ['restart']);
  });
});
