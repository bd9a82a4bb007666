import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { BackendLost, OutOfMemory } from '../../../kernels/ops.ts';
import { complete, kindOf, load, soon, start, TOKEN } from '../../support/engine/serverHost.ts';

describe('engine server: who may come in', () => {
  const refused: [name: string, params: { version: string; token: string }, message: RegExp][] = [
    [
      'a wrong token',
      { version: '1.0.0', token: 'secreT' },
      /^badRequest: The engine refused this window: its token is wrong\.$/,
    ],
    ['no token', { version: '1.0.0', token: '' }, /token is wrong/],
    [
      'another version',
      { version: '0.9.0', token: TOKEN },
      /^versionMismatch: .* version 1\.0\.0, .* needs 0\.9\.0\.$/,
    ],
  ];
  for (const [name, params, message] of refused) {
    it(`${name} is refused with one sentence, and the connection ends`, async () => {
      const { connect, clients } = start();
      const client = connect();
      const closed = new Promise((resolve) => client.onClose(resolve));
      assert.match(await kindOf(client.call('initialize', params)), message);
      await closed;
      assert.deepEqual(clients, []);
    });
  }

  it('an empty token file lets nobody in', async () => {
    const { connect } = start({ readToken: () => '' });
    assert.match(await kindOf(connect().call('initialize', { version: '1.0.0', token: '' })), /token is wrong/);
  });

  it('nothing is answered before the introduction', async () => {
    const { connect, core } = start();
    assert.match(await kindOf(load(connect())), /^badRequest: The first message must be initialize\.$/);
    assert.deepEqual(core.loads, []);
  });
});

describe('engine server: models', () => {
  it('windows share a model, which goes with the last one', async () => {
    const { core, open, clients } = start();
    const [first, second] = [await open(), await open()];
    const [one, two] = await Promise.all([load(first), load(second)]);
    assert.deepEqual(one, two);
    assert.deepEqual(core.loads, ['/m auto']);
    first.close('');
    await soon();
    assert.equal(core.models, 1);
    second.goodbye('');
    await soon();
    assert.equal(core.models, 0);
    assert.deepEqual(clients, ['1 arrived', '2 arrived', '1 left', '0 goodbye']);
  });

  it('what is kept on disk goes by the window that came last, also of a model that is there', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'airgap-server-'));
    const { core, open } = start();
    const keep = () =>
      core.store!.save(new Int32Array(300), { identity: '', pageBytes: 4 }, async () => Buffer.alloc(4));
    const params = { model: '/m', backend: 'auto' as const };
    const kept: boolean[] = [];
    for (const keepOnDisk of [{}, { keepOnDisk: { folder, maxBytes: 1e6 } }, {}]) {
      await (await open()).call('load', { ...params, ...keepOnDisk });
      kept.push(await keep());
    }
    rmSync(folder, { recursive: true });
    assert.deepEqual([kept, core.loads.length], [[false, true, false], 1]);
  });

  it('another backend is another model', async () => {
    const { core, open } = start();
    const client = await open();
    const ids = [await load(client), await load(client, '/m', 'wasm')].map(({ modelId }) => modelId);
    assert.notEqual(ids[0], ids[1]);
    assert.equal(core.models, 2);
  });

  it('progress reaches the caller', async () => {
    const { open } = start();
    const parts: unknown[] = [];
    const onPart = (part: unknown): void => void parts.push(part);
    await (await open()).call('load', { model: '/m', backend: 'auto' }, { onPart });
    assert.deepEqual(parts, [{ loadedBytes: 5, totalBytes: 10 }]);
  });

  it('a bad model is one sentence, and the next load tries again', async () => {
    const { core, open } = start();
    const client = await open();
    assert.equal(await kindOf(load(client, '/bad')), 'badModel: /bad is not a model folder.');
    await kindOf(load(client, '/bad'));
    assert.equal(core.loads.length, 2);
  });

  it('a window that leaves while its model loads stops the loading', async () => {
    const { core, open } = start();
    core.loadMs = 60_000;
    const client = await open();
    const loading = kindOf(load(client));
    await soon();
    client.close('The window closes.');
    assert.equal(await loading, 'engineGone: The window closes.');
    await soon();
    assert.equal(core.models, 0);
  });

  it('without a GPU the reason is in the notes, and asking for one fails with it', async () => {
    const { core, open } = start({ wasmOnly: 'No GPU here.' });
    const client = await open();
    assert.deepEqual((await load(client)).notes, ['No GPU here.']);
    assert.deepEqual(core.loads, ['/m wasm']);
    assert.equal(await kindOf(load(client, '/m', 'webgpu')), 'badRequest: No GPU here.');
  });

  it('the report lists what is loaded', async () => {
    const { open } = start();
    const client = await open();
    const { modelId } = await load(client);
    await complete(client, modelId, 'x');
    const { models, sessions, bytesHeld, runtime, backends } = await client.call('doctor', {});
    assert.deepEqual([models.length, sessions, bytesHeld, runtime, backends.length], [1, 1, 10, 'Node', 1]);
  });
});

