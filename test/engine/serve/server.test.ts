import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { BackendLost, BackendRefused, OutOfMemory } from '../../../kernels/ops.ts';
import { complete, outcome, prefill, testServers, TOKEN } from '../../support/engine/serverHost.ts';
import { until } from '../../support/until.ts';

const NO_ROOM = new OutOfMemory(9, 'No room for the cache.');

describe('engine server: who may come in', () => {
  const start = testServers();
  const refused: [name: string, params: { version: string; token: string }, message: RegExp][] = [
    [
      'a wrong token',
      { version: '1.0.0', token: 'secreT' },
      /^badRequest: The engine refused this window because its token is wrong\.$/,
    ],
    ['no token', { version: '1.0.0', token: '' }, /token is wrong/],
    [
      'another version',
      { version: '0.9.0', token: TOKEN },
      /^versionMismatch: .* version 1\.0\.0, .* needs version 0\.9\.0\.$/,
    ],
  ];
  for (const [name, params, message] of refused) {
    it(`${name} is refused with one sentence, and the connection ends`, async () => {
      const { connect, clients } = start();
      const client = connect();
      const closed = new Promise((resolve) => client.onClose(resolve));
      assert.match(await outcome(client.call('initialize', params)), message);
      await closed;
      assert.deepEqual(clients, []);
    });
  }

  it('an empty token file lets nobody in', async () => {
    const { connect } = start({ readToken: () => '' });
    assert.match(await outcome(connect().call('initialize', { version: '1.0.0', token: '' })), /token is wrong/);
  });

  it('nothing is answered before the introduction', async () => {
    const { connect, load, models } = start();
    assert.match(await outcome(load(connect())), /^badRequest: The first message must be initialize\.$/);
    assert.deepEqual(models.loads, []);
  });
});

describe('engine server: models', () => {
  const start = testServers();

  it('windows share a model, which goes with the last one', async () => {
    const { models, open, load, clients } = start();
    const [first, second] = [await open(), await open()];
    const [one, two] = await Promise.all([load(first), load(second)]);
    assert.deepEqual(one, two);
    assert.deepEqual(models.loads, ['auto']);
    first.close('');
    await until(() => clients.length === 3);
    assert.equal((await second.call('doctor', {})).models.length, 1);
    second.goodbye('');
    await until(() => models.models === 0);
    assert.deepEqual(clients, ['1 arrived', '2 arrived', '1 left', '0 goodbye']);
  });

  it('the KV disk cache is that of the window that came last, also of a model that is there', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'airgap-server-'));
    const { models, open, load } = start();
    const { name } = await load(await open());
    const keep = () =>
      models.store!.save(new Int32Array(300), { identity: name, pageBytes: 4 }, async () => Buffer.alloc(4));
    const kept = [await keep()];
    for (const kvDiskCache of [{ kvDiskCache: { folder, maxBytes: 1e6 } }, {}]) {
      const client = await open();
      await client.call('load', { model: '/none', backend: 'auto', ...kvDiskCache }).catch(() => {});
      kept.push(await keep());
    }
    rmSync(folder, { recursive: true });
    assert.deepEqual(kept, [false, true, false]);
  });

  it('another backend is another model', async () => {
    const { models, open, load } = start();
    const client = await open();
    const ids = [await load(client), await load(client, 'wasm')].map(({ modelId }) => modelId);
    assert.notEqual(ids[0], ids[1]);
    assert.equal(models.models, 2);
  });

  it('progress reaches the caller', async () => {
    const { open } = start();
    const client = await open();
    const parts: { loadedBytes: number; totalBytes: number }[] = [];
    await client.call('load', { model: 'media/starter', backend: 'auto' }, { onPart: (part) => parts.push(part) });
    const { loadedBytes, totalBytes } = parts.at(-1)!;
    assert.ok(totalBytes > 0 && loadedBytes === totalBytes);
  });

  it('a bad model is one sentence, and the next load tries again', async () => {
    const { models, open, load } = start();
    const client = await open();
    assert.match(await outcome(load(client, 'auto', '/bad')), /^badModel: \/bad does not exist\.$/);
    await outcome(load(client, 'auto', '/bad'));
    assert.equal(models.loads.length, 2);
  });

  it('a window that leaves while its model loads stops the loading', async () => {
    const { models, open, load } = start();
    models.hangingLoads = true;
    const client = await open();
    const loading = outcome(load(client));
    await until(() => models.loads.length === 1);
    client.close('The window closes.');
    assert.equal(await loading, 'engineGone: The window closes.');
    models.hangingLoads = false;
    await load(await open());
    assert.deepEqual([models.loads.length, models.models], [2, 1]);
  });

  it('without a GPU the reason is in the notes, and asking for one fails with it', async () => {
    const { models, open, load } = start({ noGpu: 'No GPU here.' });
    const client = await open();
    assert.deepEqual((await load(client)).notes, ['No GPU here.']);
    assert.deepEqual(models.loads, ['wasm']);
    assert.equal(await outcome(load(client, 'webgpu')), 'badRequest: No GPU here.');
  });

  it('the report lists what is loaded', async () => {
    const { open, load } = start();
    const client = await open();
    const { modelId, bytes } = await load(client);
    await complete(client, modelId);
    const { models, sessions, bytesHeld, runtime, backends } = await client.call('doctor', {});
    assert.deepEqual([models.length, sessions, runtime, backends.length], [1, 1, 'Node', 2]);
    assert.ok(bytesHeld >= bytes);
  });
});

