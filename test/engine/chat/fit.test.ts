import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { setImmediate as others } from 'node:timers/promises';
import { countTokensWith, fitWith } from '../../../engine/chat/answer.ts';
import { BadModel, Cancelled } from '../../../engine/errors.ts';
import { describeFitted } from '../../../engine/prompt/files.ts';
import type { ChatTurn, FitSource } from '../../../engine/wire/protocol.ts';
import { createTokenizer } from '../../../engine/tokenizer/tokenizer.ts';
import { tinyTokenizerJson } from '../../fixtures/tokenizers/tiny.ts';
import { ChatWithModel, chattingModel } from '../../support/engine/chatModel.ts';

const json = (name: string): unknown => JSON.parse(readFileSync(`media/starter/${name}`, 'utf8'));
const starter = createTokenizer({
  tokenizerJson: json('tokenizer.json'),
  tokenizerConfig: json('tokenizer_config.json'),
});
const code = (lines: number, seed = 0): string =>
  Array.from({ length: lines }, (_, i) => `export const value${i + seed} = compute(${i}, 'name${i}');\n`).join('');
const open = new AbortController().signal;
const question: ChatTurn[] = [{ role: 'user', text: 'What does this do?' }];
const told = (sources: readonly FitSource[], fitted: Awaited<ReturnType<typeof fit>>): string[] =>
  fitted.sources.map((source, i) => describeFitted({ name: sources[i]!.name, ...source }));

function fit(sources: FitSource[], { messages = question, maxTokens = 128, contextLength = 1024 } = {}) {
  return fitWith(chattingModel(starter, { contextLength }), { messages, sources, maxTokens }, open);
}

/** As a host would write them into the question. */
function withSources(text: string, sources: readonly FitSource[], fitted: { sources: { text: string }[] }): string {
  const parts = fitted.sources.map((source, i) => source.text === '' ? '' : `<file name="${sources[i]!.name}" lines="1-20 of 200">\n${source.text}\n</file>\n`); // prettier-ignore
  return [...parts, text].join('\n');
}

