import assert from 'node:assert/strict';
import { keepsFactors, snapshotTokens } from '../../../engine/prompt/budget.ts';
import { chatAroundGap, encodeLines, encodeLongText } from '../../../engine/prompt/encodeText.ts';
import { describeFitted, fitFile, fitFiles } from '../../../engine/prompt/files.ts';
import { mergeRanges, rangesLeftOut, rangesText } from '../../../engine/prompt/lines.ts';
import { ageOf, takeSnapshot } from '../../../engine/prompt/fileSnapshot.ts';
import { createTokenizer } from '../../../engine/tokenizer/tokenizer.ts';
import { tinyTokenizerJson } from '../../fixtures/tokenizers/tiny.ts';
import { CHAT_TEMPLATE } from '../../support/engine/chatTemplate.ts';

const specials = ['<|user|>', '<|assistant|>', '<|end|>'].map((content) => ({ content }));
const make = (leadingSpace: boolean) =>
  createTokenizer({
    tokenizerJson: tinyTokenizerJson({ specials, leadingSpace }),
    tokenizerConfig: { chat_template: CHAT_TEMPLATE },
  });
const tokenizer = make(false);
const atOnce = async (): Promise<void> => {};
/** About one token per character. */
const encode = (text: string, most: number) => encodeLongText(tokenizer, text, most, atOnce);
const numbered = (count: number): string => Array.from({ length: count }, (_, i) => `line ${i + 1};\n`).join('');

describe('line ranges', () => {
  it('are merged, complemented and told', () => {
    assert.deepEqual(mergeRanges([[5, 9], [1, 2], [3, 3], [8, 12]]), [[1, 3], [5, 12]]); // prettier-ignore
    assert.deepEqual(rangesLeftOut([[1, 3], [5, 12]], 20), [[4, 4], [13, 20]]); // prettier-ignore
    assert.deepEqual(rangesLeftOut([], 3), [[1, 3]]);
    assert.equal(rangesText([[1, 3], [5, 5]]), '1-3, 5'); // prettier-ignore
  });
});

describe('encoding around known ids', () => {
  for (const leadingSpace of [false, true]) {
    const both = make(leadingSpace);
    it(`gives the ids of the whole chat, ${leadingSpace ? 'with' : 'without'} a leading space`, () => {
      const [before, middle, after] = ['The file:\n', '  a;\n<|end|>b\n', 'Why <|user|>?'];
      const { head, tail } = chatAroundGap(both, before, after, 'So');
      const whole = both.chat([{ role: 'user', content: before + middle + after }], {
        addGenerationPrompt: true,
        prefill: 'So',
      });
      assert.deepEqual([...head, ...encodeLines(both, middle), ...tail], whole);
      assert.equal(whole.filter((id) => both.specialIds.has(id)).length, 3, 'text gives no special tokens');
    });
  }

  it('takes a long text in slices, between which others go', async () => {
    const text = numbered(8000);
    let pauses = 0;
    const ids = await encodeLongText(tokenizer, text, Infinity, async () => void pauses++);
    assert.equal(tokenizer.decode(ids), text);
    assert.ok(pauses >= 4, `${pauses} pauses`);
  });

  it('takes a line without an end in slices too, and ends early where more is of no use', async () => {
    const text = '\u{1F600}bc '.repeat(20_000);
    let pauses = 0;
    const pause = async () => void pauses++;
    assert.equal(tokenizer.decode(await encodeLongText(tokenizer, text, Infinity, pause)), text);
    assert.ok(pauses >= 40, `${pauses} pauses`);
    const some = await encodeLongText(tokenizer, text, 5000, pause);
    assert.ok(some.length > 5000 && some.length < 20_000, `${some.length} tokens`);
  });
});