describe('engine server: completions', () => {
  it('a newer completion of the same document cancels the older', async () => {
    const { core, open } = start();
    const client = await open();
    const { modelId } = await load(client);
    const older = ['slow', 'slow'].map((prefix) => kindOf(complete(client, modelId, prefix)));
    await soon();
    assert.equal((await complete(client, modelId, 'x')).text, 'x on webgpu');
    for (const outcome of await Promise.all(older)) assert.match(outcome, /^cancelled: /);
    assert.equal(core.mostRunning, 1);
    assert.equal(core.sessions, 1);
  });

  it('the least recently used sessions make room, and all go with their window', async () => {
    const { core, open } = start();
    const [client, other] = [await open(), await open()];
    const { modelId } = await load(client);
    await load(other);
    for (const document of 'abcdef') await complete(client, modelId, 'x', document);
    await soon();
    assert.equal(core.sessions, 4);
    client.close('');
    await soon();
    assert.equal(core.sessions, 0);
    assert.equal(core.models, 1);
  });

  it('a closed document is forgotten, and no other one', async () => {
    const { core, open } = start();
    const [client, other] = [await open(), await open()];
    const { modelId } = await load(client);
    await load(other);
    for (const document of ['a.ts', 'a.tsx']) await complete(client, modelId, 'x', document);
    await complete(other, modelId, 'x', 'a.ts');
    client.notify('closed', { sessionId: 'a.ts' });
    await soon();
    assert.equal(core.sessions, 2);
    client.notify('closed', { sessionId: 'a.tsx' });
    await soon();
    assert.equal(core.sessions, 1);
  });

  it('a model waits for the documents that are being closed', async () => {
    const { core, open } = start();
    core.endMs = 40;
    const client = await open();
    const { modelId } = await load(client);
    await complete(client, modelId, 'x', 'a.ts');
    client.notify('closed', { sessionId: 'a.ts' });
    await soon();
    client.close('');
    await delay(100);
    assert.deepEqual([core.models, core.sessions, core.orphans], [0, 0, 0]);
  });

  it('tells the window that it reads the rest of a document, and no other window', async () => {
    const { core, open } = start();
    const [client, other] = [await open(), await open()];
    const { modelId } = await load(client);
    const told: unknown[] = [];
    client.onNotification('reading', (reading) => told.push(reading));
    other.onNotification('reading', () => assert.fail('not asked'));
    core.reads = true;
    await complete(client, modelId, 'x', 'a.ts');
    await soon();
    assert.deepEqual(
      told,
      [true, false].map((active) => ({ sessionId: 'a.ts', active })),
    );
  });

  it('where memory runs out the idle sessions make room, and nothing moves', async () => {
    const { core, open } = start();
    const client = await open();
    const { modelId } = await load(client);
    for (const document of 'abc') await complete(client, modelId, 'x', document);
    core.failing = [{ backend: 'webgpu', error: new OutOfMemory(9, 'No room for the cache.') }];
    assert.equal((await complete(client, modelId, 'y', 'd')).text, 'y on webgpu');
    assert.equal(core.sessions, 1);
    assert.deepEqual(core.loads, ['/m auto']);
  });

  it('a model of another window cannot be used', async () => {
    const { open } = start();
    const [client, stranger] = [await open(), await open()];
    const { modelId } = await load(client);
    assert.match(await kindOf(complete(stranger, modelId, 'x')), /^badRequest: The model .* not loaded/);
  });

  for (const error of [new BackendLost('The device was reset.'), new OutOfMemory(9, 'No room for the cache.')]) {
    it(`${error.name}: the model moves to WASM, the request is repeated, the windows are told once`, async () => {
      const { core, open } = start();
      const [client, other] = [await open(), await open()];
      const { modelId } = await load(client);
      await load(other);
      const told: string[] = [];
      for (const window of [client, other]) {
        window.onNotification('backendChanged', ({ model, reason }) => told.push(`${model.backend}: ${reason}`));
      }
      core.failing = [
        { backend: 'webgpu', error },
        { backend: 'webgpu', error },
      ];
      const both = [complete(client, modelId, 'x'), complete(other, modelId, 'y')];
      assert.deepEqual(
        (await Promise.all(both)).map(({ text }) => text),
        ['x on wasm', 'y on wasm'],
      );
      await soon();
      assert.deepEqual(told, Array(2).fill(`wasm: a webgpu failed: ${error.message}`));
      assert.deepEqual(core.loads, ['/m auto', '/m wasm']);
      assert.equal(core.models, 1);
      assert.match((await load(client)).notes.join(), /a webgpu failed/);
    });
  }

  it('where WASM fails too, the failure goes out, and the next request loads again', async () => {
    const { core, open } = start();
    const client = await open();
    const { modelId } = await load(client);
    const error = new OutOfMemory(9, 'No room for the cache.');
    core.failing = [
      { backend: 'webgpu', error },
      { backend: 'wasm', error },
    ];
    assert.equal(await kindOf(complete(client, modelId, 'x')), 'outOfMemory: No room for the cache.');
    assert.equal((await complete(client, modelId, 'y')).text, 'y on wasm');
    assert.equal(core.models, 1);
  });

  it('where the GPU cannot hold the model, "auto" loads it on WASM and says why', async () => {
    const { core, open } = start();
    core.failingLoads = [new OutOfMemory(9, 'The model does not fit.')];
    const { backend, notes } = await load(await open());
    assert.equal(backend, 'wasm');
    assert.match(notes.join(), /The model does not fit\./);
  });

  it('dispose ends everything', async () => {
    const { core, open, server } = start();
    const client = await open();
    const { modelId } = await load(client);
    const running = kindOf(complete(client, modelId, 'slow'));
    await soon();
    await server.dispose();
    assert.match(await running, /^engineGone|^cancelled/);
    assert.deepEqual([core.models, core.sessions], [0, 0]);
  });
});
