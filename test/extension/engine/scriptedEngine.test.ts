/** The engine of exact answers that window tests use, started as the product starts its own. */
import assert from 'node:assert/strict';
import { textTurn } from '../../../engine/wire/chatTurns.ts';
import type { ChatTurn } from '../../../engine/wire/protocol.ts';
import { EngineFailure } from '../../../engine/wire/failure.ts';
import { LocalEngine } from '../../../extension/engine/localEngine.ts';
import { chooseRuntime } from '../../../extension/engine/runtime.ts';
import { type EngineHost, engineHost, isAlive, removeHost, until } from '../../support/extension/engineHost.ts';
import { type ScriptedEngine, scriptedEngine } from '../../support/extension/scriptedEngine.ts';

const LONG = 'The quick brown fox jumps over the lazy dog, again and again. '.repeat(20);

describe('scripted engine', function () {
  this.timeout(60_000);
  let host: EngineHost;
  let engine: LocalEngine;
  let scripted: ScriptedEngine;
  const pids = new Set<number>();
  const open = new AbortController().signal;

  before(async () => {
    host = await engineHost();
    scripted = scriptedEngine([
      { when: 'long', answer: LONG, chunk: 50 },
      { when: 'slow', answer: LONG, chunk: 5, delayMs: 20 },
      { when: 'crash', answer: LONG, chunk: 10, crash: 3 },
      { when: 'hang', answer: 'So far.', hang: true },
      { when: '^hi$', answer: 'Hello!' },
    ]);
    const choice = chooseRuntime({
      platform: process.platform,
      arch: process.arch,
      electron: undefined,
      execPath: '/nowhere/node',
      extensionPath: '/nowhere',
      nodePath: scripted.nodePath,
      exists: () => true,
    });
    const launch = () => ({ ...host, choice });
    const idleMs = () => Infinity;
    engine = new LocalEngine({ launch, idleMs, model: () => '/m', load: () => ({ backend: 'auto' }), log: host.log });
  });
  after(() => {
    engine.dispose();
    scripted.remove();
    removeHost(host, pids);
  });

  const ask = async (text: string, { signal = open, parts = [] as string[], begun = '' } = {}) => {
    const messages: ChatTurn[] = [textTurn('user', text)];
    if (begun !== '') messages.push(textTurn('assistant', begun));
    const request = { sessionId: 'c', messages, maxTokens: 100 };
    const result = await engine.chatModel.chat(
      request,
      signal,
      (part) => part.type === 'text' && parts.push(part.text),
    );
    pids.add(engine.pid!);
    return { ...result, parts };
  };
  const kindOf = (promise: Promise<unknown>): Promise<string> =>
    promise.then(
      () => 'done',
      (error: unknown) => (error instanceof EngineFailure ? error.kind : String(error)),
    );

  it('says the text of the first rule that matches, in parts as long as it says', async () => {
    const { parts, stop } = await ask('a long one');
    assert.equal(parts.join(''), LONG);
    assert.equal(parts[0]!.length, 50);
    assert.equal(stop, 'end');
    assert.equal((await ask('hi')).parts.join(''), 'Hello!');
    assert.equal((await ask('what?')).parts.join(''), 'No rule for: what?');
    assert.deepEqual(scripted.requests().at(-1)!.messages, [{ role: 'user', text: 'what?', images: [] }]);
  });

  it('goes on behind a begun answer', async () => {
    assert.equal((await ask('hi', { begun: 'Hel' })).parts.join(''), 'lo!');
  });

  it('new rules count from the next answer on', async () => {
    scripted.answer([{ when: '', answer: 'New.' }]);
    assert.equal((await ask('hi')).parts.join(''), 'New.');
    scripted.answer([
      { when: 'slow', answer: LONG, chunk: 5, delayMs: 20 },
      { when: 'crash', answer: LONG, chunk: 10, crash: 3 },
      { when: 'hang', answer: 'So far.', hang: true },
    ]);
  });

  it('stops when told to, in the middle of an answer', async () => {
    for (const question of ['slow', 'hang']) {
      const abort = new AbortController();
      const parts: string[] = [];
      const running = kindOf(ask(question, { signal: abort.signal, parts }));
      await until('it has begun', () => parts.length > 0);
      abort.abort();
      assert.equal(await running, 'cancelled');
      assert.notEqual(parts.join(''), LONG);
    }
  });

  it('cuts sources, counts tokens and completes', async () => {
    const text = 'a line of text\n'.repeat(500);
    const messages: ChatTurn[] = [textTurn('user', 'hi')];
    const small = { name: 'b.ts', text: 'b\n' };
    const fitted = await engine.chatModel.fit(
      { messages, sources: [{ name: 'a.ts', text }, small], maxTokens: 96 },
      open,
    );
    const [cut, whole] = fitted.sources;
    assert.deepEqual([cut!.lines, cut!.totalLines], [[[1, 133]], 501]);
    assert.deepEqual([whole!.tokens, whole!.lines], [1, [[1, 2]]]);
    assert.equal(fitted.tokensLimit, 4000);
    assert.deepEqual(await engine.chatModel.countTokens(['', 'abcde'], open), [0, 2]);
    const rest = { fileName: 'a.ts', languageId: 'typescript', suffix: '', maxTokens: 8, multiline: 'auto' } as const;
    assert.equal(
      (await engine.completionModel.complete({ sessionId: 'a.ts', prefix: 'abc', ...rest }, open)).text,
      'ABC',
    );
  });

  it('dies where the rule says so; the answer fails with the reason', async () => {
    const parts: string[] = [];
    const pid = engine.pid!;
    assert.equal(await kindOf(ask('crash', { parts })), 'engineGone');
    assert.equal(parts.join(''), LONG.slice(0, 30));
    await until('the process is gone', () => !isAlive(pid));
  });
});
