/** Chats beside completions: the order of their steps, and answers of real models. */
import assert from 'node:assert/strict';
import { textOf, textTurn } from '../../../engine/wire/chatTurns.ts';
import { duplexPair } from 'node:stream';
import { answerChat } from '../../../engine/chat/answer.ts';
import { Cancelled } from '../../../engine/errors.ts';
import { loadModel } from '../../../engine/load/loadModel.ts';
import type { LoadedModel } from '../../../engine/load/loadedModel.ts';
import type { ChatParams, ChatPart, ChatTurn } from '../../../engine/wire/protocol.ts';
import { RpcClient } from '../../../engine/wire/rpc.ts';
import { PRIORITY } from '../../../engine/inference/scheduler.ts';
import { EngineServer } from '../../../engine/serve/server.ts';
import { tinyTokenizerJson } from '../../fixtures/tokenizers/tiny.ts';
import { parrotModel } from '../../support/engine/parrotModel.ts';
import { TINY_CONFIG, TinyFolder } from '../../support/engine/tinyModel.ts';
import { TinySessions } from '../../support/engine/tinySessions.ts';
import { textPrompt } from '../../../engine/prompt/prompt.ts';
import { CHAT_TEMPLATE } from '../../support/engine/chatTemplate.ts';

const ids = (count: number, seed: number): number[] => Array.from({ length: count }, (_, i) => (i * 31 + seed) % 128);
const greedy = { stopIds: new Set<number>(), speculation: 'off' } as const;
const saidIn = (part: ChatPart): string => (part.type === 'text' ? part.text : '');
const user = (text: string): ChatTurn[] => [textTurn('user', text)];

describe('a chat beside completions', () => {
  /** A longer sequence than any completion here, by which the steps of chats are recognised. */
  const CHAT_TOKENS = 100;
  let tiny: TinySessions;
  beforeEach(async () => {
    tiny = await TinySessions.create({ chunkTokens: 32, chatChunkTokens: 8 });
  });
  afterEach(() => tiny.dispose());

  /** The steps in their order: c for a chat's, G for a completion's. */
  const order = (): string => tiny.steps.map(({ totalLength }) => (totalLength >= CHAT_TOKENS ? 'c' : 'G')).join('');
  const complete = async (): Promise<void> => {
    const tokens = tiny
      .session()
      .generate(textPrompt(ids(10, 3)), { ...greedy, maxTokens: 4 })
      [Symbol.asyncIterator]();
    while (!(await tokens.next()).done);
  };

  it('its tokens let every completion go first, whole, and it goes on afterwards', async () => {
    const chat = tiny.session(PRIORITY.chat).generate(textPrompt(ids(CHAT_TOKENS, 7)), { ...greedy, maxTokens: 20 });
    const written: number[] = [];
    const completions: Promise<void>[] = [];
    for await (const { id } of chat) {
      written.push(id);
      if (written.length === 5 || written.length === 12) completions.push(complete());
    }
    await Promise.all(completions);
    assert.equal(written.length, 20);
    // One step of the chat may be running when the key is pressed.
    assert.match(order(), /^c{8,9}GGGGc{6,8}GGGGc+$/);
  });

  it('its prompt is read in small chunks while the user types, in large ones otherwise', async () => {
    const read = async (seed: number): Promise<number[]> => {
      tiny.steps.length = 0;
      await tiny.session(PRIORITY.chat).prefill(textPrompt(ids(CHAT_TOKENS, seed)));
      return tiny.steps.map(({ tokens }) => tokens);
    };
    assert.deepEqual(await read(1), [32, 32, 32, 4]);
    await complete();
    assert.deepEqual(await read(2), [...Array<number>(12).fill(8), 4]);
  });

  it('a completion that comes while a prompt is read waits for one chunk', async () => {
    await complete();
    tiny.steps.length = 0;
    const reading = tiny.session(PRIORITY.chat).prefill(textPrompt(ids(200, 9)));
    while (tiny.steps.length < 3) await new Promise(setImmediate);
    await complete();
    assert.match(order(), /^c{3,4}GGGG$/);
    await reading;
    assert.match(order(), /^c{3,4}GGGGc{20,}$/);
  });

  it('it goes before what is read in the background', async () => {
    const background = tiny.session(PRIORITY.background).prefill(textPrompt(ids(90, 1)));
    await tiny.session(PRIORITY.chat).prefill(textPrompt(ids(200, 2)));
    assert.match(order(), /^Gc+$/);
    await background;
  });
});

