/** The engine completes with every way to a network blocked, and the block is shown to hold. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { encode } from 'fast-png';
import { beyondOwnProcesses, OWN_PROCESSES } from '../engine/traffic.ts';
import { connectEngine } from '../extension/engine/process.ts';
import { parrotModel } from './support/engine/parrotModel.ts';
import { engineHost, removeHost } from './support/extension/engineHost.ts';

const HOOK = join(process.cwd(), 'test/support/forbidNetwork.cjs');

describe('offline', () => {
  const model = parrotModel(['const amount = price * weight;']);
  const source = join(model.path, 'price.ts');
  const log = join(model.path, 'network.log');
  const complete = ['dist/airgap.cjs', 'complete', `${source}:1:10`, '--model', model.path];
  before(() => writeFileSync(source, 'const amo\n'));
  after(() => model.remove());

  /** Runs Node with the hook; gives what it printed and every line of the hook's log. */
  const hooked = (args: string[]) => {
    writeFileSync(log, '');
    const env = { ...process.env, AIRGAP_NETWORK_LOG: log };
    const { status, stdout, stderr } = spawnSync(process.execPath, ['--require', HOOK, ...args], {
      encoding: 'utf8',
      env,
    });
    const lines = readFileSync(log, 'utf8').split('\n').filter(Boolean);
    return { status, stdout, stderr, lines: lines.map((line) => JSON.parse(line) as Record<string, unknown>) };
  };

  it('a completion reaches for no network', () => {
    const { status, stdout, stderr, lines } = hooked(complete);
    assert.equal(status, 0, stderr);
    assert.equal(stdout.trim(), 'unt = price * weight;');
    assert.ok(lines.length > 0, 'the hook was not loaded');
    assert.deepEqual(
      lines.filter((line) => 'attempt' in line),
      [],
    );
  });

  it("the engine's own counters know of no network, and the hook agrees", async () => {
    const host = await engineHost(resolve('dist/engine.cjs'));
    const pids: number[] = [];
    writeFileSync(log, '');
    process.env['AIRGAP_NETWORK_LOG'] = log;
    try {
      const { client, pid } = await connectEngine({ ...host, nodeOptions: ['--require', HOOK] });
      pids.push(pid);
      const { modelId } = await client.call('load', { model: model.path, backend: 'wasm' });
      await client.call('countTokens', { modelId, texts: ['const amount'] });
      const { traffic } = await client.call('traffic', {});
      client.goodbye('The test is done.');
      const [own] = traffic;
      assert.ok(own && own.destination === OWN_PROCESSES && own.received > 100, JSON.stringify(traffic));
      assert.deepEqual(beyondOwnProcesses(traffic), []);
      const lines = readFileSync(log, 'utf8');
      assert.ok(lines.includes('engine.cjs') && !lines.includes('"attempt"'), lines);
    } finally {
      delete process.env['AIRGAP_NETWORK_LOG'];
      removeHost(host, pids);
    }
  });

  it('reading the text of a picture reaches for no network', () => {
    const file = join(model.path, 'blank.png');
    writeFileSync(file, encode({ width: 40, height: 30, channels: 1, data: new Uint8Array(1200).fill(255) }));
    const data = { file, folder: join(process.cwd(), 'dist'), languageFolder: '', languages: ['eng', 'deu'] };
    const read = `const { Worker } = require('worker_threads');
      new Worker('./dist/ocr.cjs', { workerData: ${JSON.stringify(data)} }).on('message', (said) => {
        if (!('progress' in said)) console.log(JSON.stringify(said));
      })`;
    const { stdout, stderr, lines } = hooked(['-e', read]);
    assert.deepEqual(JSON.parse(stdout), { read: { text: '', confidence: 0 } }, stderr);
    assert.deepEqual(
      lines.filter((line) => 'attempt' in line),
      [],
    );
  });

  for (const [name, attempt] of Object.entries({
    fetch: "fetch('http://127.0.0.1:4321/')",
    'fetch by name': "fetch('http://example.invalid/')",
    'net.connect': "require('net').connect(4321, '127.0.0.1')",
    'tls.connect': "require('tls').connect(4321, '127.0.0.1')",
    'http.get': "require('http').get('http://127.0.0.1:4321/')",
    'https.get': "require('https').get('https://127.0.0.1:4321/')",
    'http2.connect': "require('http2').connect('http://127.0.0.1:4321/')",
    'dns.lookup': "require('dns').lookup('example.invalid', () => {})",
    'dns.promises.resolve4': "require('dns').promises.resolve4('example.invalid')",
    'dgram send': "require('dgram').createSocket('udp4').send('x', 9, '127.0.0.1')",
    WebSocket: "new WebSocket('ws://127.0.0.1:4321/')",
    'a child process':
      "process.exit(require('child_process').spawnSync(process.execPath, ['-e', 'fetch(`http://127.0.0.1:4321/`)']).status)",
    'a worker': "new (require('worker_threads').Worker)('fetch(`http://127.0.0.1:4321/`)', { eval: true })",
  })) {
    it(`an attempt by ${name} would fail this test`, () => {
      const { lines } = hooked(['-e', attempt]);
      assert.ok(
        lines.some((line) => 'attempt' in line),
        JSON.stringify(lines),
      );
    });
  }

  it('a completion needs no network interface', function () {
    const isolated = ['--net', '--map-root-user', process.execPath];
    const probe = "process.exit(Object.values(require('os').networkInterfaces()).length)";
    if (spawnSync('unshare', [...isolated, '-e', probe]).status !== 0) {
      console.log('    skipped: this machine allows no network namespace (unshare --net)');
      this.skip();
    }
    const { stdout, stderr } = spawnSync('unshare', [...isolated, ...complete], { encoding: 'utf8' });
    assert.equal(stdout.trim(), 'unt = price * weight;', stderr);
  });
}).timeout(60_000);
