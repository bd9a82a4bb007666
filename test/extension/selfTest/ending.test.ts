/** The self-test ends when its time is over and when the user cancels, whatever hangs, and reports what it has found. */
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { Uri } from '../../support/extension/vscodeBasics.ts';
import { commands, env, window, workspace } from '../../support/extension/vscodeStub.ts';
import { selfTest } from '../../../extension/selfTest/selfTest.ts';
import { type EngineHost, engineHost, removeHost } from '../../support/extension/engineHost.ts';

interface Ending {
  /** Programs that may run the engine. */
  readonly programs: readonly string[];
  readonly limitMs?: number;
  /** The step at which the user cancels. */
  readonly cancelAt?: RegExp;
}

describe('the end of the self-test', function () {
  this.timeout(60_000);
  let host: EngineHost;
  let hanging: string;
  before(async () => {
    host = await engineHost(resolve('dist/engine.cjs'));
    hanging = join(host.base, 'hanging');
    writeFileSync(hanging, '#!/bin/sh\nsleep 3\nexit 9\n', { mode: 0o755 });
  });
  after(() => removeHost(host, []));

  /** The report of a test in which no ghost text is ever accepted. */
  async function reportOf({ programs, limitMs, cancelAt }: Ending): Promise<string> {
    let report = '';
    let cancel = (): void => {};
    const token = {
      isCancellationRequested: false,
      onCancellationRequested: (listener: () => void) => (cancel = listener),
    };
    Object.assign(env, { appRoot: '/nowhere', uiKind: 1 });
    Object.assign(window, {
      withProgress: (_: unknown, task: (progress: object, token: object) => Promise<string>) =>
        task({ report: ({ message }: { message: string }) => cancelAt?.test(message) && setImmediate(cancel) }, token),
      showTextDocument: () => Promise.resolve({}),
    });
    Object.assign(workspace, {
      workspaceFolders: [],
      isTrusted: true,
      openTextDocument: ({ content }: { content: string }) => {
        report = content;
        return Promise.resolve({ uri: Uri.file('/untitled'), getText: () => content, positionAt: () => ({}) });
      },
    });
    commands.executeCommand = () => Promise.resolve();
    const runtimes = programs.map((program) => ({ program, electronAsNode: false }));
    await selfTest(
      {
        extensionPath: resolve('.'),
        launch: () => ({ ...host, choice: { runtimes, notes: [] } }),
        allowSoftwareGpu: () => false,
        noCompletions: () => '',
      },
      limitMs,
    );
    return report;
  }

  it('its time, while a program hangs', async () => {
    const report = await reportOf({ programs: [hanging], limitMs: 300 });
    assert.match(report, /^\*\*The test is incomplete: it took longer than 0\.3 s\.\*\*$/m);
    assert.match(report, /## Ghost text\n\nNot tried\./);
  });

  it('its time, while a ghost text is awaited', async () => {
    assert.match(await reportOf({ programs: [], limitMs: 300 }), /incomplete: it took longer than 0\.3 s\./);
  });

  it('the user, while a program hangs', async () => {
    const report = await reportOf({ programs: [hanging], cancelAt: /^Engine 1 of 1$/ });
    assert.match(report, /^\*\*The test is incomplete: it was cancelled\.\*\*$/m);
  });

  it('the user, after an engine has been tried: the report has its results', async () => {
    const report = await reportOf({ programs: [process.execPath], cancelAt: /^Ghost text$/ });
    assert.match(report, /- ok: wasm, 3 of 3 completions as expected[^]*incomplete|incomplete[^]*- ok: wasm, 3 of 3/);
  });
});
