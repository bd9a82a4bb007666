import assert from 'node:assert/strict';
import { textTurn } from '../../../engine/wire/chatTurns.ts';
import { readFileSync } from 'node:fs';
import { setImmediate as others } from 'node:timers/promises';
import { countTokens, fitChat } from '../../../engine/chat/answer.ts';
import { BadModel, Cancelled, PromptTooLong } from '../../../engine/errors.ts';
import { describeFitted } from '../../../engine/prompt/files.ts';
import type { ChatTurn, ChatSource } from '../../../engine/wire/protocol.ts';
import { createTokenizer } from '../../../engine/tokenizer/tokenizer.ts';
import { tinyTokenizerJson } from '../../fixtures/tokenizers/tiny.ts';
import { CHAT_TEMPLATE } from '../../support/engine/chatTemplate.ts';
import { ChatWithModel, chattingModel } from '../../support/engine/chatModel.ts';

const json = (name: string): unknown => JSON.parse(readFileSync(`media/starter/${name}`, 'utf8'));
const starter = createTokenizer({
  tokenizerJson: json('tokenizer.json'),
  tokenizerConfig: json('tokenizer_config.json'),
});
const code = (lines: number, seed = 0): string =>
  Array.from({ length: lines }, (_, i) => `export const value${i + seed} = compute(${i}, 'name${i}');\n`).join('');
const open = new AbortController().signal;
const question: ChatTurn[] = [textTurn('user', 'What does this do?')];
const told = (sources: readonly ChatSource[], fitted: Awaited<ReturnType<typeof fit>>): string[] =>
  fitted.sources.map((source, i) => describeFitted({ name: sources[i]!.name, ...source }));

function fit(sources: ChatSource[], { messages = question, maxTokens = 128, contextLength = 1024 } = {}) {
  return fitChat(chattingModel(starter, { contextLength }), { messages, sources, maxTokens }, open);
}

/** Asks the question with the sources, and gives what was fitted and the prompt. */
async function ask(sources: ChatSource[], { messages = question, maxTokens = 128, contextLength = 1024 } = {}) {
  const chat = new ChatWithModel(starter, chattingModel(starter, { contextLength }));
  chat.messages.push(...messages);
  const result = await chat.call('It is.', { maxTokens, sources });
  return { ...chat.fitted!, result, prompt: chat.prompts[0]! };
}

/** The texts of the sources in a question. */
const quoted = (text: string): string[] =>
  [...text.matchAll(/^<file [^\n]*>\n(.*?)\n<\/file>$/gms)].map(([, body]) => body!);

