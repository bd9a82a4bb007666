import assert from 'node:assert/strict';
import { OutOfMemory } from '../../../kernels/ops.ts';
import { PRIORITY, Scheduler } from '../../../engine/inference/scheduler.ts';
import { loadModel } from '../../../engine/load/loadModel.ts';
import { MemoryLedger } from '../../../engine/load/memoryLedger.ts';
import { textPrompt } from '../../../engine/prompt/prompt.ts';
import { chat, complete, outcome, prefill, testServers } from '../../support/engine/serverHost.ts';
import { parrotModel } from '../../support/engine/parrotModel.ts';
import type { TinyFolder } from '../../support/engine/tinyModel.ts';
import { until } from '../../support/until.ts';

const NO_ROOM = new OutOfMemory(9, 'The model does not fit into memory.');

describe('engine server: two models share its memory', () => {
  const start = testServers();
  let second: TinyFolder;
  before(() => {
    second = parrotModel(['\nTwo models'], { chat: true });
  });
  after(() => second.remove());

  /** A window that has completed with the first model and is told what is unloaded. */
  const open = async ({ freesKv }: { freesKv: boolean }) => {
    const { models, open, load } = start();
    models.freesKv = freesKv;
    const client = await open();
    const { modelId } = await load(client);
    await complete(client, modelId);
    const unloaded: string[] = [];
    client.onNotification('unloaded', (told) => unloaded.push(told.modelId));
    const loadSecond = () => load(client, 'wasm', second.path);
    return { models, client, modelId, unloaded, loadSecond };
  };

  it('idle documents of the other one make room, where that helps', async () => {
    const { models, unloaded, loadSecond } = await open({ freesKv: true });
    models.failingLoads = [NO_ROOM];
    await loadSecond();
    assert.deepEqual([models.models, models.sessions, unloaded], [2, 0, []]);
  });

  for (const [freesKv, failures] of [
    [true, 2],
    [false, 1],
  ] as const) {
    it(`an idle one is unloaded, its window is told, and its next completion loads it (${failures} refused)`, async () => {
      const { models, client, modelId, unloaded, loadSecond } = await open({ freesKv });
      models.failingLoads = Array<Error>(failures).fill(NO_ROOM);
      await loadSecond();
      await until(() => unloaded.length === 1);
      assert.deepEqual([models.models, models.orphans, unloaded], [1, 0, [modelId]]);
      assert.deepEqual(await prefill(client, modelId, 'The'), { tokensPrefilled: 0 });
      assert.equal(models.models, 1, 'nobody waits for what is read ahead');
      assert.equal((await complete(client, modelId, 'The')).text, ' answer is forty two');
      assert.equal(models.models, 2);
    });
  }

  it('one that answers is left alone, and the refusal says what it holds', async () => {
    const { models, client, modelId, unloaded, loadSecond } = await open({ freesKv: false });
    const abort = new AbortController();
    const running = outcome(chat(client, modelId, 'hang', {}, abort.signal));
    await until(() => models.running === 1);
    models.failingLoads = [NO_ROOM];
    assert.match(
      await outcome(loadSecond()),
      /^outOfMemory: The model does not fit into memory\. Other models are in use and hold \d+\.\d GB\.$/,
    );
    abort.abort();
    assert.match(await running, /^cancelled/);
    await loadSecond();
    assert.deepEqual([models.models, unloaded], [2, []]);
  });

  it('a cache that grows takes the memory of an idle one before the model moves', async () => {
    const { models, client, modelId, unloaded, loadSecond } = await open({ freesKv: false });
    const other = await loadSecond();
    models.failing = [{ backend: 'wasm', error: NO_ROOM }];
    assert.equal((await complete(client, other.modelId, 'Two', 'b.ts')).text, ' models');
    await until(() => unloaded.length === 1);
    assert.deepEqual([unloaded, models.loads], [[modelId], ['auto', 'wasm']]);
  });

  it('models that load at once do not count on the same memory', async () => {
    const ledger = new MemoryLedger();
    const end = ledger.enter(() => 1e15);
    await assert.rejects(loadModel(second.path, { backend: 'wasm', threads: 1, ledger }), {
      name: 'OutOfMemory',
      message: /but 0 MB of memory are free/,
    });
    end();
    const model = await loadModel(second.path, { backend: 'wasm', threads: 1, ledger });
    assert.equal(ledger.pendingBytes, 0);
    await model.dispose();
  });

  it('a completion of one passes every token of an answer of the other', async () => {
    const scheduler = new Scheduler();
    const [a, b] = [
      await loadModel(second.path, { backend: 'wasm', threads: 1, scheduler }),
      await loadModel(second.path, { backend: 'wasm', threads: 1, scheduler }),
    ];
    const order: { who: string; id: number }[] = [];
    const run = async (who: string, maxTokens: number, during = (): void => {}): Promise<void> => {
      const session = who === 'completion' ? a.createSession() : b.createSession(PRIORITY.chat);
      const ids = a.tokenizer!.encode('Two models');
      for await (const { id } of session.generate(textPrompt(ids), { maxTokens, stopIds: new Set() })) {
        order.push({ who, id });
        during();
      }
      await session.dispose();
    };
    let completion: Promise<void> | undefined;
    await run('chat', 100, () => {
      completion ??= run('completion', 20);
    });
    await completion;
    const isCompletion = ({ who }: { who: string }): boolean => who === 'completion';
    const passed = order.slice(order.findIndex(isCompletion), order.findLastIndex(isCompletion) + 1);
    const chats = passed.length - passed.filter(isCompletion).length;
    assert.ok(chats <= 1, `${chats} tokens of the chat came between 20 of the completion`);
    for (const model of [a, b]) await model.dispose();
  });
});
