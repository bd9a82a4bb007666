import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { CommanderError } from 'commander';
import { isRunning } from '../../../.ci/processes.ts';
import { measureBandwidth } from '../../../engine/discovery/memoryBandwidth.ts';
import type { Job } from './measure.ts';
import { ENGINES, parsePeerOptions } from './options.ts';
import { runMeasurement } from './run.ts';
import { type Row, formatTable, ratio } from './table.ts';

const row = (engine: string, title: string, figures: Row['figures']): Row => ({
  engine,
  title,
  figures,
  bandwidth: 30e9,
});
const ROWS = [
  row('airgap', 'airgap', { 'decode at 512': [9, 12, 10], 'prefill 64': [120], load: [3], memory: [2e9] }),
  row('llama', 'llama, flash', { 'decode at 512': [2, 2, 2], load: [2], memory: [5e9] }),
  row('llama', 'llama, no flash', { 'decode at 512': [4], load: [6], memory: [8e9] }),
];

describe('the comparison with other engines', () => {
  const ratios: [key: string, expected: number | undefined][] = [
    ['decode at 512', 2.5], // Our median over the better setting.
    ['load', 1.5],
    ['memory', 0.4],
    ['prefill 64', undefined], // They have none.
    ['decode at 2048', undefined],
  ];
  for (const [key, expected] of ratios) {
    it(`ratio of ${key}: ${expected}`, () => assert.equal(ratio(ROWS, 'airgap', 'llama', key), expected));
  }

  it('a table has a line per row and per rival, and a dash for what was not measured', () => {
    const lines = formatTable(ROWS, 'airgap').split('\n');
    assert.deepEqual(
      lines.map((line) => line.split(/ {2,}/)[0]),
      ['', '', 'airgap', 'llama, flash', 'llama, no flash', 'airgap / llama'],
    );
    const cells = lines.slice(2).map((line) => line.slice(line.search(/ {2}/)).trim().split(/ +/).join(' '));
    assert.deepEqual(cells, [
      '120.0 - - - 10.0 - 3.0 2.00 30.0',
      '- - - - 2.00 - 2.0 5.00 30.0',
      '- - - - 4.00 - 6.0 8.00 30.0',
      '- - - - 2.50 - 1.50 0.40',
    ]);
    assert.equal(new Set(lines.slice(2, 5).map((line) => line.length)).size, 1);
  });

  it('without our row there are no ratios', () => {
    assert.equal(formatTable(ROWS.slice(1), 'airgap').split('\n').length, 4);
  });

  it('options have defaults, and are read', () => {
    const { layers, only, threads, gpu } = parsePeerOptions(['--peers'], 2);
    assert.deepEqual({ layers, only, threads, gpu }, { layers: 32, only: ENGINES, threads: 2, gpu: false });
    const given = parsePeerOptions(['--peers', '--layers', '2', '--only', 'airgap', 'wllama'], 2);
    assert.deepEqual([given.layers, given.only], [2, ['airgap', 'wllama']]);
  });

  for (const args of [
    ['--layers', '33'],
    ['--layers', 'x'],
    ['--only', 'other'],
    ['--shape', 'phi-3-small'],
    ['model'],
  ]) {
    it(`refuses ${args.join(' ')}`, () => {
      const { write } = process.stderr;
      process.stderr.write = () => true;
      try {
        assert.throws(() => parsePeerOptions(args, 2), CommanderError);
      } finally {
        process.stderr.write = write;
      }
    });
  }

  it('reads memory at a plausible speed', async () => {
    const bandwidth = await measureBandwidth(1);
    assert.ok(bandwidth > 1e8 && bandwidth < 1e12, String(bandwidth));
  }).timeout(60_000);
});

describe('a measuring process', () => {
  let folder: string;
  before(() => (folder = mkdtempSync(join(tmpdir(), 'airgap-peers-'))));
  after(() => rmSync(folder, { recursive: true }));

  const job: Job = { packages: '', files: [], layers: 1, threads: 1, tokens: 2, repeat: 1, seconds: 60, gpu: false };
  const script = (text: string): string => {
    const path = join(folder, 'script.mjs');
    writeFileSync(path, text);
    return path;
  };
  const run = "{ kind: 'run', promptTokens: 16, prefillPerSecond: 5 ";

  it('reports figures, and what it left out', async () => {
    const text = `
      process.send({ kind: 'loaded', seconds: 2, bytesPerToken: 7 });
      process.send(${run}, decodes: true, decodePerSecond: 3 });
      process.send(${run}, decodes: false, decodePerSecond: 4 });
      process.send({ kind: 'skipped', promptTokens: 2048, seconds: 61 });
      process.send({ kind: 'done' }, () => process.exit());`;
    const outcome = await runMeasurement(script(text), job, new AbortController().signal);
    assert.deepEqual(outcome, {
      figures: { load: [2], 'prefill 16': [5, 5], 'decode at 16': [3] },
      bytesPerToken: 7,
      notes: ['a prompt of 2048 would take 2 minutes: left out.'],
    });
  });

  it('that fails keeps what it told before', async () => {
    const text = `process.send({ kind: 'loaded', seconds: 2 }, () => { throw new RangeError('no memory'); });`;
    const { figures, notes } = await runMeasurement(script(text), job, new AbortController().signal);
    assert.deepEqual([figures, notes], [{ load: [2] }, ['failed: RangeError: no memory']]);
  });

  it('is ended with its own children when the run is interrupted', async () => {
    const pids = join(folder, 'pids');
    const text = `
      import { spawn } from 'node:child_process';
      import { renameSync, writeFileSync } from 'node:fs';
      const child = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)']);
      writeFileSync(${JSON.stringify(pids)} + '.new', process.pid + ' ' + child.pid);
      renameSync(${JSON.stringify(pids)} + '.new', ${JSON.stringify(pids)});`;
    const interrupted = new AbortController();
    const measured = assert.rejects(runMeasurement(script(text), job, interrupted.signal), { name: 'AbortError' });
    const started = await poll(() => readFileSync(pids, 'utf8').split(' ').map(Number));
    interrupted.abort();
    await measured;
    assert.deepEqual(started.map(isRunning), [false, false]);
  }).timeout(60_000);
});

async function poll<T>(read: () => T): Promise<T> {
  for (;;) {
    try {
      return read();
    } catch {
      await sleep(20);
    }
  }
}