describe('sources beside a conversation', () => {
  it('are whole where they fit', async () => {
    const sources = [{ name: 'a.ts', text: code(4) }, { name: 'b.ts', text: '' }]; // prettier-ignore
    const fitted = await fit(sources);
    assert.deepEqual(told(sources, fitted), ['a.ts: all 5 lines', 'b.ts: all 1 lines']);
    const [a] = fitted.sources;
    assert.equal(a!.tokens, starter.encode(sources[0]!.text).length);
    assert.equal(a!.tokensWhole, a!.tokens);
    assert.equal(fitted.tokensLimit, 1024 - 128);
    assert.equal(fitted.messagesDropped, 0);
    assert.ok(fitted.tokensUsed > a!.tokens && fitted.tokensUsed < a!.tokens + 150);
    assert.deepEqual(quoted((await ask(sources)).question), [sources[0]!.text]);
  });

  it('are cut around their cursors, with notes in place of lines', async () => {
    const text = code(200);
    const { fit, question } = await ask([{ name: 'a.ts', text, cursor: text.indexOf('value150'), firstLine: 11 }]);
    const [source] = fit.sources;
    const [shown] = quoted(question);
    assert.ok(shown!.startsWith('export const value0 = '));
    assert.match(
      shown!,
      /\[left out: lines \d+-\d+\]\nexport const value1\d\d = .*value150 = .*\n\[left out: lines \d+-201\]$/s,
    );
    const all = text.split('\n');
    for (const [first, last] of source!.lines) {
      assert.ok(shown!.includes(all.slice(first - 1, last).join('\n')), `lines ${first}-${last}`);
    }
    const ranges = source!.lines.map(([first, last]) => `${first + 10}-${last + 10}`);
    assert.ok(question.startsWith(`<file name="a.ts" lines="${ranges.join(', ')}">\n`), 'lines count as in the file');
    assert.equal(source!.totalLines, 201);
    assert.ok(source!.tokens < source!.tokensWhole && source!.tokensWhole === starter.encode(text).length);
    assert.equal(starter.encode(shown!).length, source!.tokens);
  });

  it('the first ones are kept where there are too many', async () => {
    const sources = Array.from({ length: 50 }, (_, i) => ({ name: `folder/file${i}.ts`, text: code(30, i * 100) }));
    const { sources: fitted } = await fit(sources);
    const kept = fitted.filter(({ tokens }) => tokens > 0).length;
    assert.ok(kept >= 3 && kept < 12, `${kept} kept`);
    assert.ok(fitted.slice(0, kept).every(({ tokens }) => tokens > 0));
    assert.ok(fitted.slice(kept).every(({ tokens, lines, tokensWhole }) => tokens === 0 && lines.length === 0 && tokensWhole > 0)); // prettier-ignore
  });

  const long = (turns: number): ChatTurn[] => [
    textTurn('system', 'You are a programming assistant.'),
    ...Array.from({ length: turns }, (_, i): ChatTurn[] => [
      textTurn('user', `Question ${i}: ${code(1)}`),
      textTurn('assistant', `Answer ${i}: ${code(1)}`),
    ]).flat(),
    textTurn('user', 'What does this do?'),
  ];
  for (const [name, contextLength, maxTokens, turns, files, lines] of [
    ['1K, first question', 1024, 1024, 0, 1, 200],
    ['1K, after some turns', 1024, 256, 5, 1, 200],
    ['1K, after many turns', 1024, 256, 60, 2, 200],
    ['1K, many small sources', 1024, 256, 3, 40, 3],
    ['4K, after many turns', 4096, 1024, 60, 3, 400],
    ['4K, a little', 4096, 1024, 2, 3, 10],
  ] as const) {
    it(`the question with them fits: ${name}`, async () => {
      const messages = long(turns);
      const sources = Array.from({ length: files }, (_, i) => ({
        name: `src/file${i}.ts`,
        text: code(lines, i),
        firstLine: 1,
      }));
      const fitted = await fit(sources, { messages, maxTokens, contextLength });
      const asked = await ask(sources, { messages, maxTokens, contextLength });
      const prompt = asked.prompt.length;
      assert.equal(asked.fit.tokensUsed, prompt, 'the answer is told what its prompt takes');
      const { tokensUsed, tokensLimit, messagesDropped } = fitted;
      assert.ok(prompt <= tokensLimit && tokensUsed <= tokensLimit, `${prompt} and ${tokensUsed} of ${tokensLimit}`);
      assert.ok(Math.abs(prompt - tokensUsed) < 0.15 * tokensLimit, `${tokensUsed} foretold, ${prompt} taken`);
      assert.ok(Math.abs(messagesDropped - asked.result.messagesDropped) <= 4);
      const taken = fitted.sources.reduce((sum, { tokens }) => sum + tokens, 0);
      const wanted = fitted.sources.reduce((sum, { tokensWhole }) => sum + tokensWhole, 0);
      assert.ok(taken === wanted || taken > tokensLimit / 5, `${taken} of ${wanted} tokens`);
    });
  }

  it('get nothing where the question fills the window', async () => {
    const fitted = await fit([{ name: 'a.ts', text: code(9) }], { messages: [textTurn('user', code(200))] });
    assert.deepEqual([fitted.sources[0]!.lines, fitted.sources[0]!.tokens], [[], 0]);
  });

  it('that must stay whole take from the others, or the question is refused', async () => {
    const sources = [
      { name: 'a.ts', text: code(200) },
      { name: 'a.ts', text: code(8, 300), whole: true, firstLine: 301 },
    ];
    const { fit, question } = await ask(sources);
    assert.ok(fit.sources[0]!.tokens > 100 && fit.sources[0]!.tokens < fit.sources[0]!.tokensWhole);
    assert.equal(fit.sources[1]!.tokens, fit.sources[1]!.tokensWhole);
    assert.equal(quoted(question)[1], sources[1]!.text);
    await assert.rejects(ask([{ name: 'a.ts', text: code(200), whole: true }]), PromptTooLong);
  });

  describe('that a message contains already', () => {
    const text = code(10);
    const turns = (more: number): ChatTurn[] => [
      textTurn('system', 'You are a programming assistant.'),
      textTurn('user', `<file name="a.ts">\n${text}\n</file>\n\nWhy?`),
      textTurn('assistant', 'So.'),
      ...Array.from({ length: more }, () => [textTurn('user', code(8)), textTurn('assistant', 'Well.')]).flat(),
      textTurn('user', 'And?'),
    ];
    const held = { name: 'a.ts', text, heldBy: 1 };

    it('are left out', async () => {
      const { fit, question, prompt } = await ask([held, { name: 'b.ts', text: 'let b;' }], { messages: turns(0) });
      assert.deepEqual(fit.sources.map(({ held, tokens }) => [held, tokens > 0]), [[true, false], [false, true]]); // prettier-ignore
      assert.deepEqual(quoted(question), ['let b;']);
      assert.equal(starter.decode(prompt).split('value3 =').length, 2);
    });

    it('are quoted again once that message is dropped', async () => {
      const { fit, question, result, prompt } = await ask([held], { messages: turns(6) });
      assert.ok(fit.messagesDropped >= 2 && result.messagesDropped === fit.messagesDropped);
      assert.deepEqual([fit.sources[0]!.held, quoted(question)], [false, [text]]);
      assert.equal(starter.decode(prompt).split(question).length, 2);
    });
  });

  it('and messages are tokenised once, whether or not messages are dropped', async () => {
    const names = ['<|system|>', '<|user|>', '<|assistant|>', '<|end|>'].map((content) => ({ content }));
    const tokenizer = createTokenizer({
      tokenizerJson: tinyTokenizerJson({ specials: names }),
      tokenizerConfig: { chat_template: CHAT_TEMPLATE },
    });
    for (const [contextLength, drops] of [
      [1_000_000, false],
      [6000, false],
      [2000, true],
    ] as const) {
      const encoded: string[] = [];
      const counting = { ...tokenizer, encode: (...call: Parameters<typeof tokenizer.encode>) => (encoded.push(call[0]), tokenizer.encode(...call)) }; // prettier-ignore
      const chat = new ChatWithModel(counting, chattingModel(counting, { contextLength }));
      const sources = Array.from({ length: 5 }, (_, i) => ({ name: `src/file${i}.ts`, text: code(60, 1000 * i) }));
      const messages = Array.from({ length: 20 }, (_, i) => `message ${i}: ${code(3, 10_000 + 10 * i)}end ${i};`);
      chat.messages.push(
        ...messages.map((text, i) => textTurn(i % 2 === 0 ? 'user' : 'assistant', text)),
        textTurn('user', 'And now?'),
      );
      const { messagesDropped } = await chat.call('x', { sources });
      assert.equal(messagesDropped > 0, drops, `${contextLength}: ${messagesDropped} dropped`);
      const times = (line: string): number => encoded.filter((text) => text.includes(line)).length;
      const texts = [...messages, ...sources.map(({ text }) => text)];
      const lines = texts.flatMap((text) => text.trimEnd().split('\n').slice(0, -1));
      assert.deepEqual(new Set(lines.map(times)), new Set([1]), `${contextLength}`);
      // The last line of a text is encoded again where a mark follows it.
      const last = texts.map((text) => text.trimEnd().split('\n').at(-1)!);
      assert.ok(last.every((line) => times(line) <= 2));
    }
  });

  it('let other work go on, and end within a slice when nobody wants them', async () => {
    const abort = new AbortController();
    let encoded = 0;
    const counting = { ...starter, encode: (text: string) => ((encoded += text.length), starter.encode(text)) };
    const model = chattingModel(counting, { contextLength: 1e6 });
    const running = fitChat(model, { messages: question, sources: [{ name: 'a', text: code(30_000) }], maxTokens: 9 }, abort.signal); // prettier-ignore
    for (let turns = 0; turns < 5; turns++) await others();
    abort.abort();
    const before = encoded;
    await assert.rejects(running, Cancelled);
    assert.ok(before > 0 && encoded - before < 20_000, `${encoded - before} characters encoded after that`);
  });

  it('need a model that chats', async () => {
    const mute = createTokenizer({ tokenizerJson: tinyTokenizerJson(), tokenizerConfig: {} });
    const params = { messages: question, sources: [], maxTokens: 9 };
    await assert.rejects(async () => fitChat(chattingModel(mute), params, open), BadModel);
  });
});

describe('token counts', () => {
  it('are those of the texts alone', async () => {
    const texts = ['', 'const a = 1;', code(500), '<|endoftext|>'];
    const counts = await countTokens(chattingModel(starter), texts, open);
    assert.deepEqual(counts, texts.map((text) => starter.encode(text).length)); // prettier-ignore
    assert.ok(counts[3]! > 1, 'a name in a text is text');
  });

  it('can be cancelled, also of many short texts', async () => {
    const abort = new AbortController();
    const texts = Array<string>(10_000).fill('x');
    const running = countTokens(chattingModel(starter), texts, abort.signal);
    setImmediate(() => abort.abort());
    await assert.rejects(running, Cancelled);
  });

  it('need a tokenizer', async () => {
    await assert.rejects(countTokens(chattingModel(null), ['a'], open), BadModel);
  });
});
