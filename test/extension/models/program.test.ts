import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { RuntimeChoice } from '../../../extension/engine/runtime.ts';
import { type ModelProgress, Program } from '../../../extension/models/program.ts';
import { listedModel } from '../../support/extension/listedModel.ts';
import { until } from '../../support/until.ts';

const NODE = { program: process.execPath, electronAsNode: false };
const DONE = JSON.stringify({ type: 'done', models: [listedModel({ name: 'a' })] });
const PROGRESS = JSON.stringify({ type: 'progress', step: 'copying', doneBytes: 1, totalBytes: 2 });

describe('the terminal program as a child', () => {
  let folder: string;
  let log: string[];

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'airgap-program-'));
    log = [];
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  /** A program with this body; `--version` works as in the real one. */
  function programOf(body: string, choice: RuntimeChoice = { runtimes: [NODE], notes: [] }, variables = {}): Program {
    const programFile = join(folder, 'airgap.cjs');
    writeFileSync(programFile, `if (process.argv[2] === '--version') console.log('1'); else { ${body} }`);
    return new Program({
      programFile,
      choice: () => choice,
      variables: () => variables,
      log: (message) => log.push(message),
    });
  }
  const never = (): AbortSignal => new AbortController().signal;
  const print = (...lines: string[]): string => lines.map((line) => `console.log(${JSON.stringify(line)});`).join(' ');

  it('returns the models of the result, with progress before it', async () => {
    const steps: ModelProgress[] = [];
    const models = await programOf(print(PROGRESS, DONE)).models(['import', '/x'], never(), (step) => steps.push(step));
    assert.deepEqual(
      models.map(({ name }) => name),
      ['a'],
    );
    assert.deepEqual(steps, [JSON.parse(PROGRESS)]);
  });

  it('passes arguments as they are, through no shell, and the variables of the settings', async () => {
    const body = `console.log(JSON.stringify([process.argv.slice(2), process.env.AIRGAP_STORE]))`;
    const name = `a "b" $(c); 'd' %PATH%`;
    const printed = await programOf(body, undefined, { AIRGAP_STORE: '/s' }).text(['bench', name], never());
    assert.deepEqual(JSON.parse(printed), [['bench', name], '/s']);
  });

  const failed = JSON.stringify({ type: 'failed', message: 'The disk is full.' });
  for (const [title, body, message] of [
    ['its own failure is the sentence', `${print(failed)} process.exitCode = 1;`, /^The disk is full\.$/],
    ['its last words are, where it has no result', `console.error('Bad.'); process.exit(1);`, /^Bad\.$/],
    ['it ended silently', 'process.exit(3);', /^airgap models ended with code 3 and said nothing\.$/],
    ['a result counts only with a good end', `${print(DONE)} process.exitCode = 1;`, /ended with code 1/],
    ['no result, though it ended well', '', /ended with code 0 and said nothing/],
    ['what is no JSON', print('hello', DONE), /answered something that is not understood/],
    ['what no schema has', print('{"type":"done","models":[{}]}'), /answered something that is not understood/],
  ] as const) {
    it(`failure: ${title}`, async () => {
      await assert.rejects(programOf(body).models(['models'], never()), { message });
    });
  }

  it('writes standard error to the log', async () => {
    await programOf(`console.error('careful'); ${print(DONE)}`).models(['models'], never());
    assert.deepEqual(log, ['careful']);
  });

  it('ends when it is cancelled, and rejects when it has ended', async () => {
    const [started, cleaned] = [join(folder, 'started'), join(folder, 'cleaned')];
    const body = `const { writeFileSync } = require('node:fs');
      process.on('SIGTERM', () => { writeFileSync(${JSON.stringify(cleaned)}, ''); process.exit(1); });
      setInterval(() => {}, 1000);
      writeFileSync(${JSON.stringify(started)}, '');`;
    const controller = new AbortController();
    const running = programOf(body).models(['import', '/x'], controller.signal);
    await until(() => existsSync(started));
    controller.abort();
    await assert.rejects(running, { name: 'AbortError' });
    assert.ok(existsSync(cleaned));
  });

  it('tries the runtimes in order, and says why none works', async () => {
    const broken = { program: join(folder, 'none'), electronAsNode: false };
    const choice = { runtimes: [broken, NODE], notes: [] };
    assert.equal((await programOf(print(DONE), choice).models(['models'], never())).length, 1);
    await assert.rejects(programOf('', { runtimes: [broken], notes: ['No Node.'] }).runtime(), {
      message: /^Airgap's program could not be started\. No Node\. .*none cannot run Airgap's program: .*ENOENT/,
    });
  });

  it('runs Electron as Node where it has nothing else', async () => {
    const body = `console.log(process.env.ELECTRON_RUN_AS_NODE)`;
    const choice = { runtimes: [{ ...NODE, electronAsNode: true }], notes: [] };
    assert.equal(await programOf(body, choice).text(['doctor'], never()), '1\n');
    assert.equal(await programOf(body).text(['doctor'], never()), 'undefined\n');
  });
});
