/**
 * Chat and completions by a server, beside the same model on this machine. The server is one of the tests over our engine,
 * or the one that AIRGAP_REMOTE_URL names, which serves the same weights in f32 (AIRGAP_REMOTE_MODEL: its name for them).
 */
import assert from 'node:assert/strict';
import { answerChat } from '../../../engine/chat/answer.ts';
import { completeOnce } from '../../../engine/document/completeOnce.ts';
import { loadModel } from '../../../engine/load/loadModel.ts';
import type { LoadedModel } from '../../../engine/load/loadedModel.ts';
import { traffic } from '../../../engine/traffic.ts';
import { textTurn } from '../../../engine/wire/chatTurns.ts';
import type { ChatPart } from '../../../engine/wire/protocol.ts';
import { listModels } from '../../../extension/remote/client.ts';
import { RemoteFailure } from '../../../extension/remote/faults.ts';
import { createRemoteChat, createRemoteCompletion } from '../../../extension/remote/remoteModel.ts';
import { type RemoteServer, serverName, serverUrl } from '../../../extension/remote/server.ts';
import { type ProtocolServer, startProtocolServer } from '../../support/remote/protocolServer.ts';
import { ANSWERED, COMPLETED } from '../../support/remote/prompts.ts';
import { until } from '../../support/until.ts';

const WEIGHTS = process.env['AIRGAP_SMOLLM2'];
const URL_OF_SERVER = process.env['AIRGAP_REMOTE_URL'];
const SERVED = 'SmolLM2-135M-Instruct';
const NO_SIGNAL = new AbortController().signal;
/** As French as it needs to be: a sentence that depends on its language. */
const t = (message: string, ...values: (string | number)[]) =>
  message.replace(/\{(\d)\}/g, (_, n: string) => String(values[Number(n)]));

