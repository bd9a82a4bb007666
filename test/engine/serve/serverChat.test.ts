import assert from 'node:assert/strict';
import { BackendLost, OutOfMemory } from '../../../kernels/ops.ts';
import { chat, complete, kindOf, load, soon, start } from '../../support/engine/serverHost.ts';

describe('engine server: chats', () => {
  async function open() {
    const { core, open } = start();
    const client = await open();
    const { modelId } = await load(client);
    return { core, client, modelId };
  }

  it('an answer comes in parts', async () => {
    const { client, modelId } = await open();
    const parts: string[] = [];
    assert.equal((await chat(client, modelId, 'hi', { parts })).stop, 'end');
    assert.deepEqual(parts, ['hello', ' (user: hi)']);
  });

  it('a newer question of the same conversation cancels the older', async () => {
    const { core, client, modelId } = await open();
    const older = kindOf(chat(client, modelId, 'slow'));
    await soon();
    await chat(client, modelId, 'hi');
    assert.match(await older, /^cancelled: /);
    assert.equal(core.mostRunning, 1);
  });

  it('Stop ends it, and nothing comes after', async () => {
    const { core, client, modelId } = await open();
    const abort = new AbortController();
    const messages = [{ role: 'user' as const, text: 'slow' }];
    const parts: string[] = [];
    const params = { modelId, sessionId: 'chat', messages, maxTokens: 8 };
    const onPart = ({ text }: { text: string }): void => void parts.push(text);
    const running = kindOf(client.call('chat', params, { signal: abort.signal, onPart }));
    await soon();
    abort.abort();
    assert.match(await running, /^cancelled: /);
    await soon();
    assert.deepEqual([parts, core.running], [['hello'], 0]);
  });

  it('conversations do not push the documents out, nor each other beyond two', async () => {
    const { core, client, modelId } = await open();
    for (const document of 'abcd') await complete(client, modelId, 'x', document);
    for (const sessionId of 'efgh') await chat(client, modelId, 'hi', { sessionId });
    await soon();
    assert.equal(core.sessions, 4 + 2);
    assert.equal((await client.call('doctor', {})).sessions, 6);
    client.notify('closed', { sessionId: 'h' });
    client.notify('closed', { sessionId: 'a' });
    await soon();
    assert.equal(core.sessions, 4);
    client.close('');
    await soon();
    assert.equal(core.sessions, 0);
  });

  it('where memory runs out, idle documents and conversations make room for either', async () => {
    const { core, client, modelId } = await open();
    const error = new OutOfMemory(9, 'No room for the cache.');
    await complete(client, modelId, 'x', 'a');
    await chat(client, modelId, 'hi');
    core.failing = [{ backend: 'webgpu', error }];
    await complete(client, modelId, 'x', 'b');
    assert.equal(core.sessions, 1);
    core.failing = [{ backend: 'webgpu', error }];
    await chat(client, modelId, 'hi');
    assert.equal(core.sessions, 1);
    assert.deepEqual(core.loads, ['/m auto']);
  });

  it('a backend that fails in the middle: the answer goes on behind what was said', async () => {
    const { core, client, modelId } = await open();
    core.failing = [{ backend: 'webgpu', error: new BackendLost('The device was reset.') }];
    const parts: string[] = [];
    await chat(client, modelId, 'hi', { parts });
    assert.deepEqual(parts, ['hello', 'hello', ' (user: hi, assistant: hello)']);
    assert.deepEqual(core.loads, ['/m auto', '/m wasm']);
  });

  it('fit and countTokens ask the model', async () => {
    const { client, modelId } = await open();
    assert.deepEqual(await client.call('countTokens', { modelId, texts: ['', 'abc'] }), { counts: [0, 3] });
    const messages = [{ role: 'user' as const, text: 'hi' }];
    const fitted = await client.call('fit', { modelId, messages, sources: [], maxTokens: 7 });
    assert.deepEqual(fitted, { sources: [], tokensUsed: 1, tokensLimit: 7, messagesDropped: 0 });
  });

  it('a model of another window answers nothing', async () => {
    const { core, open } = start();
    const [client, stranger] = [await open(), await open()];
    const { modelId } = await load(client);
    assert.match(await kindOf(chat(stranger, modelId, 'hi')), /^badRequest: The model .* not loaded/);
    assert.equal(core.sessions, 0);
  });

  const turn = (role: string, text: unknown = 'x') => ({ role, text });
  const wrong: [name: string, change: object][] = [
    ['no message', { messages: [] }],
    ['the assistant first', { messages: [turn('assistant')] }],
    ['nobody but the system', { messages: [turn('system')] }],
    ['two systems', { messages: [turn('system'), turn('system'), turn('user')] }],
    ['the system in the middle', { messages: [turn('user'), turn('system')] }],
    ['two questions in a row', { messages: [turn('user'), turn('user')] }],
    ['another role', { messages: [turn('tool')] }],
    ['no text', { messages: [turn('user', 5)] }],
    ['no tokens', { maxTokens: 0 }],
    ['a temperature below 0', { sampling: { temperature: -1, topP: 1, seed: 1 } }],
    ['no seed', { sampling: { temperature: 1, topP: 1 } }],
  ];
  for (const [name, change] of wrong) {
    it(`refuses ${name} with one sentence`, async () => {
      const { client, modelId } = await open();
      const params = { modelId, sessionId: 's', messages: [turn('user')], maxTokens: 8, ...change };
      assert.match(await kindOf(client.call('chat', params as never)), /^badRequest: chat: .+/);
    });
  }
});
