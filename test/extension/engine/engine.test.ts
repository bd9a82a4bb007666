import assert from 'node:assert/strict';
import { textTurn } from '../../../engine/wire/chatTurns.ts';
import { existsSync, readFileSync } from 'node:fs';
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { CompleteParams } from '../../../engine/wire/protocol.ts';
import { EngineFailure } from '../../../engine/wire/failure.ts';
import { Config } from '../../../extension/config.ts';
import type { EngineState } from '../../../extension/engine/engine.ts';
import { LocalEngine } from '../../../extension/engine/localEngine.ts';
import { Snooze } from '../../../extension/status/snooze.ts';
import { Status } from '../../../extension/status/status.ts';
import { WindowController } from '../../../extension/status/windowController.ts';
import { type EngineHost, engineHost, isAlive, removeHost, until } from '../../support/extension/engineHost.ts';
import { textDocument } from '../../support/extension/textDocument.ts';
import { fake, window as stubWindow, log } from '../../support/extension/vscodeStub.ts';

const request = (prefix: string): Omit<CompleteParams, 'modelId'> => ({
  sessionId: 'a.ts',
  fileName: 'a.ts',
  languageId: 'typescript',
  prefix,
  suffix: '',
  maxTokens: 8,
  multiline: 'auto',
});
const open = new AbortController().signal;

