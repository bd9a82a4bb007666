import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { chmodSync, existsSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { join, resolve } from 'node:path';
import { EngineFailure } from '../../../engine/wire/failure.ts';
import { RpcClient } from '../../../engine/wire/rpc.ts';
import { type Connected, connectEngine } from '../../../extension/engine/process.ts';
import { TinyFolder } from '../../support/engine/tinyModel.ts';
import { bundle, type EngineHost, engineHost, isAlive, removeHost, until } from '../../support/extension/engineHost.ts';

const mode = (path: string): number => statSync(path).mode & 0o777;

describe('engine process', function () {
  this.timeout(60_000);
  let host: EngineHost;
  const pids = new Set<number>();
  let lonely: number;

  const open = async (launch = host): Promise<Connected> => {
    const connected = await connectEngine(launch);
    pids.add(connected.pid);
    return connected;
  };
  const goodbye = ({ client }: Connected): void => client.goodbye('The test is done.');
  const gone = async (pid: number): Promise<void> => {
    await until(`process ${pid} ends`, () => !isAlive(pid));
    assert.equal(existsSync(host.address.socket), false, 'the socket file is left');
  };

  before(async () => {
    host = await engineHost(resolve('dist/engine.cjs'));
    // Nobody connects to this engine; the last test expects that it ends.
    const args = [host.engineFile, '--socket', join(host.base, 'lonely.sock'), '--token-file', '/none'];
    lonely = spawn(process.execPath, args, { stdio: 'ignore' }).pid!;
    pids.add(lonely);
  });
  after(() => removeHost(host, pids));

  it('windows share one process, which ends at once when the last says goodbye', async () => {
    const [first, second] = [await open(), await open()];
    assert.equal(first.pid, second.pid);
    goodbye(first);
    await second.client.call('doctor', {});
    goodbye(second);
    await gone(first.pid);
    assert.match(readFileSync(host.address.logFile, 'utf8'), /Exiting: the last window said goodbye\.\n$/);
  });

  it('only the user can reach it', async () => {
    const connected = await open();
    assert.equal(mode(host.address.directory), 0o700);
    assert.equal(mode(host.address.tokenFile), 0o600);
    assert.equal(mode(host.address.logFile), 0o600);
    goodbye(connected);
    await gone(connected.pid);
  });

  it('a directory that others can open is refused with one sentence', async () => {
    chmodSync(host.address.directory, 0o755);
    await assert.rejects(
      open(),
      /must be a directory that only you can access \(mode 0700\)\. Remove it and try again\.$/,
    );
    chmodSync(host.address.directory, 0o700);
  });

  it('a wrong token is refused', async () => {
    const connected = await open();
    const stranger = new RpcClient(connect(host.address.socket));
    const call = stranger.call('initialize', { version: host.version, token: '0'.repeat(64) });
    await assert.rejects(call, (error) => error instanceof EngineFailure && /token is wrong/.test(error.message));
    goodbye(connected);
    await gone(connected.pid);
  });

  it('whoever speaks another language is put out, and the others are served on', async () => {
    const connected = await open();
    const stranger = connect(host.address.socket, () => stranger.write('GET / HTTP/1.1\r\nHost: x\r\n\r\n'));
    await new Promise((resolve) => stranger.once('close', resolve));
    assert.equal((await connected.client.call('doctor', {})).backends.length, 2);
    goodbye(connected);
    await gone(connected.pid);
  });

  it('several starters at once share one engine', async () => {
    const all = await Promise.all([open(), open(), open()]);
    assert.equal(new Set(all.map(({ pid }) => pid)).size, 1);
    for (const connected of all) goodbye(connected);
    await gone(all[0]!.pid);
  });

  it('a socket file that a killed engine left is replaced, by one of several starters', async () => {
    for (let round = 0; round < 3; round++) {
      const killed = await open();
      process.kill(killed.pid, 'SIGKILL');
      await until('it is dead', () => !isAlive(killed.pid));
      assert.ok(existsSync(host.address.socket));
      const all = await Promise.all([open(), open(), open(), open()]);
      assert.equal(new Set(all.map(({ pid }) => pid)).size, 1);
      assert.notEqual(all[0]!.pid, killed.pid);
      for (const connected of all) goodbye(connected);
      await gone(all[0]!.pid);
    }
    const left = readdirSync(host.address.directory).filter((name) => !/\.(token|log)$/.test(name));
    assert.deepEqual(left, []);
  });

  it('it ends when its starter was killed', async () => {
    const starter = join(host.base, 'starter.cjs');
    await bundle('test/support/engine/starter.ts', starter);
    const window = spawn(process.execPath, [starter], {
      env: { ...process.env, LAUNCH: JSON.stringify(host) },
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const pid = Number(await new Promise((resolve) => window.stdout.once('data', resolve)));
    pids.add(pid);
    assert.ok(isAlive(pid));
    window.kill('SIGKILL');
    await gone(pid);
  });

  it("another machine's program gives one sentence, and the next runtime runs", async () => {
    const program = join(host.base, 'node-of-another-machine');
    writeFileSync(program, Buffer.from([0x7f, 0x45, 0x4c, 0x46, 2, 1, 1, 0]), { mode: 0o755 });
    const [next] = host.choice.runtimes;
    const runtimes = [{ program, electronAsNode: false }, next!];
    const connected = await open({ ...host, choice: { runtimes, notes: ['A note.'] } });
    const sentence = `${program} cannot run the engine: it is not a program for ${process.platform}-${process.arch}.`;
    assert.deepEqual(connected.notes, ['A note.', sentence]);
    goodbye(connected);
    await gone(connected.pid);
  });

  it('Electron as Node gets WASM only, and the model says why', async () => {
    const runtimes = [{ program: process.execPath, electronAsNode: true }];
    const connected = await open({ ...host, choice: { runtimes, notes: [] } });
    const folder = TinyFolder.model();
    const { backend, notes } = await connected.client.call('load', { model: folder.path, backend: 'auto' });
    folder.remove();
    assert.equal(backend, 'wasm');
    assert.match(notes.join(), /Electron, which cannot read GPU results/);
    goodbye(connected);
    await gone(connected.pid);
  });

  it('where nothing runs, one sentence says so', async () => {
    const program = join(host.base, 'missing');
    const choice = { runtimes: [{ program, electronAsNode: false }], notes: [] };
    await assert.rejects(open({ ...host, choice }), {
      message: `The engine could not be started. ${program} cannot run the engine: it does not exist.`,
    });
  });

  it('without any window it ends by itself', () => until('the lonely engine ends', () => !isAlive(lonely), 15_000));
});
