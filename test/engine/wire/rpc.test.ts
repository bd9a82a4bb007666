import assert from 'node:assert/strict';
import { duplexPair } from 'node:stream';
import { setTimeout as delay } from 'node:timers/promises';
import type { CompleteParams, CompleteResult, Failure, LoadProgress } from '../../../engine/wire/protocol.ts';
import { EngineFailure } from '../../../engine/wire/failure.ts';
import { type Handlers, RpcClient, serve } from '../../../engine/wire/rpc.ts';
import { until } from '../../support/until.ts';
import { GREEDY_SAMPLING } from '../../support/engine/greedySampling.ts';

const REQUEST: CompleteParams = {
  modelId: 'm',
  sessionId: 's',
  fileName: 'a.ts',
  languageId: 'typescript',
  prefix: 'a',
  suffix: '',
  maxTokens: 8,
  multiline: 'auto',
};
const INFO = {
  modelId: 'm',
  name: 'm',
  contextLength: 1,
  backend: 'wasm',
  chat: true,
  longestAnswer: 1,
  images: null,
  device: '',
  notes: [],
  bytes: 1,
  sampling: GREEDY_SAMPLING,
} as const;
const ANSWER = {
  seen: { lines: [], totalLines: 0 },
  tokensReused: 0,
  tokensPrefilled: 1,
  tokensGenerated: 1,
  stop: 'end' as const,
  prefillMs: 0,
  decodeMs: 0,
} satisfies Partial<CompleteResult>;

function connect(handlers: Partial<Handlers> = {}) {
  const [near, far] = duplexPair();
  const seen = { goodbye: 0, closed: 0, aborted: 0, hanging: 0, typing: 0 };
  const closedDocuments: string[] = [];
  const missing = async (): Promise<never> => {
    throw new Error('no such handler');
  };
  const served = serve(
    far,
    {
      initialize: missing,
      load: missing,
      doctor: missing,
      traffic: missing,
      chat: missing,
      fit: missing,
      countTokens: missing,
      likelihoods: missing,
      imageCosts: missing,
      prefill: missing,
      complete: async ({ prefix }, { signal }) => {
        if (prefix !== 'hang') return { ...ANSWER, text: prefix.toUpperCase() };
        seen.hanging++;
        await delay(60_000, undefined, { signal }).catch(() => seen.aborted++);
        throw new Error('late');
      },
      ...handlers,
    },
    {
      toFailure: (error) => ({ kind: 'bug', message: (error as Error).message }),
      onGoodbye: () => seen.goodbye++,
      onClosed: (sessionId) => closedDocuments.push(sessionId),
      onTyping: () => seen.typing++,
      onClose: () => seen.closed++,
    },
  );
  return { client: new RpcClient(near), served, seen, closedDocuments, near, far };
}

async function failure(promise: Promise<unknown>): Promise<Failure> {
  const error = await promise.then(
    () => assert.fail('it did not fail'),
    (reason: unknown) => reason,
  );
  assert.ok(error instanceof EngineFailure, String(error));
  return error.failure;
}

