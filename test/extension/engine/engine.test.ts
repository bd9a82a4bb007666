import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { setImmediate as nextTurn, setTimeout as delay } from 'node:timers/promises';
import { EngineFailure } from '../../../engine/wire/failure.ts';
import { CursorRest } from '../../../extension/completion/cursorRest.ts';
import { GhostCache } from '../../../extension/completion/ghostCache.ts';
import { CompletionProvider } from '../../../extension/completion/provider.ts';
import { Config } from '../../../extension/config.ts';
import { Snooze } from '../../../extension/status/snooze.ts';
import { Status } from '../../../extension/status/status.ts';
import { WindowController } from '../../../extension/status/windowController.ts';
import { isAlive, until } from '../../support/extension/engineHost.ts';
import { completion, open, windowEngine } from '../../support/extension/windowEngine.ts';
import { textDocument } from '../../support/extension/textDocument.ts';
import { fake, log, TextEditorSelectionChangeKind, window as stubWindow } from '../../support/extension/vscodeStub.ts';

const REST_MS = 20;

describe('engine of a window', function () {
  this.timeout(60_000);
  const own = windowEngine();

  it('starts with the first request and ends when stopped', async () => {
    assert.equal(own.engine.pid, undefined);
    assert.equal(await own.ask('abc'), 'ABC');
    assert.deepEqual([...new Set(own.states)], ['starting', 'loading', 'ready']);
    const pid = own.engine.pid!;
    own.engine.stop();
    assert.equal(own.engine.completionModel.state.kind, 'off');
    await own.gone(pid);
  });

  it('killed: the open call fails with the reason, and it starts again by itself', async () => {
    await own.ask('abc');
    const pid = own.engine.pid!;
    const hanging = own.engine.completionModel.complete(completion('hang'), open);
    process.kill(pid, 'SIGKILL');
    await assert.rejects(hanging, (error) => error instanceof EngineFailure && error.kind === 'engineGone');
    assert.deepEqual(own.engine.completionModel.state, {
      kind: 'failed',
      message: 'The engine process ended. It restarts in 0.5 s.',
      remedy: 'restart',
      retrying: true,
    });
    await assert.rejects(own.ask('abc'), /The engine process ended\./);
    await until('it is ready again', () => own.engine.completionModel.state.kind === 'ready');
    assert.equal(await own.ask('abc'), 'ABC');
    assert.notEqual(own.engine.pid, pid);
  });

  it('a cancelled request fails at once and leaves the engine as it is', async () => {
    await own.ask('abc');
    const pid = own.engine.pid;
    const hanging = own.engine.completionModel.complete(completion('hang'), AbortSignal.timeout(50));
    await assert.rejects(hanging, (error) => error instanceof EngineFailure && error.kind === 'cancelled');
    assert.equal(await own.ask('abc'), 'ABC');
    assert.equal(own.engine.pid, pid);
  });

  it('a bad model is one sentence with what mends it; nothing runs until something changes', async () => {
    own.model = '/missing';
    await assert.rejects(own.ask('abc'), { message: '/missing is not a folder.' });
    const message = '/missing is not a folder.';
    assert.deepEqual(own.engine.completionModel.state, {
      kind: 'failed',
      message,
      remedy: 'chooseModel',
      retrying: false,
    });
    await until('no process is left', () => !existsSync(own.host.address.socket));
    await assert.rejects(own.ask('abc'), { message });
    assert.equal(existsSync(own.host.address.socket), false);
    assert.match(await own.engine.report(), /^# Airgap .*: engine report\n[^]*\n## \w+: usable\n/);
    own.model = '/m';
    own.engine.stop();
    assert.equal(await own.ask('abc'), 'ABC');
  });

  it('restart ends the process, hung or not', async () => {
    await own.ask('abc');
    const pid = own.engine.pid!;
    own.engine.restart();
    await until('it is ready again', () => own.engine.completionModel.state.kind === 'ready');
    assert.equal(await own.ask('abc'), 'ABC');
    assert.notEqual(own.engine.pid, pid);
    assert.equal(isAlive(pid), false);
  });

  it('stopped at once: it never starts', async () => {
    own.engine.warmUp('completion');
    own.engine.stop();
    await nextTurn();
    assert.deepEqual(own.states, ['off']);
    assert.equal(own.launches, 0);
    assert.equal(existsSync(own.host.address.socket), false);
  });

  it('stopped while it starts: nothing is left', async () => {
    own.engine.warmUp('completion');
    await until('it starts', () => own.states.includes('starting'));
    own.engine.stop();
    await until('a process came', () => existsSync(own.host.address.socket));
    await until('and went', () => !existsSync(own.host.address.socket));
    own.pids.add(Number(/.*pid (\d+)/s.exec(readFileSync(own.host.address.logFile, 'utf8'))![1]));
    assert.equal(own.engine.completionModel.state.kind, 'off');
  });

  describe('and the settings', () => {
    let snooze: Snooze;
    let window: WindowController;
    let rest: CursorRest;
    let config: Config;
    const shown = (): string => fake.statusItems.at(-1)!.text;

    beforeEach(() => {
      fake.settings = {};
      config = new Config(() => {});
      snooze = new Snooze();
      const { document, position } = textDocument('a|');
      stubWindow.activeTextEditor = { document, selection: { isEmpty: true, active: position } };
    });
    afterEach(() => {
      for (const thing of [rest, window, snooze, config]) thing.dispose();
      stubWindow.activeTextEditor = undefined;
    });
    const openWindow = (): void => {
      window = new WindowController({
        config,
        engine: own.engine,
        server: { for: () => undefined, onDidChange: () => ({ dispose() {} }) },
        snooze,
        status: new Status('menu'),
        log: log as never,
      });
      const noOtherFiles = { of: () => [], found: async () => [] };
      rest = new CursorRest({
        provider: new CompletionProvider(window, new GhostCache(), window, noOtherFiles),
        model: own.engine.completionModel,
        onDidChangeWish: [config.onDidChange, snooze.onDidChange],
        restMs: REST_MS,
      });
    };
    const moveCursor = (kind: TextEditorSelectionChangeKind | undefined): Promise<void> => {
      fake.selectionChanged.fire({ textEditor: stubWindow.activeTextEditor, kind });
      return delay(3 * REST_MS);
    };

    it('an open editor starts the engine; off means no process; on starts it again', async () => {
      openWindow();
      await until('it is ready', () => own.engine.completionModel.state.kind === 'ready');
      assert.equal(shown(), '$(sparkle) Airgap');
      const pid = own.engine.pid!;
      own.pids.add(pid);
      fake.set({ 'airgap.enable': { '*': false } });
      assert.equal(shown(), '$(circle-slash) Airgap: off');
      await own.gone(pid);
      fake.set({});
      await until('it is ready', () => own.engine.completionModel.state.kind === 'ready');
      own.pids.add(own.engine.pid!);
    });

    const { Keyboard, Mouse } = TextEditorSelectionChangeKind;

    it('unloaded after a time without use, it comes back where a person moves the cursor, and not by itself', async () => {
      own.idleMs = 100;
      openWindow();
      const sleeps = () => until('it sleeps', () => own.engine.completionModel.state.kind === 'sleeping');
      await sleeps();
      assert.equal(own.launches, 1);
      // What a program does to the text moves the cursor as well.
      await moveCursor(undefined);
      assert.equal(own.launches, 1);
      for (const [kind, launches] of [
        [Keyboard, 2],
        [Mouse, 3],
      ] as const) {
        await moveCursor(kind);
        await sleeps();
        assert.equal(own.launches, launches);
      }
    });

    it('moving the cursor neither loads a model that has failed, nor one that had to leave the memory', async () => {
      own.model = '/missing';
      openWindow();
      await until('it has failed', () => own.engine.completionModel.state.kind === 'failed');
      await moveCursor(Keyboard);
      assert.equal(own.launches, 1);
      own.model = '/m';
      own.engine.stop();
      await moveCursor(Keyboard);
      await until('it is ready', () => own.engine.completionModel.state.kind === 'ready');
      await own.ask('unload');
      await until('it sleeps', () => own.engine.completionModel.state.kind === 'sleeping');
      await moveCursor(Keyboard);
      assert.deepEqual(own.engine.completionModel.state, { kind: 'sleeping', because: 'memory' });
    });

    for (const [name, settings] of [
      ['in a language that is off', { 'airgap.enable': { '*': true, typescript: false } }],
      ['in a file that is excluded', { 'airgap.files.exclude': ['**/main.ts'] }],
      ['where completions come by hand only', { 'airgap.completion.trigger': 'manual' }],
      ['where VS Code shows no ghost text', { 'editor.inlineSuggest.enabled': false }],
    ] as const) {
      it(`${name}, nothing is loaded`, async () => {
        fake.set(settings);
        openWindow();
        await moveCursor(Keyboard);
        assert.equal(own.launches, 0);
      });
    }

    it('an answer is not ended by turning completions off; some time after it the engine goes', async () => {
      own.idleMs = 200;
      openWindow();
      await until('it is ready', () => own.engine.completionModel.state.kind === 'ready');
      const pid = own.engine.pid!;
      own.pids.add(pid);
      const answer = await own.chat(() => {
        fake.settings = { 'airgap.enable': { '*': false } };
        fake.configurationChanged.fire({ affectsConfiguration: (key) => /^airgap(\.enable)?$/.test(key) });
        assert.equal(own.engine.pid, pid);
        assert.match(fake.statusItems.at(-1)!.accessibilityInformation.label, /The engine is running for the chat\.$/);
      });
      assert.equal(answer, 'ONE TWO');
      assert.equal(own.engine.pid, pid);
      await own.gone(pid);
      assert.match(fake.statusItems.at(-1)!.accessibilityInformation.label, /The engine is not running\.$/);
    });

    it('an answer starts an engine also where completions are off', async () => {
      own.idleMs = 200;
      fake.set({ 'airgap.enable': { '*': false } });
      openWindow();
      assert.equal(await own.chat(), 'ONE TWO');
      const pid = own.engine.pid!;
      own.pids.add(pid);
      await own.gone(pid);
    });

    it('off from the start: no process ever', async () => {
      fake.settings = { 'airgap.enable': { '*': false } };
      config.dispose();
      config = new Config(() => {});
      openWindow();
      await moveCursor(Keyboard);
      assert.deepEqual(own.states, []);
      assert.equal(own.launches, 0);
      assert.equal(existsSync(own.host.address.socket), false);
    });

    it('snooze ends the process, its end starts it again', async () => {
      openWindow();
      await until('it is ready', () => own.engine.completionModel.state.kind === 'ready');
      const pid = own.engine.pid!;
      snooze.start(5);
      assert.equal(shown(), '$(bell-slash) Airgap: snoozed');
      assert.equal(window.awake, false);
      await own.gone(pid);
      snooze.end();
      await until('it is ready', () => own.engine.completionModel.state.kind === 'ready');
    });

    it('after a death and a request that failed by it, the status is ready again', async () => {
      openWindow();
      await until('it is ready', () => own.engine.completionModel.state.kind === 'ready');
      const hanging = window.complete(completion('hang'), open);
      process.kill(own.engine.pid!, 'SIGKILL');
      await hanging.catch((error: unknown) => window.failed(error));
      assert.equal(shown(), '$(warning) Airgap: error');
      await until('it is ready again', () => own.engine.completionModel.state.kind === 'ready');
      assert.equal(shown(), '$(sparkle) Airgap');
    });

    it('a setting that is not valid is named, though the engine runs without it', async () => {
      openWindow();
      await until('it is ready', () => own.engine.completionModel.state.kind === 'ready');
      fake.set({ 'airgap.completion.model': 'models/phi-3' });
      await until('it is named', () => shown() === '$(warning) Airgap: error');
      assert.match(
        fake.statusItems.at(-1)!.accessibilityInformation.label,
        /The setting airgap\.completion\.model is ignored: must be an absolute path\./,
      );
      assert.equal((await window.complete(completion('abc'), open)).text, 'ABC');
      fake.set({});
      await until('it is ready again', () => shown() === '$(sparkle) Airgap');
    });

    it('a failed request is named with what mends it, until one succeeds', async () => {
      openWindow();
      await until('it is ready', () => own.engine.completionModel.state.kind === 'ready');
      const message = 'There is no room for the cache.';
      window.failed(new EngineFailure({ kind: 'outOfMemory', message }));
      assert.deepEqual(window.state, { kind: 'failed', message, remedy: 'chooseModel', retrying: false });
      await window.complete(completion('abc'), open);
      assert.equal(window.state.kind, 'ready');
    });

    it('a failure stands in the status bar in words', async () => {
      own.model = '/missing';
      openWindow();
      await until('it has failed', () => own.engine.completionModel.state.kind === 'failed');
      assert.equal(shown(), '$(warning) Airgap: error');
      const item = fake.statusItems.at(-1)!;
      const sentence = 'Airgap: /missing is not a folder.\nClick to choose another model.';
      assert.equal(item.accessibilityInformation.label, sentence);
      assert.ok(item.tooltip.value.startsWith(sentence));
    });
  });
});