describe('sources beside a conversation', () => {
  it('are whole where they fit', async () => {
    const sources = [{ name: 'a.ts', text: code(4) }, { name: 'b.ts', text: '' }]; // prettier-ignore
    const fitted = await fit(sources);
    assert.deepEqual(told(sources, fitted), ['a.ts: all 5 lines', 'b.ts: all 1 lines']);
    const [a] = fitted.sources;
    assert.equal(a!.text, sources[0]!.text);
    assert.equal(a!.tokens, starter.encode(sources[0]!.text).length);
    assert.equal(a!.tokensWhole, a!.tokens);
    assert.equal(fitted.tokensLimit, 1024 - 128);
    assert.equal(fitted.messagesDropped, 0);
    assert.ok(fitted.tokensUsed > a!.tokens && fitted.tokensUsed < a!.tokens + 150);
  });

  it('are cut around their cursors, with notes in place of lines', async () => {
    const text = code(200);
    const [source] = (await fit([{ name: 'a.ts', text, cursor: text.indexOf('value150') }])).sources;
    assert.ok(source!.text.startsWith('export const value0 = '));
    assert.match(
      source!.text,
      /\[left out: lines \d+-\d+\]\nexport const value1\d\d = .*value150 = .*\n\[left out: lines \d+-201\]$/s,
    );
    const all = text.split('\n');
    for (const [first, last] of source!.lines) {
      assert.ok(source!.text.includes(all.slice(first - 1, last).join('\n')), `lines ${first}-${last}`);
    }
    assert.equal(source!.totalLines, 201);
    assert.ok(source!.tokens < source!.tokensWhole && source!.tokensWhole === starter.encode(text).length);
    assert.equal(starter.encode(source!.text).length, source!.tokens);
  });

  it('the first ones are kept where there are too many', async () => {
    const sources = Array.from({ length: 50 }, (_, i) => ({ name: `folder/file${i}.ts`, text: code(30, i * 100) }));
    const { sources: fitted } = await fit(sources);
    const kept = fitted.filter(({ tokens }) => tokens > 0).length;
    assert.ok(kept >= 3 && kept < 12, `${kept} kept`);
    assert.ok(fitted.slice(0, kept).every(({ tokens }) => tokens > 0));
    assert.ok(fitted.slice(kept).every(({ text, lines, tokensWhole }) => text === '' && lines.length === 0 && tokensWhole > 0)); // prettier-ignore
  });

  const long = (turns: number): ChatTurn[] => [
    { role: 'system', text: 'You are a programming assistant.' },
    ...Array.from({ length: turns }, (_, i): ChatTurn[] => [
      { role: 'user', text: `Question ${i}: ${code(1)}` },
      { role: 'assistant', text: `Answer ${i}: ${code(1)}` },
    ]).flat(),
    { role: 'user', text: 'What does this do?' },
  ];
  for (const [name, contextLength, maxTokens, turns, files, lines] of [
    ['the starter, first question', 1024, 1024, 0, 1, 200],
    ['the starter, after some turns', 1024, 256, 5, 1, 200],
    ['the starter, after many turns', 1024, 256, 60, 2, 200],
    ['the starter, many small sources', 1024, 256, 3, 40, 3],
    ['4K, after many turns', 4096, 1024, 60, 3, 400],
    ['4K, a little', 4096, 1024, 2, 3, 10],
  ] as const) {
    it(`the question with them fits: ${name}`, async () => {
      const messages = long(turns);
      const sources = Array.from({ length: files }, (_, i) => ({ name: `src/file${i}.ts`, text: code(lines, i) }));
      const fitted = await fit(sources, { messages, maxTokens, contextLength });
      const model = chattingModel(starter, { contextLength });
      const chat = new ChatWithModel(starter, model);
      chat.messages.push(...messages.slice(0, -1), {
        role: 'user',
        text: withSources('What does this do?', sources, fitted),
      });
      const result = await chat.call('It is.', { maxTokens });
      const prompt = chat.prompts[0]!.length;
      const { tokensUsed, tokensLimit, messagesDropped } = fitted;
      assert.ok(prompt <= tokensLimit && tokensUsed <= tokensLimit, `${prompt} and ${tokensUsed} of ${tokensLimit}`);
      assert.ok(Math.abs(prompt - tokensUsed) < 0.15 * tokensLimit, `${tokensUsed} foretold, ${prompt} taken`);
      assert.ok(Math.abs(messagesDropped - result.messagesDropped) <= 4);
      const taken = fitted.sources.reduce((sum, { tokens }) => sum + tokens, 0);
      const wanted = fitted.sources.reduce((sum, { tokensWhole }) => sum + tokensWhole, 0);
      assert.ok(taken === wanted || taken > tokensLimit / 5, `${taken} of ${wanted} tokens`);
    });
  }

  it('get nothing where the question fills the window', async () => {
    const fitted = await fit([{ name: 'a.ts', text: code(9) }], { messages: [{ role: 'user', text: code(200) }] });
    assert.deepEqual([fitted.sources[0]!.text, fitted.sources[0]!.tokens], ['', 0]);
  });

  it('let other work go on, and end within a slice when nobody wants them', async () => {
    const abort = new AbortController();
    const text = code(30_000);
    const running = fitWith(chattingModel(starter, { contextLength: 1e6 }), { messages: question, sources: [{ name: 'a', text }], maxTokens: 9 }, abort.signal); // prettier-ignore
    let turns = 0;
    for (; turns < 5; turns++) await others();
    const started = performance.now();
    abort.abort();
    await assert.rejects(running, Cancelled);
    assert.ok(performance.now() - started < 500);
  });

  it('need a model that chats', async () => {
    const mute = createTokenizer({ tokenizerJson: tinyTokenizerJson(), tokenizerConfig: {} });
    const params = { messages: question, sources: [], maxTokens: 9 };
    await assert.rejects(async () => fitWith(chattingModel(mute), params, open), BadModel);
  });
});

describe('token counts', () => {
  it('are those of the texts alone', async () => {
    const texts = ['', 'const a = 1;', code(500), '<|endoftext|>'];
    const counts = await countTokensWith(chattingModel(starter), texts, open);
    assert.deepEqual(counts, texts.map((text) => starter.encode(text).length)); // prettier-ignore
    assert.ok(counts[3]! > 1, 'a name in a text is text');
  });

  it('can be cancelled, also of many short texts', async () => {
    const abort = new AbortController();
    const texts = Array<string>(10_000).fill('x');
    const running = countTokensWith(chattingModel(starter), texts, abort.signal);
    setImmediate(() => abort.abort());
    await assert.rejects(running, Cancelled);
  });

  it('need a tokenizer', async () => {
    await assert.rejects(countTokensWith(chattingModel(null), ['a'], open), BadModel);
  });
});