describe('rpc', () => {
  it('answers', async () => {
    const { client } = connect();
    assert.deepEqual(await client.call('complete', REQUEST), { ...ANSWER, text: 'A' });
  });

  it('tells which documents were closed, and that a key was pressed; what is no such message is dropped', async () => {
    const { client, closedDocuments, seen } = connect();
    client.notify('closed', { sessionId: 'a.ts' });
    client.notify('closed', { sessionId: 5 } as never);
    client.notify('typing', {});
    await client.call('complete', REQUEST);
    assert.equal(seen.typing, 1);
    assert.deepEqual(closedDocuments, ['a.ts']);
  });

  it('takes no folder that depends on where the engine runs', async () => {
    const { client } = connect();
    const kvDiskCache = { folder: 'cache', maxBytes: 1 };
    const { kind, message } = await failure(client.call('load', { model: '/m', backend: 'auto', kvDiskCache }));
    assert.deepEqual(kind, 'badRequest');
    assert.match(message, /kvDiskCache\.folder: must be an absolute path/);
  });

  it('sends progress to the call it belongs to', async () => {
    const load: Handlers['load'] = async ({ model }, { part }) => {
      for (const loadedBytes of [1, 2]) part({ loadedBytes, totalBytes: String(model).length });
      return { ...INFO, notes: [] };
    };
    const { client } = connect({ load });
    const parts: LoadProgress[][] = [[], []];
    const call = (model: string, index: number) =>
      client.call('load', { model, backend: 'auto' }, { onPart: (part) => parts[index]!.push(part) });
    await Promise.all([call('/a', 0), call('/bcd', 1)]);
    assert.deepEqual(
      parts,
      [2, 4].map((totalBytes) => [1, 2].map((loadedBytes) => ({ loadedBytes, totalBytes }))),
    );
  });

  it('tells what failed', async () => {
    const { client } = connect();
    assert.deepEqual(await failure(client.call('doctor', {})), { kind: 'bug', message: 'no such handler' });
  });

  const invalid: [name: string, params: object, message: RegExp][] = [
    ['a number as text', { ...REQUEST, prefix: 1 }, /complete: prefix: .*string/],
    ['no tokens', { ...REQUEST, maxTokens: 0 }, /complete: maxTokens/],
    ['half a token', { ...REQUEST, maxTokens: 1.5 }, /complete: maxTokens/],
    ['fewer lines than none', { ...REQUEST, linesBefore: -1 }, /complete: linesBefore/],
    ['lines as text', { ...REQUEST, linesAfter: '3' }, /complete: linesAfter: .*string/],
    ['an unknown word', { ...REQUEST, multiline: 'yes' }, /complete: multiline/],
    ['nothing', {}, /complete: modelId/],
  ];
  for (const [name, params, message] of invalid) {
    it(`refuses ${name} before any handler sees it`, async () => {
      const { client } = connect({ complete: () => assert.fail('handler called') });
      const { kind, message: said } = await failure(client.call('complete', params as CompleteParams));
      assert.equal(kind, 'badRequest');
      assert.match(said, message);
    });
  }

  it('a cancelled call fails at once, and its handler is told', async () => {
    const { client, seen } = connect();
    const abort = new AbortController();
    const call = failure(client.call('complete', { ...REQUEST, prefix: 'hang' }, { signal: abort.signal }));
    await until(() => seen.hanging === 1);
    abort.abort();
    assert.equal((await call).kind, 'cancelled');
    await until(() => seen.aborted === 1);
    assert.equal((await client.call('complete', REQUEST)).text, 'A');
  });

  it('a call that is cancelled before it starts sends nothing', async () => {
    const { client } = connect({ complete: () => assert.fail('handler called') });
    const { kind } = await failure(client.call('complete', REQUEST, { signal: AbortSignal.abort() }));
    assert.equal(kind, 'cancelled');
  });

  it('when the other end goes, every open call fails with the reason', async () => {
    const { client, far, seen } = connect();
    const reasons: string[] = [];
    client.onClose((reason) => reasons.push(reason));
    const hanging = { ...REQUEST, prefix: 'hang' };
    const calls = [failure(client.call('complete', hanging)), failure(client.call('complete', hanging))];
    await until(() => seen.hanging === 2);
    far.end();
    const gone = { kind: 'engineGone', message: 'The engine process ended.' };
    assert.deepEqual(await Promise.all(calls), [gone, gone]);
    assert.deepEqual(await failure(client.call('complete', REQUEST)), gone);
    assert.deepEqual(reasons, ['The engine process ended.']);
  });

  it('when the caller goes, its calls are aborted', async () => {
    const { client, seen } = connect();
    const call = failure(client.call('complete', { ...REQUEST, prefix: 'hang' }));
    await until(() => seen.hanging === 1);
    client.close('The window closes.');
    assert.deepEqual(await call, { kind: 'engineGone', message: 'The window closes.' });
    await until(() => seen.aborted === 1);
    assert.deepEqual(seen, { goodbye: 0, closed: 1, aborted: 1, hanging: 1, typing: 0 });
  });

  it('notifications go both ways', async () => {
    const { client, served, seen } = connect();
    const moved: unknown[] = [];
    client.onNotification('backendChanged', (params) => moved.push(params));
    served.notify('backendChanged', { model: { ...INFO, notes: [] }, reason: 'lost' });
    await until(() => moved.length === 1);
    client.goodbye('Done.');
    await until(() => seen.goodbye === 1);
    assert.deepEqual(moved, [{ model: INFO, reason: 'lost' }]);
  });
});