describe('engine server: completions', () => {
  const start = testServers();

  it('a newer completion of the same document cancels the older', async () => {
    const { models, open, load } = start();
    const client = await open();
    const { modelId } = await load(client);
    const older = ['hang here', 'hang here'].map((prefix) => outcome(complete(client, modelId, prefix)));
    await until(() => models.running === 1);
    assert.equal((await complete(client, modelId, 'The')).text, ' answer is forty two');
    for (const failure of await Promise.all(older)) assert.match(failure, /^cancelled: /);
    assert.equal(models.mostRunning, 1);
    assert.equal(models.sessions, 1);
  });

  it('a prompt that is prefilled ahead is there for the completion, and the completion ends what is not done', async () => {
    const { models, open, load } = start();
    const client = await open();
    const { modelId } = await load(client);
    const text = 'the answer is '.repeat(40);
    const first = await prefill(client, modelId, text);
    assert.ok(first.tokensPrefilled > 100, `${first.tokensPrefilled} tokens`);
    const { tokensReused, tokensPrefilled } = await complete(client, modelId, `${text}forty`);
    assert.ok(tokensReused >= first.tokensPrefilled - 2 && tokensPrefilled < 10, `${tokensPrefilled} computed`);
    assert.deepEqual(await prefill(client, modelId, `${text}forty`), { tokensPrefilled: 0 });
    const begun = outcome(prefill(client, modelId, text.repeat(8), 'b.ts'));
    assert.equal((await complete(client, modelId, 'The', 'b.ts')).text, ' answer is forty two');
    assert.match(await begun, /^cancelled: /);
    assert.equal(models.sessions, 2);
  });

  it('a prompt is prefilled ahead behind a completion that runs', async () => {
    const { models, open, load } = start();
    const client = await open();
    const { modelId } = await load(client);
    const abort = new AbortController();
    const hanging = outcome(complete(client, modelId, 'hang here', 'a.ts', abort.signal));
    await until(() => models.running === 1);
    const behind = prefill(client, modelId, 'the answer is '.repeat(40));
    await client.call('doctor', {});
    assert.equal(models.running, 1);
    abort.abort();
    assert.match(await hanging, /^cancelled: /);
    assert.ok((await behind).tokensPrefilled > 100);
  });

  it('the least recently used sessions make room, and all go with their window', async () => {
    const { models, open, load } = start();
    const [client, other] = [await open(), await open()];
    const { modelId } = await load(client);
    await load(other);
    for (const document of 'abcdef') await complete(client, modelId, 'x', document);
    await until(() => models.sessions === 4);
    client.close('');
    await until(() => models.sessions === 0);
    assert.equal(models.models, 1);
  });

  it('a closed document is forgotten, and no other one', async () => {
    const { models, open, load } = start();
    const [client, other] = [await open(), await open()];
    const { modelId } = await load(client);
    await load(other);
    for (const document of ['a.ts', 'a.tsx']) await complete(client, modelId, 'x', document);
    await complete(other, modelId, 'x', 'a.ts');
    const sessions = async (): Promise<number> => (await client.call('doctor', {})).sessions;
    client.notify('closed', { sessionId: 'a.ts' });
    assert.equal(await sessions(), 2);
    client.notify('closed', { sessionId: 'a.tsx' });
    assert.equal(await sessions(), 1);
    await until(() => models.sessions === 1);
  });

  it('a model waits for the documents that are being closed', async () => {
    const { models, open, load } = start();
    let end = (): void => {};
    models.ending = new Promise((resolve) => (end = resolve));
    const client = await open();
    const { modelId } = await load(client);
    await complete(client, modelId);
    client.notify('closed', { sessionId: 'a.ts' });
    await client.call('doctor', {});
    client.close('');
    end();
    await until(() => models.models === 0);
    assert.deepEqual([models.sessions, models.orphans], [0, 0]);
  });

  it('the window is told when the rest of its document is prefilled, and no other window is', async () => {
    const { open, load } = start();
    const [client, other] = [await open(), await open()];
    const { modelId } = await load(client);
    await load(other);
    const told: unknown[] = [];
    client.onNotification('backgroundPrefill', (notification) => told.push(notification));
    other.onNotification('backgroundPrefill', () => assert.fail('it has not asked'));
    await complete(client, modelId, 'const value = compute(value);\n'.repeat(200));
    await until(() => told.length === 2);
    assert.deepEqual(
      told,
      [true, false].map((active) => ({ sessionId: 'a.ts', active })),
    );
  });

  it('where memory runs out the idle sessions make room, and nothing moves', async () => {
    const { models, open, load } = start();
    const client = await open();
    const { modelId } = await load(client);
    for (const document of 'abc') await complete(client, modelId, 'x', document);
    models.failing = [{ backend: 'webgpu', error: NO_ROOM }];
    assert.equal((await complete(client, modelId, 'The', 'd')).text, ' answer is forty two');
    assert.equal(models.sessions, 1);
    assert.deepEqual(models.loads, ['auto']);
  });

  it('a model of another window cannot be used', async () => {
    const { open, load } = start();
    const [client, stranger] = [await open(), await open()];
    const { modelId } = await load(client);
    assert.match(await outcome(complete(stranger, modelId)), /^badRequest: The model .* not loaded/);
  });

  const failures: [error: Error, times: number, choice: string, to: string][] = [
    [new BackendLost('The device was reset.'), 1, 'auto', 'webgpu'],
    [new BackendRefused('The driver refuses the shader matmul.'), 1, 'wasm', 'wasm'],
    [NO_ROOM, 2, 'wasm', 'wasm'], // After the first, idle sessions make room.
  ];
  for (const [error, times, choice, to] of failures) {
    it(`${error.name}: the model is loaded again on ${to}, the request is repeated, the windows are told once`, async () => {
      const { models, open, load } = start();
      const [client, other] = [await open(), await open()];
      const { modelId } = await load(client);
      await load(other);
      const told: string[] = [];
      for (const window of [client, other]) {
        window.onNotification('backendChanged', ({ model, reason }) => told.push(`${model.backend}: ${reason}`));
      }
      models.failing = Array(times).fill({ backend: 'webgpu', error });
      const both = [complete(client, modelId, 'The'), complete(other, modelId, 'The')];
      assert.deepEqual(
        (await Promise.all(both)).map(({ text }) => text),
        Array(2).fill(' answer is forty two'),
      );
      assert.deepEqual(models.runs.slice(-2), [to, to]);
      for (const window of [client, other]) await window.call('doctor', {});
      assert.deepEqual(told, Array(2).fill(`${to}: a webgpu failed: ${error.message}`));
      assert.deepEqual(models.loads, ['auto', choice]);
      assert.equal(models.models, 1);
      assert.match((await load(client)).notes.join(), /a webgpu failed/);
    });
  }

  it('where WASM fails too, the failure goes out, and the next request loads again', async () => {
    const { models, open, load } = start();
    const client = await open();
    const { modelId } = await load(client);
    models.failing = [
      { backend: 'webgpu', error: NO_ROOM },
      { backend: 'wasm', error: NO_ROOM },
    ];
    assert.equal(await outcome(complete(client, modelId)), 'outOfMemory: No room for the cache.');
    assert.equal((await complete(client, modelId, 'The')).text, ' answer is forty two');
    assert.deepEqual([models.runs.at(-1), models.models], ['wasm', 1]);
  });

  it('where the GPU cannot hold the model, "auto" loads it on WASM and says why', async () => {
    const { models, open, load } = start();
    models.failingLoads = [new OutOfMemory(9, 'The model does not fit.')];
    const { backend, notes } = await load(await open());
    assert.equal(backend, 'wasm');
    assert.match(notes.join(), /The model does not fit\./);
  });

  it('dispose ends everything', async () => {
    const { models, open, load, server } = start();
    const client = await open();
    const { modelId } = await load(client);
    const running = outcome(complete(client, modelId, 'hang here'));
    await until(() => models.running === 1);
    await server.dispose();
    assert.match(await running, /^engineGone|^cancelled/);
    assert.deepEqual([models.models, models.sessions], [0, 0]);
  });
});