describe('a file in a budget', () => {
  it('is whole where it fits', async () => {
    const file = await fitFile({ name: 'a.ts', text: 'a\nb\n' }, 100, encode);
    assert.deepEqual([file.lines, file.totalLines], [[[1, 3]], 3]);
    assert.equal(describeFitted(file), 'a.ts: all 3 lines');
  });

  it('is its head and the region around the cursor where it does not, and says what is left out', async () => {
    const text = numbered(1000);
    const file = await fitFile({ name: 'a.ts', text, cursor: text.indexOf('line 700;') }, 1000, encode);
    assert.ok(file.ids.length <= 1000 && file.ids.length > 400, `${file.ids.length} tokens`);
    const [head, region, ...more] = file.lines;
    assert.deepEqual(more, []);
    assert.ok(head![0] === 1 && region![0] < 690 && region![1] > 705, JSON.stringify(file.lines));
    const [, last] = head!;
    const shown = tokenizer.decode(file.ids);
    assert.ok(shown.startsWith('line 1;\n'));
    assert.ok(shown.includes(`line ${last};\n[left out: lines ${last + 1}-${region![0] - 1}]\nline ${region![0]};`));
    assert.match(describeFitted(file), /^a\.ts: lines 1-\d+, \d+-\d+ of 1001; left out: \d+-\d+, \d+-1001$/);
  });

  it('stands still for small moves, and reaches the end of the file', async () => {
    const text = numbered(1000);
    const cuts = new Set<string>();
    for (let cursor = 5000; cursor < 7000; cursor += 50) {
      cuts.add(JSON.stringify((await fitFile({ name: 'a', text, cursor }, 2000, encode)).lines));
    }
    assert.ok(cuts.size >= 2 && cuts.size <= 8, `${cuts.size} cuts over 2000 characters`);
    const atEnd = await fitFile({ name: 'a', text, cursor: text.length }, 2000, encode);
    assert.equal(atEnd.lines.at(-1)![1], 1001);
  });

  it('that is one endless line is left out, without being read again and again', async () => {
    let characters = 0;
    const counting = (text: string, most: number) => {
      characters += text.length;
      return encode(text, most);
    };
    const file = await fitFile({ name: 'a.js', text: 'x'.repeat(50_000) }, 1000, counting);
    assert.deepEqual([file.ids, describeFitted(file)], [[], 'a.js: none of 1 lines']);
    assert.ok(characters <= 50_000, `${characters} characters`);
  });

  it('shares the budget with others: small files are whole and leave their rest to the large', async () => {
    const [small, large] = [
      { name: 's.ts', text: 'a\n' },
      { name: 'l.ts', text: numbered(500) },
    ];
    const files = await fitFiles([small, large, large], 3000, encode);
    assert.ok(files.reduce((sum, { ids }) => sum + ids.length, 0) <= 3000);
    assert.equal(describeFitted(files[0]!), 's.ts: all 2 lines');
    for (const file of files.slice(1)) assert.ok(file.ids.length > 700 && file.ids.length < 1500);
    for (const { ids, shown } of files) assert.equal(tokenizer.decode(ids), shown);
  });

  it('that is added leaves what was there before', async () => {
    const files = [{ name: 'a', text: 'a\n' }, { name: 'b', text: 'b\n' }]; // prettier-ignore
    const [one, two] = [await fitFiles(files.slice(0, 1), 500, encode), await fitFiles(files, 500, encode)];
    assert.deepEqual(two[0], one[0]);
  });
});

describe('the budget of a snapshot', () => {
  const model = { contextLength: 131_072, fimOrder: 'psm' as const, shortLength: 4096 };
  for (const [name, affordable, want] of [
    ['time allows little', 2000, 2000],
    ['time allows nothing of use', 300, 0],
    ['the context ends', 1e6, 131_072 - 736 - 128],
  ] as const) {
    it(`${name}: ${want} tokens`, () => assert.equal(snapshotTokens(model, 128, affordable), want));
  }
  it('is not more than a position sees', () => {
    assert.equal(snapshotTokens({ ...model, attentionWindow: 2047 }, 128, 1e6), 2047 - 736 - 128);
  });
  for (const [tokens, want] of [
    [3000, 3000],
    [3500, 4096 - 736 - 128],
    [4096, 4096 - 736 - 128],
    [4097, 4097],
    [50_000, 50_000],
  ] as const) {
    it(`of ${tokens} tokens ${want} stay, so that typing never crosses the LongRoPE boundary at 4096`, () => {
      assert.equal(keepsFactors(model, 128, tokens), want);
    });
  }
  it('a model with one set of factors has no boundary', () => {
    assert.equal(keepsFactors({ contextLength: 4096, fimOrder: 'psm' }, 128, 4000), 4000);
  });
});

describe('the age of a snapshot', () => {
  const text = numbered(400);
  const model = { contextLength: 131_072, fimOrder: 'psm' as const };
  const take = (prefix: string, suffix: string, affordable = 1e6) =>
    takeSnapshot({ fileName: 'a', prefix, suffix }, model, { maxTokens: 64, affordable }, encode);
  const many = numbered(60).replaceAll('line', 'more');

  const cases: [name: string, prefix: string, suffix: string, fresh: [number, number], age: string][] = [
    ['nothing changed', text, '', [3000, 3500], 'new'],
    ['a few letters anywhere', `x${text}`, '', [3000, 3500], 'new'],
    ['much, near the cursor', text + many, '', [text.length - 100, text.length + many.length], 'new'],
    ['much, and the cursor is elsewhere', text + many, '', [0, 500], 'old'],
    ['much at the start, where it costs more to read again', many.slice(0, 600) + text, '', [3000, 3500], 'old'],
    ['another file', 'other();\n'.repeat(400), '', [3000, 3500], 'useless'],
  ];
  for (const [name, prefix, suffix, [start, end], age] of cases) {
    it(`${name}: ${age}`, async () => {
      const snapshot = (await take(text, ''))!;
      const cheap = { ...snapshot, ids: snapshot.ids.slice(0, 2000) };
      assert.equal(ageOf(cheap, { fileName: 'a', prefix, suffix }, { start, end }), age);
    });
  }

  it('the same change is not worth reading a long file again', async () => {
    const snapshot = (await take(text, ''))!;
    const long = { ...snapshot, ids: Array<number>(50_000).fill(5) };
    const at = { fileName: 'a', prefix: many.slice(0, 600) + text, suffix: '' };
    assert.equal(ageOf(long, at, { start: 3000, end: 3500 }), 'new');
  });

  it('a cursor outside of the region that was read makes it old', async () => {
    const cutAt = text.indexOf('line 350');
    const snapshot = (await take(text.slice(0, cutAt), text.slice(cutAt), 1000))!;
    const age = (cursor: number) =>
      ageOf(
        snapshot,
        { fileName: 'a', prefix: text.slice(0, cursor), suffix: text.slice(cursor) },
        { start: 0, end: 0 },
      );
    assert.deepEqual([age(cutAt + 20), age(text.length / 2), age(0)], ['new', 'old', 'old']);
  });
});
