/** Whatever a server does, the user reads one sentence, and no text is lost. */
import assert from 'node:assert/strict';
import { textTurn } from '../../../engine/wire/chatTurns.ts';
import { listModels } from '../../../extension/remote/client.ts';
import { failureOf } from '../../../extension/remote/failureOf.ts';
import { type FaultKind, RemoteFailure } from '../../../extension/remote/faults.ts';
import { createRemoteChat, createRemoteCompletion } from '../../../extension/remote/remoteModel.ts';
import type { RemoteHost } from '../../../extension/remote/serverFetch.ts';
import { makeCertificates } from '../../support/engine/download/certificates.ts';
import {
  type Behaviour,
  complete,
  event,
  json,
  page,
  refusal,
  SERVED,
  startFaultyServer,
  stream,
} from '../../support/remote/faultyServer.ts';

const NO_SIGNAL = new AbortController().signal;
const t = (message: string, ...values: (string | number)[]) =>
  message.replace(/\{(\d)\}/g, (_, n: string) => String(values[Number(n)]));
const silent: Behaviour = () => {};

/** What one question comes to. */
async function asked(url: string, limits: RemoteHost['limits'] = {}, signal = NO_SIGNAL) {
  const lines: string[] = [];
  const chat = createRemoteChat(
    { url, model: SERVED, key: 'secret' },
    { log: (line) => void lines.push(line), t, limits },
  );
  const states: string[] = [];
  chat.onDidChangeState((state) =>
    states.push(state.kind === 'ready' ? ['ready', ...state.notes].join(' ') : state.kind),
  );
  const request = { sessionId: 'a', messages: [textTurn('user', 'Why?')], maxTokens: 8 };
  let text = '';
  const failure = await chat
    .chat(request, signal, (part) => void (text += part.type === 'text' ? part.text : ''))
    .then(
      () => undefined,
      (error: unknown) => error,
    );
  chat.dispose();
  return { failure, text, states, lines };
}

interface Case {
  readonly what: string;
  readonly behaviour: Behaviour;
  readonly models?: Behaviour;
  readonly fault: FaultKind;
  /** Part of the sentence. */
  readonly says?: RegExp;
  /** The text that stays. */
  readonly text?: string;
}

const broken = stream(['It is', ' so'], (response) => setTimeout(() => response.destroy(), 20));
const CASES: readonly Case[] = [
  {
    what: 'no key, or a wrong one',
    behaviour: refusal(401, 'Unauthorized'),
    fault: 'unauthorised',
    says: /does not accept the key/,
  },
  { what: 'a key without permission', behaviour: refusal(403, 'Forbidden'), fault: 'unauthorised' },
  { what: 'no such path', behaviour: json(404, { detail: 'Not Found' }), fault: 'notFound' },
  { what: 'no such path for the list of models', behaviour: silent, models: page(404), fault: 'notFound' },
  {
    what: 'a model that was swapped',
    behaviour: refusal(404, 'The model `a-model` does not exist.'),
    fault: 'modelGone',
    says: /no longer serves the model a-model/,
  },
  {
    what: 'a model that is not listed',
    behaviour: silent,
    models: json(200, { data: [{ id: 'other' }] }),
    fault: 'modelGone',
  },
  { what: 'too many requests', behaviour: refusal(429, 'Too many'), fault: 'busy' },
  {
    what: 'too many requests, for an hour',
    behaviour: refusal(429, 'Too many', { 'retry-after': '3600' }),
    fault: 'busy',
  },
  { what: 'a failure of the server', behaviour: refusal(500, 'CUDA error'), fault: 'serverError', says: /HTTP 500/ },
  { what: "a gateway's page", behaviour: page(502), fault: 'serverError', says: /HTTP 502/ },
  { what: "a proxy's page to sign in", behaviour: page(200), fault: 'notTheApi', says: /proxy/ },
  { what: "a proxy's page in place of the models", behaviour: silent, models: page(200), fault: 'notTheApi' },
  { what: "a proxy's page that forbids", behaviour: page(403), fault: 'notTheApi' },
  {
    what: 'no JSON',
    behaviour: silent,
    models: (response) => void response.writeHead(200, { 'content-type': 'application/json' }).end('{"data": ['),
    fault: 'notTheApi',
  },
  { what: 'JSON of another kind', behaviour: silent, models: json(200, { data: [{ name: 'x' }] }), fault: 'notTheApi' },
  {
    what: 'a stream that holds no JSON',
    behaviour: (response) =>
      void response.writeHead(200, { 'content-type': 'text/event-stream' }).end('data: {"choi\n\n'),
    fault: 'notTheApi',
  },
  {
    what: 'a context that is too small',
    behaviour: refusal(400, "This model's maximum context length is 2048 tokens."),
    fault: 'tooLong',
  },
  {
    what: 'a request that it does not take',
    behaviour: refusal(400, 'min_p must be in [0, 1]'),
    fault: 'badRequest',
    says: /min_p must be/,
  },
  { what: 'a stream that breaks', behaviour: broken, fault: 'brokenStream', text: 'It is so' },
  {
    what: 'a stream that ends too early',
    behaviour: stream(['It', ' is'], (response) => response.end()),
    fault: 'brokenStream',
    text: 'It is',
  },
  {
    what: 'an error within the stream',
    behaviour: stream(['It'], (response) => response.end(event({ error: { message: 'engine died', code: 500 } }))),
    fault: 'serverError',
    says: /engine died/,
    text: 'It',
  },
  { what: 'no answer', behaviour: silent, fault: 'timeout' },
  { what: 'an answer that stops', behaviour: stream(['It is'], () => {}), fault: 'timeout', text: 'It is' },
  { what: 'a list of models that never comes', behaviour: silent, models: silent, fault: 'timeout' },
];

