import assert from 'node:assert/strict';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { answerChat, type ChattingModel, fitChat } from '../../../engine/chat/answer.ts';
import type { Generate } from '../../../engine/inference/generationTypes.ts';
import { reuseCachedTokens } from '../../../engine/chat/reuseCachedTokens.ts';
import { imageIds, joinPrompt, type Prompt } from '../../../engine/prompt/prompt.ts';
import { createTokenizer, type Tokenizer } from '../../../engine/tokenizer/tokenizer.ts';
import { hdSize } from '../../../engine/vision/hdSize.ts';
import { textTurn } from '../../../engine/wire/chatTurns.ts';
import type { ChatContent, ChatPart, ChatTurn } from '../../../engine/wire/protocol.ts';
import { releasedTokenizer } from '../../fixtures/tokenizers/released.ts';
import { chattingModel } from '../../support/engine/chatModel.ts';
import { CHAT_TEMPLATE } from '../../support/engine/chatTemplate.ts';
import { TinyFolder } from '../../support/engine/tinyModel.ts';
import { noisyPng, tinyVisionTokenizer } from '../../support/engine/vision/tinyVision.ts';

const open = new AbortController().signal;
const user = (...content: ChatContent[]): ChatTurn => ({ role: 'user', content });
const text = (words: string): ChatContent => ({ type: 'text', text: words });

describe('a conversation with pictures', () => {
  const tokenizer = createTokenizer(tinyVisionTokenizer);
  const folder = new TinyFolder();
  const [wide, high] = [join(folder.path, 'wide.png'), join(folder.path, 'high.png')];
  before(() => {
    writeFileSync(wide, noisyPng(60, 20, 1));
    writeFileSync(high, noisyPng(20, 90, 2));
  });
  after(() => folder.remove());

  const picture = (file: string, mostCrops?: number): ChatContent => ({
    type: 'image',
    file,
    ...(mostCrops === undefined ? {} : { mostCrops }),
  });
  const tokensOf = {
    wide: hdSize({ width: 60, height: 20 }, 4).tokens,
    high: hdSize({ width: 20, height: 90 }, 4).tokens,
  };

  /** A model that sees, and says nothing. */
  function seeing(tokens: Tokenizer = tokenizer, contextLength = 16_384, name = 'test'): ChattingModel {
    const { info, ...model } = chattingModel(tokens, { contextLength });
    const images = { mostCrops: 4, knows: () => true, encode: async () => {} } as never;
    return { ...model, images, info: { ...info, name, images: { mostCrops: 4 } } };
  }

  async function promptOf(messages: ChatTurn[], model = seeing(), params: object = {}) {
    const prompts: Prompt[] = [];
    const parts: ChatPart[] = [];
    const generate: Generate = (prompt) => {
      prompts.push(prompt);
      return { stats: { stop: 'end' } as never, async *[Symbol.asyncIterator]() {} };
    };
    const request = { messages, maxTokens: 16, ...params };
    const { messagesDropped } = await answerChat(model, { generate, tokens: [] }, request, open, (part) =>
      parts.push(part),
    );
    return { prompt: prompts[0]!, parts, messagesDropped };
  }

  /** The ids with one number in the place of each picture. */
  function shown({ ids, images }: Prompt, tokens: Tokenizer = tokenizer): string {
    let [said, at] = ['', 0];
    for (const image of [...images, { at: ids.length, length: 0, key: '' }]) {
      said += tokens.decode([...ids.subarray(at, image.at)], { specials: true });
      if (image.key !== '') said += `[${image.length}]`;
      at = image.at + image.length;
      assert.deepEqual(ids.subarray(image.at, at), imageIds(image.key, image.length));
    }
    return said;
  }

  it('has each picture in its place, and begins each text between them as the model was trained', async () => {
    const messages = [user(picture(wide), picture(high), text('Which?'))];
    const { prompt } = await promptOf(messages);
    assert.equal(
      shown(prompt),
      `<s><|user|> \n[${tokensOf.wide}]<s> \n[${tokensOf.high}]<s> \nWhich?<|end|> \n<|assistant|> \n`,
    );
  });

  it('has the ids of the original for two pictures', async function () {
    const config = { chat_template: CHAT_TEMPLATE, bos_token: '<s>', add_bos_token: true };
    const released = releasedTokenizer(this, 'vision-128k', config);
    const { prompt } = await promptOf([user(picture(wide), picture(high), text('What is shown?'))], seeing(released));
    const texts = [
      [1, 32010, 29871, 13],
      [1, 29871, 13],
      [1, 29871, 13, 5618, 338, 4318, 29973, 32007, 29871, 13, 32001],
    ];
    const [first, second] = prompt.images;
    assert.deepEqual(prompt, joinPrompt([texts[0]!, first!, texts[1]!, second!, texts[2]!]));
  });

  for (const words of ['<|image_1|>', '<|image|>', '\uFDD2', '<|end|>\uFDD2']) {
    it(`${JSON.stringify(words)} in a question is text`, async () => {
      const { prompt } = await promptOf([user(picture(wide), text(`${words} means what?`))]);
      assert.deepEqual(
        prompt.images.map(({ length }) => length),
        [tokensOf.wide],
      );
      const behind = shown(prompt).split(`[${tokensOf.wide}]`)[1]!;
      assert.equal(behind, `<s> \n${words.replace('\uFDD2', '')} means what?<|end|> \n<|assistant|> \n`);
      const names = [...prompt.ids].filter((id) => tokenizer.specialIds.has(id)).length;
      assert.equal(names, 5, 'twice <s>, user, end, assistant');
    });
  }

  it('begins with the same ids before and after the first picture', async () => {
    const first = await promptOf([textTurn('user', 'Hello')]);
    const messages = [textTurn('user', 'Hello'), textTurn('assistant', ''), user(picture(wide), text('And?'))];
    const second = await promptOf(messages);
    assert.deepEqual(second.prompt.ids.subarray(0, first.prompt.ids.length), first.prompt.ids);
  });

  it('takes as many crops as a message says', async () => {
    const { prompt } = await promptOf([user(picture(wide, 1), text('?'))]);
    assert.equal(prompt.images[0]!.length, hdSize({ width: 60, height: 20 }, 1).tokens);
  });

  it('shows pictures before sources, and says so in the first part', async () => {
    const sources = [{ name: 'a.ts', text: 'let a;' }];
    const { prompt, parts } = await promptOf([user(picture(wide), text('Which?'))], seeing(), { sources });
    const fitted = parts.find((part) => part.type === 'fitted')!;
    assert.ok(fitted.question.startsWith('<file name="a.ts">') && fitted.question.endsWith('Which?'));
    const later = await promptOf([user(picture(wide), text(fitted.question))]);
    assert.deepEqual(later.prompt, prompt);
    assert.equal(fitted.fit.tokensUsed, prompt.ids.length);
  });

  it('fit counts the tokens of pictures', async () => {
    const messages = [user(picture(wide), picture(high), text('Which?'))];
    const { tokensUsed } = await fitChat(seeing(), { messages, sources: [], maxTokens: 16 }, open);
    const { prompt } = await promptOf(messages);
    assert.equal(tokensUsed, prompt.ids.length);
  });

  it('drops old questions with their pictures when the window is full', async () => {
    const messages: ChatTurn[] = [];
    for (const file of [wide, high, wide, high])
      messages.push(user(picture(file), text('Which?')), textTurn('assistant', 'x'));
    const { prompt, messagesDropped } = await promptOf(
      [...messages, user(picture(wide), text('And now?'))],
      seeing(tokenizer, 3000),
    );
    assert.deepEqual([messagesDropped > 0, prompt.images.length], [true, 5 - messagesDropped / 2]);
    assert.ok(prompt.ids.length <= 3000 - 16);
  });

  it('a picture that does not fit beside the answer is refused', async () => {
    await assert.rejects(promptOf([user(picture(wide), text('Which?'))], seeing(tokenizer, 600)), {
      name: 'PromptTooLong',
      message: /^The question has \d+ tokens, but only 584 fit in the context window beside the answer\.$/,
    });
  });

  const refused: readonly [name: string, file: () => string, message: RegExp][] = [
    ['a file that is gone', () => join(folder.path, 'none.png'), /^none\.png cannot be read: ENOENT\.$/],
    ['a folder', () => (mkdirSync(join(folder.path, 'a.png')), join(folder.path, 'a.png')), /^a\.png is not a file\.$/],
    [
      'another kind of file',
      () => (folder.file('b.png', '<svg/>'), join(folder.path, 'b.png')),
      /^b\.png is not a PNG file/,
    ],
    ['an empty file', () => (folder.file('c.png', ''), join(folder.path, 'c.png')), /^c\.png is not a PNG file/],
    [
      'a file that was cut off',
      () => (folder.file('d.png', noisyPng(9, 9, 1).slice(0, 20)), join(folder.path, 'd.png')),
      /^d\.png .* cut off\.$/,
    ],
  ];
  for (const [name, file, message] of refused) {
    it(`${name} is refused in one sentence`, async () => {
      const messages = [user(picture(file()), text('?'))];
      await assert.rejects(promptOf(messages), { name: 'BadRequest', message });
      await assert.rejects(fitChat(seeing(), { messages, sources: [], maxTokens: 9 }, open), { message });
    });
  }

  it('a model that sees no pictures refuses in one sentence', async () => {
    const { info, ...model } = chattingModel(tokenizer);
    const blind = promptOf([user(picture(wide), text('?'))], { ...model, info: { ...info, name: 'Mole' } });
    await assert.rejects(blind, { name: 'BadRequest', message: 'Mole cannot see pictures.' });
  });
});

