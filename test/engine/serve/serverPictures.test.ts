import assert from 'node:assert/strict';
import { join } from 'node:path';
import type { LoadedModel } from '../../../engine/load/loadedModel.ts';
import { loadModel } from '../../../engine/load/loadModel.ts';
import { hdSize } from '../../../engine/vision/hdSize.ts';
import { promptImage } from '../../../engine/vision/promptImage.ts';
import { identifyPicture } from '../../../engine/vision/pictureFile.ts';
import { textTurn } from '../../../engine/wire/chatTurns.ts';
import type { ChatContent, ChatPart, ChatTurn, ImageCost } from '../../../engine/wire/protocol.ts';
import type { RpcClient } from '../../../engine/wire/rpc.ts';
import { complete, outcome, testServers } from '../../support/engine/serverHost.ts';
import type { TinyFolder } from '../../support/engine/tinyModel.ts';
import { noisyPng, tinyVisionModel } from '../../support/engine/vision/tinyVision.ts';
import { until } from '../../support/until.ts';

/** 4 crops and the global view. */
const CROPS = 5;

describe('engine server: chats with pictures', function () {
  this.timeout(60_000);
  const start = testServers();
  let folder: TinyFolder;
  let picture: ChatContent;
  before(() => {
    folder = tinyVisionModel()
      .file('a.png', noisyPng(80, 90, 1))
      .file('b.png', noisyPng(90, 30, 2));
    picture = { type: 'image', file: join(folder.path, 'a.png') };
  });
  after(() => folder.remove());

  async function open() {
    const models: LoadedModel[] = [];
    const { open, load } = start({
      loadModel: async (reference, options) => {
        const model = await loadModel(reference, { ...options, backend: 'wasm', threads: 1, contextLength: 8192 });
        models.push(model);
        return model;
      },
    });
    const client = await open();
    const { modelId, images } = await load(client, 'wasm', folder.path);
    assert.deepEqual(images, { mostCrops: 4 });
    const model = models[0]!;
    const sees = async (): Promise<boolean> => {
      const file = await identifyPicture(join(folder.path, 'a.png'));
      return model.images!.knows(promptImage(file, 4));
    };
    return { client, modelId, model, sees };
  }

  async function ask(
    { client, modelId }: { client: RpcClient; modelId: string },
    messages: ChatTurn[],
    onPart: (part: ChatPart) => void = () => {},
    { signal = new AbortController().signal, sessionId = 'chat' } = {},
  ) {
    let said = '';
    const params = { modelId, sessionId, messages, maxTokens: 8 };
    const result = await client.call('chat', params, {
      signal,
      onPart: (part) => {
        if (part.type === 'text') said += part.text;
        onPart(part);
      },
    });
    return { ...result, said };
  }

  const about = (question: string): ChatTurn => ({
    role: 'user',
    content: [picture, { type: 'text', text: question }],
  });

  it('the picture is seen first, then the prompt is computed, and a follow-up computes its own words only', async () => {
    const host = await open();
    const progress: string[] = [];
    const first = await ask(host, [about('Which?')], (part) => {
      if (part.type === 'progress') progress.push(`${part.step} ${part.done}/${part.total}`);
      else progress.push(part.type);
    });
    const crops = Array.from({ length: CROPS + 1 }, (_, i) => `images ${i}/${CROPS}`);
    assert.deepEqual(progress.slice(0, CROPS + 1), crops);
    const chunks = Math.ceil(first.tokensPrefilled / 64);
    assert.equal(progress.filter((line) => line.startsWith('prompt')).length, chunks - 1);
    assert.equal(progress[CROPS + 1], `prompt 64/${first.tokensPrefilled}`);

    const messages = [about('Which?'), textTurn('assistant', first.said), textTurn('user', 'And now?')];
    const second = await ask(host, messages, (part) => assert.notEqual(part.type, 'progress'));
    assert.ok(second.tokensPrefilled < 40, `${second.tokensPrefilled} prefilled`);

    // The same conversation from the start gives the same answer.
    const again = await ask(host, messages, () => {}, { sessionId: 'other' });
    assert.equal(again.said, second.said);
  });

  it('another picture, another answer; two pictures are both seen', async () => {
    const host = await open();
    const other: ChatContent = { type: 'image', file: join(folder.path, 'b.png'), mostCrops: 1 };
    const words: ChatContent = { type: 'text', text: 'Which?' };
    const answers: string[] = [];
    for (const pictures of [[picture], [other], [picture, other]]) {
      const { said } = await ask(host, [{ role: 'user', content: [...pictures, words] }]);
      answers.push(said);
    }
    assert.equal(new Set(answers).size, 3, answers.join(' | '));
  });

  it('Stop ends it within one crop, and nothing of the picture is kept', async () => {
    const host = await open();
    const stop = new AbortController();
    const seen: number[] = [];
    const running = ask(
      host,
      [about('Which?')],
      (part) => {
        if (part.type !== 'progress') return;
        seen.push(part.done);
        if (part.done === 2) stop.abort();
      },
      stop,
    );
    assert.match(await outcome(running), /^cancelled: /);
    assert.ok(
      seen.every((done) => done <= 3),
      seen.join(),
    );
    assert.equal(await host.sees(), false);
    await ask(host, [about('Which?')]);
    assert.equal(await host.sees(), true);
  });

  it('a completion goes between two crops', async () => {
    const host = await open();
    const seen: number[] = [];
    let completed: Promise<number> | undefined;
    await ask(host, [about('Which?')], (part) => {
      if (part.type !== 'progress' || part.step !== 'images') return;
      seen.push(part.done);
      completed ??= complete(host.client, host.modelId, 'const foo = ').then(() => seen.at(-1)!);
    });
    assert.ok((await completed!) < CROPS, `it ended after ${await completed!} of ${CROPS} crops`);
  });

  it('the picture is forgotten with its last conversation, and the image encoder unloaded with the last picture', async () => {
    const host = await open();
    for (const sessionId of ['one', 'two']) await ask(host, [about('Which?')], () => {}, { sessionId });
    host.client.notify('closed', { sessionId: 'one' });
    await ask(host, [textTurn('user', 'Hello')], () => {}, { sessionId: 'three' });
    assert.equal(await host.sees(), true);
    assert.ok(host.model.images!.bytesHeld > 0);
    const held = host.model.bytesHeld();
    host.client.notify('closed', { sessionId: 'two' });
    await ask(host, [textTurn('user', 'Hello')], () => {}, { sessionId: 'three' });
    await until(() => !host.model.images!.holdsAny);
    assert.equal(await host.sees(), false);
    await until(() => host.model.images!.bytesHeld === 0);
    assert.ok(host.model.bytesHeld() < held);
    await ask(host, [about('Which?')]);
    assert.ok(await host.sees());
  });

  it('the seconds of a picture are estimated at once, and from its crops once it has seen some', async () => {
    const { client, modelId, model } = await open();
    const costs = async () => (await client.call('imageCosts', { modelId, width: 80, height: 90 })).costs;
    const before = await costs();
    assert.deepEqual(
      before.map(({ mostCrops, tokens }) => [mostCrops, tokens]),
      [4, 2].map((crops) => [crops, hdSize({ width: 80, height: 90 }, crops).tokens]),
    );
    assert.ok(before.every(({ seconds }) => seconds! > 0) && before[0]!.seconds! > before[1]!.seconds!);
    await ask({ client, modelId }, [about('Which?')]);
    const [most, least] = (await costs()) as [ImageCost, ImageCost];
    const perToken = (most.seconds! - CROPS * model.images!.secondsPerCrop!) / most.tokens;
    const perTokenToo = (least.seconds! - 2 * model.images!.secondsPerCrop!) / least.tokens;
    assert.ok(perToken > 0 && Math.abs(perToken / perTokenToo - 1) < 1e-6);
  });

  it('wrong files are refused in one sentence, and the conversation goes on', async () => {
    const host = await open();
    const damaged = noisyPng(40, 40, 1);
    damaged[60]! ^= 0xff;
    folder.file('damaged.png', damaged);
    const show = (file: string): ChatTurn => ({
      role: 'user',
      content: [{ type: 'image', file: join(folder.path, file) }],
    });
    assert.match(await outcome(ask(host, [show('none.png')])), /^badRequest: none\.png cannot be read: ENOENT\.$/);
    assert.match(await outcome(ask(host, [show('damaged.png')])), /^badRequest: damaged\.png is a damaged PNG file: /);
    const relative = { type: 'image', file: 'a.png' } as const;
    assert.match(
      await outcome(ask(host, [{ role: 'user', content: [relative] }])),
      /^badRequest: chat: .*absolute path/,
    );
    const mine: ChatTurn = { role: 'assistant', content: [picture] };
    assert.match(await outcome(ask(host, [textTurn('user', 'x'), mine])), /^badRequest: chat: .*only the user's/);
    assert.equal((await ask(host, [about('Which?')])).tokensGenerated, 8);
  });
});