describe('faults of a server', () => {
  for (const { what, behaviour, models, fault, says = /./, text = '' } of CASES) {
    it(`${what}: ${fault}`, async () => {
      await using server = await startFaultyServer(behaviour, models ? { models } : {});
      const got = await asked(server.url, fault === 'timeout' ? { answerMs: 150, partMs: 150 } : {});
      assert.ok(got.failure instanceof RemoteFailure, String(got.failure));
      assert.equal(got.failure.fault, fault, got.failure.message);
      assert.match(got.failure.message, says);
      assert.match(got.failure.message, /^[^\n]+[.?\]]$|: .+$/);
      assert.equal(got.text, text);
      assert.equal(got.lines.length, server.paths.length, 'one line for each request');
      assert.doesNotMatch(got.lines.join('\n'), /Why|secret/);
    });
  }

  it('nobody listens: refused', async () => {
    const server = await startFaultyServer(silent);
    await server[Symbol.asyncDispose]();
    const { failure, states } = await asked(server.url);
    assert.equal((failure as RemoteFailure).fault, 'refused');
    assert.deepEqual(states, ['starting', 'failed']);
  });

  it('a name that does not exist: unknownHost', () => {
    const error = new TypeError('fetch failed', {
      cause: Object.assign(new Error('getaddrinfo'), { code: 'ENOTFOUND' }),
    });
    const failure = failureOf(error, { url: 'http://gpu:8000', model: SERVED }, t);
    assert.deepEqual([failure.fault, failure.message], ['unknownHost', 'There is no host of the name gpu:8000.']);
  });

  it('a certificate of an authority that nobody knows: certificate', async () => {
    await using server = await startFaultyServer(silent, { tls: await makeCertificates() });
    const { failure } = await asked(server.url);
    assert.equal((failure as RemoteFailure).fault, 'certificate');
  });

  it('no redirection is followed: the key is for this server', async () => {
    await using other = await startFaultyServer(silent);
    await using server = await startFaultyServer(
      (response) => void response.writeHead(307, { location: `${other.url}/v1/chat/completions` }).end(),
    );
    const { failure } = await asked(server.url);
    assert.equal((failure as RemoteFailure).fault, 'notTheApi');
    assert.deepEqual(other.paths, []);
  });

  it('a busy server that asks for a short pause is asked once more, and the state says so', async () => {
    const busy = refusal(429, 'Too many', { 'retry-after': '0' });
    await using server = await startFaultyServer((response, request, attempt) =>
      (attempt === 1 ? busy : stream(['Because'], complete))(response, request, attempt),
    );
    const { failure, text, states } = await asked(server.url);
    assert.equal(failure, undefined);
    assert.equal(text, 'Because');
    assert.match(states.join('\n'), /^ready \S+ is busy\. The next attempt is in 0 s\.$/m);
    assert.equal(states.at(-1), 'ready');
  });

  it('busy again: the user decides', async () => {
    await using server = await startFaultyServer(refusal(429, 'Too many', { 'retry-after': '0' }));
    assert.equal(((await asked(server.url)).failure as RemoteFailure).fault, 'busy');
    assert.equal(server.paths.filter((path) => path.includes('chat')).length, 2);
  });

  it('a server that was away is asked again by the next question', async () => {
    await using server = await startFaultyServer((response, request, attempt) =>
      (attempt === 1 ? refusal(503, 'Loading') : stream(['Yes'], complete))(response, request, attempt),
    );
    const chat = createRemoteChat({ url: `${server.url}/v1/`, model: SERVED }, { log: () => {}, t });
    const ask = () =>
      chat.chat({ sessionId: 'a', messages: [textTurn('user', 'Why?')], maxTokens: 8 }, NO_SIGNAL, () => {});
    await assert.rejects(ask(), RemoteFailure);
    assert.equal(chat.state.kind, 'failed');
    assert.equal((await ask()).stop, 'end');
    assert.equal(chat.state.kind, 'ready');
    chat.dispose();
  });

  it('the end of a window ends what is on its way', async () => {
    await using server = await startFaultyServer(stream(['It'], () => {}));
    const chat = createRemoteChat({ url: server.url, model: SERVED }, { log: () => {}, t });
    const request = { sessionId: 'a', messages: [textTurn('user', 'Why?')], maxTokens: 8 };
    await assert.rejects(
      chat.chat(request, NO_SIGNAL, () => chat.dispose()),
      (error) => error instanceof RemoteFailure && error.fault === 'cancelled',
    );
  });

  it('a model without a chat template completes plain text, and is asked so from then on', async () => {
    await using server = await startFaultyServer((response, request, attempt) =>
      (request.url!.includes('chat')
        ? refusal(400, 'As of transformers v4.44, default chat template is no longer allowed')
        : stream([' 1;'], complete))(response, request, attempt),
    );
    const completion = createRemoteCompletion({ url: server.url, model: SERVED }, { log: () => {}, t });
    const at = () =>
      completion.complete(
        {
          sessionId: 'a',
          fileName: 'a.ts',
          languageId: 'typescript',
          prefix: 'const a = ',
          suffix: '',
          maxTokens: 8,
          multiline: 'never',
        },
        NO_SIGNAL,
      );
    assert.equal((await at()).text, '1;');
    assert.equal((await at()).text, '1;');
    assert.deepEqual(server.paths, ['/v1/models', '/v1/chat/completions', '/v1/completions', '/v1/completions']);
    completion.dispose();
  });

  it('a served model is known by its own name, too', async () => {
    const data = [{ id: 'ours', root: '/models/Phi-3.5-vision-instruct', max_model_len: 512 }, { id: 'plain' }];
    await using server = await startFaultyServer(silent, { models: json(200, { data }) });
    const models = await listModels({ url: server.url, model: '' }, { log: () => {}, t }, NO_SIGNAL);
    assert.deepEqual(models, [
      { id: 'ours', family: 'ours /models/Phi-3.5-vision-instruct', contextLength: 512 },
      { id: 'plain', family: 'plain' },
    ]);
  });

  it('the list for the user rejects as questions do', async () => {
    await using server = await startFaultyServer(silent, { models: refusal(401, 'Unauthorized') });
    const listing = listModels({ url: server.url, model: '' }, { log: () => {}, t }, NO_SIGNAL);
    await assert.rejects(listing, (error) => error instanceof RemoteFailure && error.fault === 'unauthorised');
  });
});