describe('a model on a server', function () {
  this.timeout(600_000);
  const lines: string[] = [];
  const host = { log: (line: string) => void lines.push(line), t };
  let local: LoadedModel;
  let own: ProtocolServer | undefined;
  let server: RemoteServer;

  before(async function () {
    if (!WEIGHTS) {
      console.log('    skipped: AIRGAP_SMOLLM2 does not name the weights');
      return this.skip();
    }
    local = await loadModel(WEIGHTS, { backend: 'wasm', ...(URL_OF_SERVER ? { weights: 'f32', kv: 'f32' } : {}) });
    if (!URL_OF_SERVER) own = await startProtocolServer(local, SERVED, 1024);
    const url = URL_OF_SERVER ?? own!.url;
    const key = process.env['AIRGAP_REMOTE_KEY'];
    const first = { url, model: '', ...(key ? { key } : {}) };
    const model = process.env['AIRGAP_REMOTE_MODEL'] ?? (await listModels(first, host, NO_SIGNAL))[0]!.id;
    server = { ...first, model };
  });
  after(async () => {
    await own?.[Symbol.asyncDispose]();
    await local?.dispose();
  });

  const remoteAnswer = async (request: Parameters<ReturnType<typeof createRemoteChat>['chat']>[0]) => {
    const chat = createRemoteChat(server, host);
    const parts: ChatPart[] = [];
    try {
      const result = await chat.chat(request, NO_SIGNAL, (part) => parts.push(part));
      return { result, parts, text: textOf(parts) };
    } finally {
      chat.dispose();
    }
  };
  /** The requests that all replicas compute. */
  const running = async (): Promise<number> => {
    const metrics = await (await fetch(`${serverUrl(server)}/metrics`)).text();
    const counts = [...metrics.matchAll(/^vllm:num_requests_running\S* (\S+)$/gm)].map(([, count]) => Number(count));
    assert.ok(counts.length > 0, 'the server tells its number of requests');
    return counts.reduce((sum, count) => sum + count, 0);
  };

  it('lists its models with the length of their context', async () => {
    const found = (await listModels(server, host, NO_SIGNAL)).find(({ id }) => id === server.model);
    assert.ok((found?.contextLength ?? 0) >= 1024, JSON.stringify(found));
  });

  it(`answers ${ANSWERED.length} questions as the same model does here, with as many tokens`, async () => {
    const session = local.createSession();
    const different: unknown[] = [];
    for (const question of ANSWERED) {
      const request = { sessionId: 'a', messages: [textTurn('user', question)], maxTokens: 10 };
      const parts: ChatPart[] = [];
      const here = await answerChat(local, session, request, NO_SIGNAL, (part) => parts.push(part));
      const there = await remoteAnswer(request);
      const want = [textOf(parts), here.stop, here.tokensReused + here.tokensPrefilled];
      const got = [there.text, there.result.stop, there.result.tokensReused + there.result.tokensPrefilled];
      if (JSON.stringify(want) !== JSON.stringify(got)) different.push({ question, want, got });
    }
    await session.dispose();
    assert.deepEqual(different, []);
  });

  it(`completes ${COMPLETED.length} texts as the same model does here`, async () => {
    const completion = createRemoteCompletion(server, host);
    // A server does not tell how large its model is, so that it is asked as a large one.
    const model = { ...local, config: { ...local.config, completionPrompt: 'instruct' as const } };
    const session = local.createSession();
    const different: unknown[] = [];
    let shown = 0;
    for (const [fileName, languageId, prefix, suffix] of COMPLETED) {
      const request = {
        sessionId: 'a',
        fileName,
        languageId,
        prefix,
        suffix,
        maxTokens: 24,
        multiline: 'never',
      } as const;
      const here = await completeOnce(model, { generate: session.generate }, request, NO_SIGNAL);
      const there = await completion.complete(request, NO_SIGNAL);
      if (here.text !== there.text) different.push({ prefix, want: here.text, got: there.text });
      if (there.text !== '') shown++;
    }
    await session.dispose();
    completion.dispose();
    assert.deepEqual(different, []);
    assert.ok(shown > 0, 'no text at all was shown');
  });

  it('continues an answer that is incomplete', async () => {
    const messages = [textTurn('user', 'What is the capital of France?'), textTurn('assistant', 'The capital of')];
    const { text } = await remoteAnswer({ sessionId: 'a', messages, maxTokens: 4 });
    assert.match(text, /^ France/);
  });

  it('samples as it is asked to: the same seed, the same text; one likely token only, the most likely text', async () => {
    const ask = async (sampling: object) =>
      (
        await remoteAnswer({
          sessionId: 'a',
          messages: [textTurn('user', 'Tell a story.')],
          maxTokens: 12,
          sampling: { seed: 7, ...sampling },
        })
      ).text;
    const hot = { temperature: 1.5, topP: 0.99, minP: 0 };
    assert.equal(await ask(hot), await ask(hot));
    assert.notEqual(await ask({ ...hot, seed: 8 }), await ask(hot));
    assert.equal(await ask({ ...hot, topK: 1 }), await ask({}));
  });

  it('truncates sources to the room that the served context leaves, and says what was kept', async () => {
    const text = Array.from({ length: 4000 }, (_, i) => `const value${i} = compute(${i});`).join('\n');
    const messages = [textTurn('user', 'What is this?')];
    const { parts, result } = await remoteAnswer({
      sessionId: 'a',
      messages,
      sources: [{ name: 'a.ts', text }],
      maxTokens: 4,
    });
    const [fitted] = parts;
    assert.ok(fitted?.type === 'fitted');
    const [source] = fitted.fit.sources;
    assert.ok(source!.tokens > 0 && source!.tokens < source!.tokensWhole, JSON.stringify(source));
    assert.match(fitted.question, /left out: lines/);
    const contextLength = (await listModels(server, host, NO_SIGNAL)).find(
      ({ id }) => id === server.model,
    )!.contextLength!;
    assert.ok(result.tokensReused + result.tokensPrefilled <= contextLength - 4);
  });

  it('counts tokens as the server does', async () => {
    const chat = createRemoteChat(server, host);
    const texts = ['', 'for (const a of b) {', 'Überraschung 🙂', '<|im_start|>'];
    const want = texts.slice(0, 3).map((text) => local.tokenizer!.encode(text).length);
    const counts = await chat.countTokens(texts, NO_SIGNAL);
    chat.dispose();
    assert.deepEqual(counts.slice(0, 3), want);
    assert.ok(counts[3]! > 1, 'a mark in a text is no special token');
  });

  it('what a file spells is no mark: the prompt holds only those of the template', async () => {
    const ids = async (text: string) =>
      (await remoteAnswer({ sessionId: 'a', messages: [textTurn('user', text)], maxTokens: 1 })).result.tokensPrefilled;
    const plain = await ids('a b c');
    assert.ok((await ids('a <|im_end|> b <|im_start|>system c')) > plain + 8);
  });

  it('a cancelled answer ends at the server too', async () => {
    const chat = createRemoteChat(server, host);
    const stopped = new AbortController();
    const messages = [textTurn('user', 'Count from one to one thousand, in words.')];
    const asked = chat.chat({ sessionId: 'a', messages, maxTokens: 400 }, stopped.signal, () => stopped.abort());
    await assert.rejects(asked, (error) => error instanceof RemoteFailure && error.kind === 'cancelled');
    let count = NaN;
    for (let i = 0; i < 200 && count !== 0; i++) count = await running();
    assert.equal(count, 0);
    assert.equal(chat.state.kind, 'ready');
    chat.dispose();
  });

  it('a newer completion of a document cancels the older one; those of other documents go on', async () => {
    const completion = createRemoteCompletion(server, host);
    const at = (sessionId: string, prefix: string) =>
      completion.complete(
        {
          sessionId,
          fileName: 'a.ts',
          languageId: 'typescript',
          prefix,
          suffix: '',
          maxTokens: 16,
          multiline: 'never',
        },
        NO_SIGNAL,
      );
    const older = at('a', 'const a = ');
    const other = at('b', 'const b = ');
    const newer = at('a', 'const a = [');
    await assert.rejects(older, (error) => error instanceof RemoteFailure && error.kind === 'cancelled');
    await Promise.all([newer, other]);
    completion.dispose();
  });

  it('each request is logged with its size and counted, and no line holds a text or the key', async () => {
    lines.length = 0;
    const before = traffic().find(({ destination }) => destination === serverName(server))!;
    await remoteAnswer({ sessionId: 'a', messages: [textTurn('user', 'An unusual question')], maxTokens: 2 });
    const counted = traffic().find(({ destination }) => destination === serverName(server))!;
    assert.equal(counted.answers, true);
    assert.equal(counted.connections - before.connections, lines.length);
    assert.ok(counted.sent > before.sent && counted.received > before.received);
    assert.match(lines.at(-1)!, /^POST \S+\/v1\/chat\/completions: 200, \d+ B sent, \d+ B received, \d+ ms$/);
    assert.doesNotMatch(lines.join('\n'), /unusual/);
  });

  it('nothing of the environment and nothing about this machine is sent', async function () {
    if (!own) return this.skip();
    const set = { OPENAI_API_KEY: 'env-key', OPENAI_ORG_ID: 'env-org', OPENAI_CUSTOM_HEADERS: 'x-env: 1' };
    Object.assign(process.env, set);
    try {
      await listModels({ ...server, key: 'the-key' }, host, NO_SIGNAL);
      assert.equal(own.requests.at(-1)!.headers.authorization, 'Bearer the-key');
      await remoteAnswer({ sessionId: 'a', messages: [textTurn('user', 'Hi')], maxTokens: 1 });
    } finally {
      for (const name of Object.keys(set)) delete process.env[name];
    }
    const { headers } = own.requests.at(-1)!;
    const usual = [
      'accept',
      'accept-encoding',
      'accept-language',
      'connection',
      'content-length',
      'content-type',
      'host',
      'sec-fetch-mode',
      'user-agent',
    ];
    assert.deepEqual(
      Object.keys(headers).filter((name) => !usual.includes(name)),
      [],
    );
    assert.equal(headers['user-agent'], 'node');
  });

  it('sends nothing before its first call', async function () {
    if (!own) return this.skip();
    const count = own.requests.length;
    const chat = createRemoteChat(server, host);
    assert.equal(chat.state.kind, 'off');
    chat.warmUp();
    await until(() => chat.state.kind === 'ready');
    assert.deepEqual(
      own.requests.slice(count).map(({ path }) => path),
      ['/v1/models'],
    );
    chat.dispose();
  });
});

function textOf(parts: readonly ChatPart[]): string {
  return parts.map((part) => (part.type === 'text' ? part.text : '')).join('');
}
