import assert from 'node:assert/strict';
import { BackendLost, OutOfMemory } from '../../../kernels/ops.ts';
import { textTurn } from '../../../engine/wire/chatTurns.ts';
import { ANSWER, chat, complete, outcome, testServers } from '../../support/engine/serverHost.ts';
import { until } from '../../support/until.ts';

describe('engine server: chats', () => {
  const start = testServers();
  async function open() {
    const { models, open, load } = start();
    const client = await open();
    const { modelId } = await load(client);
    return { models, client, modelId };
  }

  it('an answer comes in parts', async () => {
    const { client, modelId } = await open();
    const parts: string[] = [];
    assert.equal((await chat(client, modelId, 'hi', { parts })).stop, 'end');
    assert.equal(parts.join(''), ANSWER);
    assert.ok(parts.length >= 5);
  });

  it('what remains of sources comes first', async () => {
    const { client, modelId } = await open();
    const parts: string[] = [];
    await chat(client, modelId, 'hi', { parts, sources: [{ name: 'a.ts', text: 'let a;' }] });
    assert.equal(parts.join(''), `fitted${ANSWER}`);
  });

  describe('likelihoods', () => {
    const request = { text: 'The answer', beginnings: ['The', 'is'], milliseconds: 60_000 };

    it('come for each beginning', async () => {
      const { client, modelId } = await open();
      const { values } = await client.call('likelihoods', { modelId, ...request });
      assert.ok(values.length === 2 && values.every((value) => value < 0), `${values}`);
    });

    for (const [name, changed] of Object.entries({
      'an empty text': { text: '' },
      'a long text': { text: 'x'.repeat(501) },
      'too many beginnings': { beginnings: Array<string>(101).fill('x') },
      'no time': { milliseconds: 0 },
    })) {
      it(`${name} is refused`, async () => {
        const { client, modelId } = await open();
        const refused = client.call('likelihoods', { modelId, ...request, ...changed });
        assert.match(await outcome(refused), /^badRequest: /);
      });
    }

    it('end with their cancellation', async () => {
      const { client, modelId } = await open();
      const beginnings = Array<string>(100).fill('The answer is '.repeat(5));
      const stop = new AbortController();
      const running = outcome(client.call('likelihoods', { modelId, ...request, beginnings }, { signal: stop.signal }));
      stop.abort();
      assert.match(await running, /^cancelled: /);
    });
  });

  it('a newer question of the same conversation cancels the older', async () => {
    const { models, client, modelId } = await open();
    const older = outcome(chat(client, modelId, 'hang'));
    await until(() => models.running === 1);
    await chat(client, modelId, 'hi');
    assert.match(await older, /^cancelled: /);
    assert.equal(models.mostRunning, 1);
  });

  it('Stop ends it, and nothing comes after', async () => {
    const { models, client, modelId } = await open();
    const abort = new AbortController();
    const parts: string[] = [];
    const running = outcome(chat(client, modelId, 'hang', { parts }, abort.signal));
    await until(() => models.running === 1);
    abort.abort();
    assert.match(await running, /^cancelled: /);
    await until(() => models.running === 0);
    assert.deepEqual(parts, []);
  });

  it('conversations do not push the documents out, nor each other beyond two', async () => {
    const { models, client, modelId } = await open();
    for (const document of 'abcd') await complete(client, modelId, 'x', document);
    for (const sessionId of 'efgh') await chat(client, modelId, 'hi', { sessionId });
    await until(() => models.sessions === 4 + 2);
    assert.equal((await client.call('doctor', {})).sessions, 6);
    client.notify('closed', { sessionId: 'h' });
    client.notify('closed', { sessionId: 'a' });
    await until(() => models.sessions === 4);
    client.close('');
    await until(() => models.sessions === 0);
  });

  it('where memory runs out, idle documents and conversations make room for either', async () => {
    const { models, client, modelId } = await open();
    const error = new OutOfMemory(9, 'No room for the cache.');
    await complete(client, modelId, 'x', 'a');
    await chat(client, modelId, 'hi');
    models.failing = [{ backend: 'webgpu', error }];
    await complete(client, modelId, 'x', 'b');
    assert.equal(models.sessions, 1);
    models.failing = [{ backend: 'webgpu', error }];
    await chat(client, modelId, 'hi');
    assert.equal(models.sessions, 1);
    assert.deepEqual(models.loads, ['auto']);
  });

  for (const sources of [undefined, [{ name: 'a.ts', text: 'let a;' }]]) {
    it(`a backend that fails in the middle: the answer goes on behind what was said${sources ? ', sources are not fitted again' : ''}`, async () => {
      const { models, client, modelId } = await open();
      models.failing = [{ backend: 'webgpu', error: new BackendLost('The device was reset.'), after: 3 }];
      const parts: string[] = [];
      await chat(client, modelId, 'hi', { parts, ...(sources && { sources }) });
      assert.equal(parts.join(''), `${sources ? 'fitted' : ''}${ANSWER}`);
      assert.deepEqual([models.loads, models.runs], [['auto', 'auto'], ['webgpu', 'webgpu']]); // prettier-ignore
    });
  }

  it('fit and countTokens ask the model', async () => {
    const { client, modelId } = await open();
    const { counts } = await client.call('countTokens', { modelId, texts: ['', 'The answer'] });
    assert.deepEqual(counts, [0, 4]);
    const messages = [textTurn('user', 'hi')];
    const fitted = await client.call('fit', { modelId, messages, sources: [], maxTokens: 7 });
    assert.deepEqual([fitted.sources, fitted.tokensLimit, fitted.messagesDropped], [[], 16_384 - 7, 0]);
  });

  it('a question that does not fit the window says so', async () => {
    const { client, modelId } = await open();
    const text = 'x '.repeat(40_000);
    assert.match(await outcome(chat(client, modelId, text)), /^promptTooLong: The question has \d+ tokens/);
  });

  it('a model of another window answers nothing', async () => {
    const { models, open, load } = start();
    const [client, stranger] = [await open(), await open()];
    const { modelId } = await load(client);
    assert.match(await outcome(chat(stranger, modelId, 'hi')), /^badRequest: The model .* not loaded/);
    assert.equal(models.sessions, 0);
  });

  const turn = (role: string, text: unknown = 'x') => ({ role, content: [{ type: 'text', text }] });
  const wrong: [name: string, change: object][] = [
    ['no message', { messages: [] }],
    ['the assistant first', { messages: [turn('assistant')] }],
    ['nobody but the system', { messages: [turn('system')] }],
    ['two systems', { messages: [turn('system'), turn('system'), turn('user')] }],
    ['the system in the middle', { messages: [turn('user'), turn('system')] }],
    ['two questions in a row', { messages: [turn('user'), turn('user')] }],
    ['another role', { messages: [turn('tool')] }],
    ['no text', { messages: [turn('user', 5)] }],
    ['an unknown kind of content', { messages: [{ role: 'user', content: [{ type: 'sound' }] }] }],
    ['sources behind an answer', { messages: [turn('user'), turn('assistant')], sources: [] }],
    ['a source without a text', { sources: [{ name: 'a' }] }],
    ['no tokens', { maxTokens: 0 }],
    ['a temperature below 0', { sampling: { temperature: -1, topP: 1, seed: 1 } }],
    ['a top-p of 0', { sampling: { topP: 0, seed: 1 } }],
    ['half a token', { sampling: { topK: 1.5, seed: 1 } }],
    ['a repetition penalty of 0', { sampling: { repetitionPenalty: 0, seed: 1 } }],
    ['no seed', { sampling: { temperature: 1, topP: 1 } }],
  ];
  for (const [name, change] of wrong) {
    it(`refuses ${name} with one sentence`, async () => {
      const { client, modelId } = await open();
      const params = { modelId, sessionId: 's', messages: [turn('user')], maxTokens: 8, ...change };
      assert.match(await outcome(client.call('chat', params as never)), /^badRequest: chat: .+/);
    });
  }
});
