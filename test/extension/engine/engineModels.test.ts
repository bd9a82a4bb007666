import assert from 'node:assert/strict';
import type { EngineState } from '../../../extension/engine/engine.ts';
import { isAlive, until } from '../../support/extension/engineHost.ts';
import { completion, open, windowEngine } from '../../support/extension/windowEngine.ts';

describe('engine of a window with two models', function () {
  this.timeout(60_000);
  const own = windowEngine();

  const kinds = (): EngineState['kind'][] => [own.engine.completionModel.state.kind, own.engine.chatModel.state.kind];
  const loadedId = (which: 'completionModel' | 'chatModel'): string => {
    const { state } = own.engine[which];
    return state.kind === 'ready' ? state.model.modelId : state.kind;
  };

  it('one model for both: one state, one connection', async () => {
    const chatStates: string[] = [];
    own.engine.chatModel.onDidChangeState(({ kind }) => chatStates.push(kind));
    await own.ask('abc');
    assert.equal(own.engine.chatModel.state, own.engine.completionModel.state);
    assert.deepEqual(chatStates, own.states);
    assert.equal(await own.chat(), 'ONE TWO');
    assert.deepEqual([own.launches, kinds()], [1, ['ready', 'ready']]);
  });

  it('each purpose gets its own, in one process', async () => {
    own.chatModel = '/chat';
    const chatStates: string[] = [];
    own.engine.chatModel.onDidChangeState(({ kind }) => chatStates.push(kind));
    await own.ask('abc');
    assert.deepEqual([kinds(), chatStates], [['ready', 'off'], []]);
    const pid = own.engine.pid!;
    assert.equal(await own.chat(), 'ONE TWO');
    assert.deepEqual([loadedId('completionModel'), loadedId('chatModel')], ['/m', '/chat']);
    assert.deepEqual([own.engine.pid, new Set(chatStates)], [pid, new Set(['starting', 'loading', 'ready'])]);
    own.engine.stop();
    assert.deepEqual(kinds(), ['off', 'off']);
    await own.gone(pid);
  });

  it('a bad chat model leaves the completions alone, and the other way round', async () => {
    own.chatModel = '/missing';
    await own.ask('abc');
    await assert.rejects(own.chat(), { message: '/missing is not a folder.' });
    assert.deepEqual(kinds(), ['ready', 'failed']);
    assert.equal(await own.ask('abc'), 'ABC');
    [own.model, own.chatModel] = ['/missing', '/m'];
    own.engine.stop();
    await assert.rejects(own.ask('abc'), { message: '/missing is not a folder.' });
    assert.equal(await own.chat(), 'ONE TWO');
    assert.deepEqual(kinds(), ['failed', 'ready']);
  });

  it('what is idle is unloaded, the process with the last of them, and comes back with its next call', async () => {
    own.chatModel = '/chat';
    await own.ask('abc');
    own.idleMs = 200;
    await own.chat();
    const pid = own.engine.pid!;
    await until('the chat model has gone', () => own.engine.chatModel.state.kind === 'sleeping');
    assert.deepEqual([own.engine.completionModel.state.kind, own.engine.pid, isAlive(pid)], ['ready', pid, true]);
    assert.equal(await own.chat(), 'ONE TWO');
    assert.deepEqual([kinds(), own.engine.pid], [['ready', 'ready'], pid]);
    await own.ask('abc');
    await own.gone(pid);
    assert.deepEqual([kinds(), own.engine.running], [['sleeping', 'sleeping'], false]);
    assert.equal(await own.ask('abc'), 'ABC');
  });

  it('reading ahead neither loads a model nor keeps it', async () => {
    const ahead = () => own.engine.completionModel.prefill(completion('abcd'), open);
    assert.deepEqual([await ahead(), own.launches], [0, 0]);
    own.idleMs = 300;
    await own.ask('abc');
    let read = 0;
    await until('it sleeps', () => {
      ahead().then(
        (tokens) => (read += tokens),
        () => {},
      );
      return own.engine.completionModel.state.kind === 'sleeping';
    });
    assert.ok(read > 0);
    assert.deepEqual([await ahead(), own.launches], [0, 1]);
  });

  it('reading ahead does not hide that the engine has unloaded the model', async () => {
    await own.ask('abc');
    const reading = own.engine.completionModel.prefill(completion('hang'), open);
    await own.ask('unload');
    await assert.rejects(reading, { message: 'The model is not needed now.' });
    assert.deepEqual(own.engine.completionModel.state, { kind: 'sleeping', because: 'memory' });
  });

  it('a time without use that is set later counts at once', async () => {
    await own.ask('abc');
    own.idleMs = 50;
    own.engine.settingsChanged();
    await until('it sleeps', () => own.engine.completionModel.state.kind === 'sleeping');
  });

  it('one that the engine has unloaded sleeps, and comes back in the same process', async () => {
    own.chatModel = '/chat';
    await own.chat();
    await own.ask('unload');
    const pid = own.engine.pid!;
    await until('it sleeps', () => own.engine.completionModel.state.kind === 'sleeping');
    assert.deepEqual(own.engine.completionModel.state, { kind: 'sleeping', because: 'memory' });
    assert.equal(await own.ask('abc'), 'ABC');
    assert.equal(own.engine.pid, pid);
  });

  it('one that finds no room when it comes back says so, and may try again', async () => {
    own.chatModel = '/chat';
    own.model = '/tight';
    await own.chat();
    await own.ask('unload');
    await until('it sleeps', () => own.engine.completionModel.state.kind === 'sleeping');
    for (let attempt = 0; attempt < 2; attempt++) {
      await assert.rejects(own.ask('abc'), { message: '/tight does not fit again.' });
      assert.deepEqual(own.engine.completionModel.state, { kind: 'sleeping', because: 'memory' });
    }
  });

  it("a change of one model's settings restarts that model only, also while the other one answers", async () => {
    own.chatModel = '/chat';
    await own.ask('abc');
    const answer = own.chat(() => {
      own.model = '/other';
      own.engine.settingsChanged();
      assert.deepEqual(kinds(), ['off', 'ready']);
    });
    assert.equal(await answer, 'ONE TWO');
    assert.equal(await own.ask('abc'), 'ABC');
    assert.deepEqual([loadedId('completionModel'), loadedId('chatModel')], ['/other', '/chat']);
    own.chatModel = '/chat2';
    own.engine.settingsChanged();
    assert.deepEqual(kinds(), ['ready', 'off']);
    // The completions' own.model now answers as well.
    own.chatModel = undefined;
    own.engine.settingsChanged();
    assert.equal(own.engine.chatModel.state, own.engine.completionModel.state);
    own.backend = 'wasm';
    own.engine.settingsChanged();
    assert.deepEqual(kinds(), ['off', 'off']);
  });

  it('restart starts again what was loaded', async () => {
    own.chatModel = '/chat';
    await own.ask('abc');
    await own.chat();
    const pid = own.engine.pid!;
    own.engine.restart();
    await until('both are ready', () => kinds().every((kind) => kind === 'ready'));
    own.pids.add(own.engine.pid!);
    assert.deepEqual([own.engine.pid !== pid, isAlive(pid)], [true, false]);
  });

  it('killed: both can be used again', async () => {
    own.chatModel = '/chat';
    await own.ask('abc');
    await own.chat();
    process.kill(own.engine.pid!, 'SIGKILL');
    await until('both have failed', () => kinds().every((kind) => kind === 'failed'));
    await until('completions are ready', () => kinds()[0] === 'ready');
    await until('the chat may start', () => kinds()[1] !== 'failed');
    assert.deepEqual([await own.ask('abc'), await own.chat()], ['ABC', 'ONE TWO']);
  });

  it('the report says what each model is for', async () => {
    own.chatModel = '/chat';
    await own.ask('abc');
    await own.chat();
    const report = await own.engine.report();
    assert.match(report, /## Model scripted \/m\n- used by this window for: completions\n/);
    assert.match(report, /## Model scripted \/chat\n- used by this window for: chat\n/);
  });
});