describe('cached tokens before and behind pictures', () => {
  const tokenizer = createTokenizer(tinyVisionTokenizer);
  const word = tokenizer.encode('\nconst').at(-1)!;
  const letters = [...'const'].map((letter) => tokenizer.encode(`\n${letter}`).at(-1)!);
  const [cat, dog] = [{ key: 'cat', length: 5 }, { key: 'dog', length: 5 }]; // prettier-ignore
  const table: readonly [name: string, prompt: Prompt, cached: Prompt, want: Prompt][] = [
    ['the same', joinPrompt([[word], cat, [word]]), joinPrompt([[word], cat]), joinPrompt([[word], cat, [word]])],
    ['letters before', joinPrompt([[word], cat, [word]]), joinPrompt([letters, cat]), joinPrompt([letters, cat, [word]])],
    ['another picture', joinPrompt([[word], dog, [word]]), joinPrompt([letters, cat]), joinPrompt([letters, dog, [word]])],
    ['half of the picture', joinPrompt([[word], cat, dog]), { ids: joinPrompt([letters, cat]).ids.subarray(0, 7), images: [] }, joinPrompt([letters, cat, dog])],
    ['text for the picture', joinPrompt([cat, [word]]), joinPrompt([letters]), joinPrompt([cat, [word]])],
  ]; // prettier-ignore
  for (const [name, prompt, { ids }, want] of table) {
    it(name, () => assert.deepEqual(reuseCachedTokens(tokenizer, prompt, ids), want));
  }
});
