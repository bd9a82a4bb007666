import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { textOf } from '../../../engine/wire/chatTurns.ts';
import type { ChatTurn, ImageCost } from '../../../engine/wire/protocol.ts';
import { type FakeChat, fakeChats } from '../../support/extension/fakeChat.ts';
import { PicturePage } from '../../support/extension/picturePage.ts';
import { until } from '../../support/until.ts';

const COSTS: ImageCost[] = [
  { mostCrops: 16, tokens: 1921, seconds: 170 },
  { mostCrops: 4, tokens: 757, seconds: null },
];

describe('pictures in the chat', () => {
  const { create, removeAll } = fakeChats();
  afterEach(removeAll);

  /** A chat with a page, and a model that sees what costs something. */
  async function open(
    costs: ImageCost[] = COSTS,
    ...args: Parameters<typeof create>
  ): Promise<[FakeChat, PicturePage]> {
    const chat = create(...args);
    chat.model.costs = costs;
    const page = new PicturePage(chat);
    await page.say({ type: 'ready' });
    return [chat, page];
  }

  const filesOf = ({ folder }: FakeChat): string[] => {
    try {
      return readdirSync(join(folder, 'pictures'));
    } catch {
      return [];
    }
  };
  const send = async (chat: FakeChat, page: PicturePage, text: string): Promise<void> => {
    await page.say({ type: 'send', text });
    await until(() => page.last.status !== 'writing' && page.last.role === 'assistant');
    await chat.controller.picturesInUse();
  };
  /** Each piece of a message: its text, or the bytes of a picture. */
  const pieces = ({ content }: ChatTurn): unknown[] =>
    content.map((piece) => (piece.type === 'text' ? piece.text : readFileSync(piece.file).length));
  const chipsOf = (page: PicturePage): string[] => page.state!.chips.map(({ label }) => label);

  it('stand before the question, in later prompts too, and are kept once', async () => {
    const [chat, page] = await open();
    await page.give('a.png');
    await page.give('again.png');
    await until(() => page.state!.chips[0]?.tokens === 1921);
    assert.deepEqual(chipsOf(page), ['a.png']);
    const { hash, ...picture } = page.state!.chips[0]!.picture!;
    assert.deepEqual(picture, { width: 3, height: 2, costs: COSTS });
    assert.deepEqual(filesOf(chat), [`${hash}.png`]);
    const fit = chat.model.fits.at(-1)!.messages.at(-1)!;
    assert.deepEqual(
      fit.content.map(({ type }) => type),
      ['image', 'text'],
    );
    await send(chat, page, 'What is it?');
    assert.deepEqual(chipsOf(page), []);
    assert.deepEqual(
      page.state!.messages[0]!.chips!.map(({ label }) => label),
      ['a.png'],
    );
    await send(chat, page, 'And why?');
    const file = join(chat.folder, 'pictures', `${hash}.png`);
    const [first, second] = chat.model.requests.map(({ messages }) => messages.slice(1));
    assert.deepEqual(first![0]!.content, [
      { type: 'image', file },
      { type: 'text', text: 'What is it?' },
    ]);
    assert.deepEqual(second!.slice(0, 1), first);
    for (const again of ['regenerate', 'continue'] as const) {
      await page.say({ type: again });
      await until(() => page.last.status === 'done');
      assert.deepEqual(chat.model.requests.at(-1)!.messages.slice(1, 2), first, again);
    }
  });

  it('are seen in as many crops as the user allows', async () => {
    const [chat, page] = await open();
    await page.give('a.png');
    await until(() => page.state!.chips[0]?.tokens === 1921);
    for (const mostCrops of [3, 4]) {
      await page.say({ type: 'limitCrops', chipId: page.state!.chips[0]!.id, mostCrops });
    }
    await page.say({ type: 'limitCrops', chipId: 'gone', mostCrops: 16 });
    assert.deepEqual([page.state!.chips[0]!.tokens, page.state!.chips[0]!.picture!.mostCrops], [757, 4]);
    await send(chat, page, 'What is it?');
    const [image] = chat.model.requests[0]!.messages[1]!.content;
    assert.ok(image?.type === 'image' && image.mostCrops === 4);
    assert.equal(page.state!.messages[0]!.chips![0]!.tokens, 757);
  });

  it('are not sent to a model that sees none, which the chip says; a model that does gets them later', async () => {
    const [chat, page] = await open([]);
    chat.reader.read = () => Promise.reject(new Error('The chat model cannot see pictures.'));
    await page.give('a.png');
    await until(() => page.state!.chips[0]?.cut === 'The chat model cannot see pictures.');
    await send(chat, page, 'What is it?');
    assert.deepEqual(page.notices, ['The chat model cannot see pictures.']);
    assert.deepEqual(chat.model.requests[0]!.messages.slice(1).map(pieces), [['What is it?']]);
    chat.model.costs = COSTS;
    await send(chat, page, 'And now?');
    assert.deepEqual(
      chat.model.requests[1]!.messages[1]!.content.map(({ type }) => type),
      ['image', 'text'],
    );
  });

  it('say how far the model is', async () => {
    const [chat, page] = await open();
    chat.model.progress = [
      { type: 'progress', step: 'images', done: 2, total: 17 },
      { type: 'progress', step: 'images', done: 17, total: 17 },
      { type: 'progress', step: 'prompt', done: 64, total: 1930 },
    ];
    await page.give('a.png');
    await send(chat, page, 'What is it?');
    const waiting = page.told.flatMap((said) => (said.type === 'message' && said.message.waiting) || []);
    assert.deepEqual(waiting, [
      'Looking at the picture: crop 3 of 17',
      'Looking at the picture: crop 17 of 17',
      'Reading the prompt: 64 of 1930 tokens',
    ]);
    assert.equal(page.last.waiting, undefined);
  });

  it('come from files, in their order and beside other files; what cannot be decoded is said', async () => {
    const [chat, page] = await open();
    page.sizes['b.webp'] = [5, 4];
    chat.pictureFiles.set('file:///w/a.png', new Uint8Array(5_000_000).fill(1));
    chat.pictureFiles.set('file:///w/b.webp', Uint8Array.of(1));
    chat.pictureFiles.set('file:///w/damaged.gif', Uint8Array.of(0));
    const uris = ['file:///w/a.png', 'file:///w/damaged.gif', 'file:///w/a.ts', 'file:///w/b.webp'];
    const dropped = page.say({ type: 'dropped', uris });
    // Sent before everything is there: the question waits.
    await page.say({ type: 'send', text: 'What are they?' });
    await dropped;
    await until(() => page.last.status === 'done');
    assert.deepEqual(page.decoded, ['a.png', 'damaged.gif', 'b.webp']);
    assert.deepEqual(page.notices, ['damaged.gif is damaged.']);
    const question = chat.model.requests[0]!.messages[1]!;
    assert.deepEqual(
      question.content.map(({ type }) => type),
      ['image', 'image', 'text'],
    );
    assert.match(textOf(question), /<file name="a\.ts"[^]*What are they\?$/);
    chat.picked = ['file:///w/b.webp', 'file:///w/gone.png'];
    await page.say({ type: 'pickPicture' });
    assert.deepEqual(chipsOf(page), ['b.webp']);
    assert.deepEqual(page.notices.slice(1), ['file:///w/gone.png cannot be read.']);
  });

  it('are asked about at once by a command, which opens the page', async () => {
    const chat = create();
    chat.model.costs = COSTS;
    chat.pictureFiles.set('file:///w/a.png', Uint8Array.of(1));
    const attachments = [{ kind: 'file', uri: 'file:///w/a.png' } as const];
    const asked = chat.controller.ask({ text: 'Explain this picture.', attachments, send: true });
    await until(() => chat.asked.filter((what) => what === 'reveal').length === 2);
    const page = new PicturePage(chat);
    await page.say({ type: 'ready' });
    await asked;
    await until(() => page.last.status === 'done');
    assert.deepEqual(page.shown, ['user: Explain this picture.', 'assistant: An answer.']);
    assert.equal(filesOf(chat).length, 1);
  });

  it('leave with the chip, the conversation, or the question that contained them', async () => {
    const [chat, page] = await open();
    page.sizes['b.png'] = [7, 1];
    const kept = (): number => filesOf(chat).length;
    await page.give('a.png');
    await page.say({ type: 'detach', chipId: page.state!.chips[0]!.id });
    await until(() => kept() === 0);
    await page.give('a.png');
    await send(chat, page, 'One?');
    await page.give('b.png');
    await send(chat, page, 'Two?');
    assert.equal(kept(), 2);
    await page.say({ type: 'edit', messageId: page.state!.messages[0]!.id, text: 'Another?' });
    await until(() => page.last.status === 'done' && kept() === 1);
    assert.equal(chat.model.requests.at(-1)!.messages[1]!.content.length, 2, 'an edited question keeps its picture');
    const first = page.state!.conversationId;
    await page.say({ type: 'newConversation' });
    await page.give('a.png');
    await send(chat, page, 'In another chat?');
    await page.say({ type: 'deleteConversation', conversationId: first });
    assert.equal(kept(), 1, 'the other chat has it, too');
    await page.say({ type: 'deleteConversation', conversationId: page.state!.conversationId });
    await until(() => kept() === 0);
  });

  it('are there again in a reopened conversation, and go along with its export', async () => {
    const [chat, page] = await open();
    await page.give('a [b]/../é.png');
    await send(chat, page, 'What is it?');
    await chat.controller.dispose();
    const [again, other] = await open(COSTS, chat.folder, 'other');
    const { hash } = other.state!.messages[0]!.chips![0]!.picture!;
    await send(again, other, 'And why?');
    assert.equal(again.model.requests[0]!.messages[1]!.content[0]!.type, 'image');
    await other.say({ type: 'exportConversation', conversationId: other.state!.conversationId });
    const saved = again.asked.find((what) => what.startsWith('save '))!;
    const name = `pictures/a-b-..-é-${hash.slice(0, 8)}.png`;
    assert.match(saved, /^save What is it\.md\n/);
    assert.ok(saved.includes(`![a  b /../é.png](${encodeURI(name)})`), saved);
    assert.ok(saved.endsWith(`${join(chat.folder, 'pictures', `${hash}.png`)} -> ${name}`), saved);
  });

  it('whose files are gone are said so, and the rest is sent', async () => {
    const [chat, page] = await open();
    await page.give('a.png');
    await until(() => page.state!.chips[0]?.tokens === 1921);
    await chat.host.pictureStore.release(page.state!.chips[0]!.picture!.hash);
    await send(chat, page, 'What is it?');
    assert.deepEqual(page.notices, ['a.png is no longer on this disk.']);
    assert.deepEqual(chat.model.requests[0]!.messages.slice(1).map(pieces), [['What is it?']]);
    await send(chat, page, 'And why?');
    assert.equal(chat.model.requests[1]!.messages[1]!.content.length, 1);
  });

  it('end with a sentence where the page closes or breaks the rules', async () => {
    const [chat, page] = await open();
    chat.pictureFiles.set('file:///w/a.png', Uint8Array.of(1));
    page.silent = true;
    const decoding = assert.rejects(
      chat.host.pictures.decode('file:///w/a.png'),
      /^Error: The chat was closed before the picture was ready\.$/,
    );
    const giving = page.give('b.png');
    await until(() => page.told.some(({ type }) => type === 'pictureWanted'));
    await until(() => page.told.some(({ type }) => type === 'decode'));
    await page.say({ type: 'ready' });
    await Promise.all([decoding, giving]);
    assert.deepEqual(page.notices, ['The chat was closed before the picture was ready.']);
    const announced = { type: 'picture', transfer: 9, name: 'c.png', width: 1, height: 1, bytes: 10 } as const;
    const tooMuch = page.say(announced);
    await until(() => page.told.some((said) => said.type === 'pictureWanted' && said.transfer === 9));
    await page.say({ type: 'picturePiece', transfer: 9, offset: 0, data: new Uint8Array(11) });
    await tooMuch;
    assert.deepEqual(page.notices.slice(1), ['The chat page has sent another size.']);
    assert.deepEqual(filesOf(chat), []);
    assert.deepEqual(page.state!.chips, []);
    const cancelled = AbortSignal.abort(new Error('No.'));
    await assert.rejects(chat.host.pictures.decode('file:///w/a.png', cancelled), /No\./);
  });
});