describe('a chat with a model of random words', () => {
  let folder: TinyFolder;
  let model: LoadedModel;
  before(async () => {
    const specials = ['<|user|>', '<|assistant|>', '<|end|>'].map((content) => ({ content }));
    folder = TinyFolder.model({ config: { ...TINY_CONFIG, vocab_size: 512, max_position_embeddings: 2048 } })
      .json('tokenizer.json', tinyTokenizerJson({ specials }))
      .json('tokenizer_config.json', { chat_template: CHAT_TEMPLATE });
    model = await loadModel(folder.path, { backend: 'reference' });
  });
  after(async () => {
    await model.dispose();
    folder.remove();
  });

  const answer = async (params: Partial<ChatParams> = {}, onPart: (text: string) => void = () => {}) => {
    let text = '';
    const request = { messages: user('Why?'), maxTokens: 40, ...params };
    const session = model.createSession(PRIORITY.chat);
    await answerChat(model, session, request, new AbortController().signal, (part) => {
      text += saidIn(part);
      onPart(saidIn(part));
    });
    return text;
  };

  it('stops within one token', async () => {
    const abort = new AbortController();
    const session = model.createSession(PRIORITY.chat);
    let parts = 0;
    let cached = 0;
    const running = answerChat(model, session, { messages: user('Why?'), maxTokens: 200 }, abort.signal, () => {
      if (++parts !== 5) return;
      cached = session.tokens.length;
      abort.abort();
    });
    await assert.rejects(running, Cancelled);
    assert.equal(parts, 5);
    assert.equal(session.tokens.length, cached, 'nothing was computed after that');
  });

  it('a seed gives one answer, another seed another', async () => {
    const sampling = { temperature: 1, topP: 0.95, seed: 1 };
    const one = await answer({ sampling });
    assert.equal(await answer({ sampling }), one);
    const others = [2, 3, 4].map((seed) => answer({ sampling: { ...sampling, seed } }));
    assert.equal(new Set([one, ...(await Promise.all(others))]).size, 4);
    assert.equal(await answer({ sampling: { ...sampling, temperature: 0 } }), await answer());
  });

  it('drafts change nothing, also from turn to turn', async () => {
    const talk = async (speculation: 'always' | 'off'): Promise<string[]> => {
      const session = model.createSession(PRIORITY.chat);
      const messages: ChatTurn[] = [];
      for (const question of ['foo bar foo', 'foo bar', 'bar foo bar foo']) {
        messages.push(textTurn('user', question));
        let text = '';
        const generate: typeof session.generate = (prompt, options) =>
          session.generate(prompt, { ...options, speculation });
        await answerChat(
          model,
          { generate, tokens: [] },
          { messages, maxTokens: 30 },
          new AbortController().signal,
          (part) => {
            text += saidIn(part);
          },
        );
        messages.push(textTurn('assistant', text));
      }
      return messages.map(textOf);
    };
    assert.deepEqual(await talk('always'), await talk('off'));
  });
});

describe('a chat with the starter model', function () {
  this.timeout(30_000);

  it('goes on and on in its small window, and never says what ends an answer', async () => {
    const model = await loadModel('media/starter', { backend: 'wasm' });
    assert.equal(model.info.chat, true);
    assert.deepEqual(model.stopStrings, ['### ']);
    const session = model.createSession(PRIORITY.chat);
    const messages: ChatTurn[] = [textTurn('system', 'You are a programming assistant. '.repeat(10))];
    let dropped = 0;
    for (let turn = 0; turn < 20; turn++) {
      messages.push(textTurn('user', `Write a function that adds ${turn} to a number, and explain it.`));
      let text = '';
      const request = {
        sessionId: '',
        messages,
        maxTokens: 100,
        sampling: { temperature: 0.8, topP: 0.95, seed: turn },
      };
      const result = await answerChat(model, session, request, new AbortController().signal, (part) => {
        text += saidIn(part);
      });
      assert.ok(text !== '' && !text.includes('### '), JSON.stringify(text));
      assert.ok(turn === 0 || result.messagesDropped > dropped || result.tokensPrefilled < 60, `${turn}`);
      assert.ok(result.tokensReused + result.tokensPrefilled <= 2048 - 100);
      dropped = result.messagesDropped;
      messages.push(textTurn('assistant', text));
    }
    assert.ok(dropped > 0);
    await model.dispose();
  });
});

describe('a chat through the server', function () {
  this.timeout(60_000);

  it('is answered from the KV cache, in parts, until it is closed', async () => {
    const folder = parrotModel(['\nThe answer is forty two'], { chat: true });
    const options = { version: '1', readToken: () => 'x', runtime: 'Node', noGpu: '' };
    const server = new EngineServer({ ...options, onClients: () => {}, log: () => {} });
    const [near, far] = duplexPair();
    server.accept(far);
    const client = new RpcClient(near);
    await client.call('initialize', { version: '1', token: 'x' });
    const info = await client.call('load', { model: folder.path, backend: 'wasm' });
    assert.equal(info.chat, true);
    const { modelId } = info;
    const messages: ChatTurn[] = [textTurn('system', 'You are a programming assistant.')];
    const ask = async (text: string) => {
      messages.push(textTurn('user', text));
      let said = '';
      const onPart = (part: ChatPart): void => void (said += saidIn(part));
      const params = { modelId, sessionId: 'c', messages, maxTokens: 100 };
      const result = await client.call('chat', params, { onPart });
      messages.push(textTurn('assistant', said));
      assert.deepEqual([said, result.stop], ['The answer is forty two', 'end']);
      return result;
    };
    const first = await ask('What is it?');
    assert.deepEqual([first.tokensReused, first.messagesDropped], [0, 0]);
    const second = await ask('What was it?');
    const { counts } = await client.call('countTokens', { modelId, texts: ['<|end|>\n<|user|>\nWhat was it?<|end|>\n<|assistant|>\n'] }); // prettier-ignore
    assert.ok(second.tokensPrefilled <= counts[0]! + 3, `${second.tokensPrefilled} prefilled, ${counts[0]} are new`);
    assert.ok(second.tokensReused >= first.tokensPrefilled + first.tokensGenerated - 2);
    client.notify('closed', { sessionId: 'c' });
    assert.equal((await ask('And now?')).tokensReused, 0);
    client.close('');
    await server.dispose();
    folder.remove();
  });
});