describe('engine of a window', function () {
  this.timeout(20_000);
  let host: EngineHost;
  let engine: LocalEngine;
  let model = '/m';
  let chatModel: string | undefined;
  let launches = 0;
  const pids = new Set<number>();
  const states: EngineState['kind'][] = [];

  const create = (idleMs: number): LocalEngine =>
    new LocalEngine({
      launch: () => {
        launches++;
        return host;
      },
      model: (purpose) => (purpose === 'chat' && chatModel) || model,
      load: () => ({ backend: 'auto' }),
      log: host.log,
      idleMs,
    });
  const ask = async (prefix: string): Promise<string> => {
    const { text } = await engine.completionModel.complete(request(prefix), open);
    pids.add(engine.pid!);
    return text;
  };
  const gone = async (pid: number): Promise<void> => {
    await until(`process ${pid} ends`, () => !isAlive(pid));
    assert.equal(existsSync(host.address.socket), false, 'the socket file is left');
  };

  before(async () => {
    host = await engineHost();
  });
  beforeEach(() => {
    model = '/m';
    chatModel = undefined;
    launches = 0;
    states.length = 0;
    engine = create(200);
    engine.completionModel.onDidChangeState(({ kind }) => states.push(kind));
  });
  afterEach(async () => {
    engine.dispose();
    await until('the process has gone', () => !existsSync(host.address.socket));
  });
  after(() => removeHost(host, pids));

  it('starts with the first request and ends when stopped', async () => {
    assert.equal(engine.pid, undefined);
    assert.equal(await ask('abc'), 'ABC');
    assert.deepEqual([...new Set(states)], ['starting', 'loading', 'ready']);
    const pid = engine.pid!;
    engine.stop();
    assert.equal(engine.completionModel.state.kind, 'off');
    await gone(pid);
  });

  it('killed: the open call fails with the reason, and it starts again by itself', async () => {
    await ask('abc');
    const pid = engine.pid!;
    const hanging = engine.completionModel.complete(request('hang'), open);
    process.kill(pid, 'SIGKILL');
    await assert.rejects(hanging, (error) => error instanceof EngineFailure && error.kind === 'engineGone');
    assert.deepEqual(engine.completionModel.state, {
      kind: 'failed',
      message: 'The engine process ended. It restarts in 0.5 s.',
      remedy: 'restart',
      retrying: true,
    });
    await assert.rejects(ask('abc'), /The engine process ended\./);
    await until('it is ready again', () => engine.completionModel.state.kind === 'ready');
    assert.equal(await ask('abc'), 'ABC');
    assert.notEqual(engine.pid, pid);
  });

  it('a cancelled request fails at once and leaves the engine as it is', async () => {
    await ask('abc');
    const pid = engine.pid;
    const hanging = engine.completionModel.complete(request('hang'), AbortSignal.timeout(50));
    await assert.rejects(hanging, (error) => error instanceof EngineFailure && error.kind === 'cancelled');
    assert.equal(await ask('abc'), 'ABC');
    assert.equal(engine.pid, pid);
  });

  it('a bad model is one sentence with what mends it; nothing runs until something changes', async () => {
    model = '/missing';
    await assert.rejects(ask('abc'), { message: '/missing is not a folder.' });
    const message = '/missing is not a folder.';
    assert.deepEqual(engine.completionModel.state, { kind: 'failed', message, remedy: 'chooseModel', retrying: false });
    await until('no process is left', () => !existsSync(host.address.socket));
    await assert.rejects(ask('abc'), { message });
    assert.equal(existsSync(host.address.socket), false);
    assert.match(await engine.report(), /^# Airgap .*: engine report\n[^]*\n## \w+: usable\n/);
    model = '/m';
    engine.stop();
    assert.equal(await ask('abc'), 'ABC');
  });

  it('restart ends the process, hung or not', async () => {
    await ask('abc');
    const pid = engine.pid!;
    engine.restart();
    await until('it is ready again', () => engine.completionModel.state.kind === 'ready');
    assert.equal(await ask('abc'), 'ABC');
    assert.notEqual(engine.pid, pid);
    assert.equal(isAlive(pid), false);
  });

  it('stopped at once: it never starts', async () => {
    engine.warmUp('completion');
    engine.stop();
    await nextTurn();
    assert.deepEqual(states, ['off']);
    assert.equal(launches, 0);
    assert.equal(existsSync(host.address.socket), false);
  });

  it('stopped while it starts: nothing is left', async () => {
    engine.warmUp('completion');
    await until('it starts', () => states.includes('starting'));
    engine.stop();
    await until('a process came', () => existsSync(host.address.socket));
    await until('and went', () => !existsSync(host.address.socket));
    pids.add(Number(/.*pid (\d+)/s.exec(readFileSync(host.address.logFile, 'utf8'))![1]));
    assert.equal(engine.completionModel.state.kind, 'off');
  });

  describe('with two models', () => {
    const chat = async (): Promise<string> => {
      let said = '';
      const messages = [textTurn('user', 'one two')];
      await engine.chatModel.chat({ sessionId: 'c', messages, maxTokens: 9 }, open, (part) => {
        if (part.type === 'text') said += part.text;
      });
      pids.add(engine.pid!);
      return said;
    };
    const kinds = (): EngineState['kind'][] => [engine.completionModel.state.kind, engine.chatModel.state.kind];
    const loadedId = (which: 'completionModel' | 'chatModel'): string => {
      const { state } = engine[which];
      return state.kind === 'ready' ? state.model.modelId : state.kind;
    };

    it('one model for both: one state, one connection', async () => {
      const chatStates: string[] = [];
      engine.chatModel.onDidChangeState(({ kind }) => chatStates.push(kind));
      await ask('abc');
      assert.equal(engine.chatModel.state, engine.completionModel.state);
      assert.deepEqual(chatStates, states);
      assert.equal(await chat(), 'ONE TWO');
      assert.deepEqual([launches, kinds()], [1, ['ready', 'ready']]);
    });

    it('each purpose gets its own, in one process', async () => {
      chatModel = '/chat';
      const chatStates: string[] = [];
      engine.chatModel.onDidChangeState(({ kind }) => chatStates.push(kind));
      await ask('abc');
      assert.deepEqual([kinds(), chatStates], [['ready', 'off'], []]);
      const pid = engine.pid!;
      assert.equal(await chat(), 'ONE TWO');
      assert.deepEqual([loadedId('completionModel'), loadedId('chatModel')], ['/m', '/chat']);
      assert.deepEqual([engine.pid, new Set(chatStates)], [pid, new Set(['starting', 'loading', 'ready'])]);
      engine.stop();
      assert.deepEqual(kinds(), ['off', 'off']);
      await gone(pid);
    });

    it('a bad chat model leaves the completions alone, and the other way round', async () => {
      chatModel = '/missing';
      await ask('abc');
      await assert.rejects(chat(), { message: '/missing is not a folder.' });
      assert.deepEqual(kinds(), ['ready', 'failed']);
      assert.equal(await ask('abc'), 'ABC');
      [model, chatModel] = ['/missing', '/m'];
      engine.stop();
      await assert.rejects(ask('abc'), { message: '/missing is not a folder.' });
      assert.equal(await chat(), 'ONE TWO');
      assert.deepEqual(kinds(), ['failed', 'ready']);
    });

    it('the chat model is unloaded some time after its last answer; the completions stay', async () => {
      chatModel = '/chat';
      await ask('abc');
      await chat();
      const pid = engine.pid!;
      await until('the chat model has gone', () => engine.chatModel.state.kind === 'off');
      assert.deepEqual([engine.completionModel.state.kind, engine.pid, isAlive(pid)], ['ready', pid, true]);
      engine.setStandby(false);
      await gone(pid);
    });

    it('restart starts again what was loaded', async () => {
      engine.dispose();
      engine = create(60_000);
      chatModel = '/chat';
      await ask('abc');
      await chat();
      const pid = engine.pid!;
      engine.restart();
      await until('both are ready', () => kinds().every((kind) => kind === 'ready'));
      pids.add(engine.pid!);
      assert.deepEqual([engine.pid !== pid, isAlive(pid)], [true, false]);
    });

    it('killed: both can be used again', async () => {
      chatModel = '/chat';
      await ask('abc');
      await chat();
      process.kill(engine.pid!, 'SIGKILL');
      await until('both have failed', () => kinds().every((kind) => kind === 'failed'));
      await until('completions are ready', () => kinds()[0] === 'ready');
      await until('the chat may start', () => kinds()[1] !== 'failed');
      assert.deepEqual([await ask('abc'), await chat()], ['ABC', 'ONE TWO']);
    });

    it('the report says what each model is for', async () => {
      chatModel = '/chat';
      await ask('abc');
      await chat();
      const report = await engine.report();
      assert.match(report, /## Model scripted \/m\n- used by this window for: completions\n/);
      assert.match(report, /## Model scripted \/chat\n- used by this window for: chat\n/);
    });
  });

  describe('and the settings', () => {
    let snooze: Snooze;
    let window: WindowController;
    let config: Config;
    const shown = (): string => fake.statusItems.at(-1)!.text;

    beforeEach(() => {
      fake.settings = {};
      config = new Config(() => {});
      snooze = new Snooze();
      stubWindow.activeTextEditor = textDocument('a|');
    });
    afterEach(() => {
      for (const thing of [window, snooze, config]) thing.dispose();
      stubWindow.activeTextEditor = undefined;
    });
    const openWindow = (): void => {
      window = new WindowController({ config, engine, snooze, status: new Status('menu'), log: log as never });
    };

    it('an open editor starts the engine; off means no process; on starts it again', async () => {
      openWindow();
      await until('it is ready', () => engine.completionModel.state.kind === 'ready');
      assert.equal(shown(), '$(sparkle) Airgap');
      const pid = engine.pid!;
      pids.add(pid);
      fake.set({ 'airgap.enable': { '*': false } });
      assert.equal(shown(), '$(circle-slash) Airgap: off');
      await gone(pid);
      fake.set({});
      await until('it is ready', () => engine.completionModel.state.kind === 'ready');
      pids.add(engine.pid!);
    });

    /** The answer to a question; `during` runs with its first part. */
    const chat = async (during = (): void => {}): Promise<string> => {
      let said = '';
      const messages = [textTurn('user', 'one two')];
      await engine.chatModel.chat({ sessionId: 'c', messages, maxTokens: 9 }, open, (part) => {
        if (said === '') during();
        if (part.type === 'text') said += part.text;
      });
      return said;
    };

    it('an answer is not ended by turning completions off; some time after it the engine goes', async () => {
      openWindow();
      await until('it is ready', () => engine.completionModel.state.kind === 'ready');
      const pid = engine.pid!;
      pids.add(pid);
      const answer = await chat(() => {
        fake.settings = { 'airgap.enable': { '*': false } };
        fake.configurationChanged.fire({ affectsConfiguration: (key) => /^airgap(\.enable)?$/.test(key) });
        assert.equal(engine.pid, pid);
        assert.match(fake.statusItems.at(-1)!.accessibilityInformation.label, /The engine is running for the chat\.$/);
      });
      assert.equal(answer, 'ONE TWO');
      assert.equal(engine.pid, pid);
      await gone(pid);
      assert.match(fake.statusItems.at(-1)!.accessibilityInformation.label, /The engine is not running\.$/);
    });

    it('an answer starts an engine also where completions are off', async () => {
      fake.set({ 'airgap.enable': { '*': false } });
      openWindow();
      assert.equal(await chat(), 'ONE TWO');
      const pid = engine.pid!;
      pids.add(pid);
      await gone(pid);
    });

    it('off from the start: no process ever', async () => {
      fake.settings = { 'airgap.enable': { '*': false } };
      config.dispose();
      config = new Config(() => {});
      openWindow();
      await nextTurn();
      assert.deepEqual(states, []);
      assert.equal(launches, 0);
      assert.equal(existsSync(host.address.socket), false);
    });

    it('snooze ends the process, its end starts it again', async () => {
      openWindow();
      await until('it is ready', () => engine.completionModel.state.kind === 'ready');
      const pid = engine.pid!;
      snooze.start(5);
      assert.equal(shown(), '$(bell-slash) Airgap: snoozed');
      assert.equal(window.awake, false);
      await gone(pid);
      snooze.end();
      await until('it is ready', () => engine.completionModel.state.kind === 'ready');
    });

    it('after a death and a request that failed by it, the status is ready again', async () => {
      openWindow();
      await until('it is ready', () => engine.completionModel.state.kind === 'ready');
      const hanging = window.complete(request('hang'), open);
      process.kill(engine.pid!, 'SIGKILL');
      await hanging.catch((error: unknown) => window.failed(error));
      assert.equal(shown(), '$(warning) Airgap: error');
      await until('it is ready again', () => engine.completionModel.state.kind === 'ready');
      assert.equal(shown(), '$(sparkle) Airgap');
    });

    it('a setting that is not valid is named, though the engine runs without it', async () => {
      openWindow();
      await until('it is ready', () => engine.completionModel.state.kind === 'ready');
      fake.set({ 'airgap.completion.model': 'models/phi-3' });
      await until('it is named', () => shown() === '$(warning) Airgap: error');
      assert.match(
        fake.statusItems.at(-1)!.accessibilityInformation.label,
        /The setting airgap\.completion\.model is ignored: must be an absolute path\./,
      );
      assert.equal((await window.complete(request('abc'), open)).text, 'ABC');
      fake.set({});
      await until('it is ready again', () => shown() === '$(sparkle) Airgap');
    });

    it('a failed request is named with what mends it, until one succeeds', async () => {
      openWindow();
      await until('it is ready', () => engine.completionModel.state.kind === 'ready');
      const message = 'There is no room for the cache.';
      window.failed(new EngineFailure({ kind: 'outOfMemory', message }));
      assert.deepEqual(window.state, { kind: 'failed', message, remedy: 'chooseModel', retrying: false });
      await window.complete(request('abc'), open);
      assert.equal(window.state.kind, 'ready');
    });

    it('a failure stands in the status bar in words', async () => {
      model = '/missing';
      openWindow();
      await until('it has failed', () => engine.completionModel.state.kind === 'failed');
      assert.equal(shown(), '$(warning) Airgap: error');
      const item = fake.statusItems.at(-1)!;
      const sentence = 'Airgap: /missing is not a folder.\nClick to choose another model.';
      assert.equal(item.accessibilityInformation.label, sentence);
      assert.ok(item.tooltip.value.startsWith(sentence));
    });
  });
});
