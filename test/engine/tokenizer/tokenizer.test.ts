import assert from 'node:assert/strict';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { BadModel } from '../../../engine/errors.ts';
import { createTokenizer, type Tokenizer } from '../../../engine/tokenizer/tokenizer.ts';
import goldens from '../../fixtures/tokenizers/llama-phi3.json' with { type: 'json' };
import strings from '../../fixtures/tokenizers/strings.json' with { type: 'json' };
import { tinyTokenizerJson } from '../../fixtures/tokenizers/tiny.ts';
import { releasedTokenizer, type Variant, VARIANTS } from '../../fixtures/tokenizers/released.ts';

describe('tokenizer', () => {
  for (const variant of VARIANTS) {
    describe(`ids of the released files, ${variant}`, () => {
      let tokenizer: Tokenizer;
      before(function () {
        tokenizer = releasedTokenizer(this, variant);
      });
      for (const [i, golden] of goldens.strings.entries()) {
        const { name, text } = strings[i]!;
        it(name, () => {
          const others = (golden as { plain_in_other_variants?: Partial<Record<Variant, number[]>> })
            .plain_in_other_variants;
          const want = others?.[variant] ?? golden.plain;
          assert.deepEqual(tokenizer.encode(text, { specials: true }), want);
          if (want === golden.plain) assert.equal(tokenizer.decode(want, { specials: true }), golden.decoded);
        });
      }
      it('round trip of every text as plain text', () => {
        for (const { text } of strings) {
          const ids = tokenizer.encode(text);
          assert.ok(!ids.some((id) => tokenizer.specialIds.has(id)), text);
          // U+2581 is how a space is written; sentencepiece cannot tell them apart.
          assert.equal(tokenizer.decode(ids), text.replaceAll('\u2581', ' '));
        }
      });
      if (variant !== 'vision-128k') return;
      it('pieces of a prompt with images, each with <s>', function () {
        const { text, chunk_ids_with_bos: want } = goldens.vision_prompt;
        const vision = releasedTokenizer(this, variant, { bos_token: '<s>', add_bos_token: true });
        const pieces = text.split(/<\|image_\d+\|>/);
        assert.deepEqual(
          pieces.map((piece) => vision.encode(piece, { specials: true, bos: true })),
          want,
        );
      });
    });
  }

  const specials = [
    { content: '<|end|>', rstrip: true },
    { content: '<|user|>', rstrip: true },
    { content: '<|endoftext|>' },
  ];
  const tiny = createTokenizer({
    tokenizerJson: tinyTokenizerJson({ specials }),
    tokenizerConfig: { bos_token: { content: '<s>' }, eos_token: '<|endoftext|>', add_bos_token: true },
    generationStopIds: [2, 7],
  });
  const names = (ids: number[]) => ids.map((id) => Buffer.from(tiny.bytes(id)).toString());

  for (const [text, want] of [
    ['', []],
    ['return foo', ['return', ' foo']],
    ['a\n    foo()', ['a', '\n', '    ', 'foo', '()']],
    ['<|end|>', ['<', '|', 'e', 'n', 'd', '|', '>']],
  ] as const) {
    it(`tiny: plain text ${JSON.stringify(text)}`, () => assert.deepEqual(names(tiny.encode(text)), want));
  }

  for (const [text, want] of [
    ['<|end|> \t\n\u0085\u3000foo', ['<|end|>', 'foo']],
    ['<|endoftext|> foo', ['<|endoftext|>', ' foo']],
    ['foo<|user|><|end|>', ['foo', '<|user|>', '<|end|>']],
    ['<|end|>\n<|user|>\nbar', ['<|end|>', '<|user|>', 'bar']],
  ] as const) {
    it(`tiny: special tokens in ${JSON.stringify(text)}`, () =>
      assert.deepEqual(names(tiny.encode(text, { specials: true })), want));
  }

  it('tiny: U+FEFF is no white space after a special token', () => {
    assert.equal(tiny.decode(tiny.encode('<|end|>\ufeffx', { specials: true })), '\ufeffx');
  });

  it('tiny: <s>, stop ids, sizes', () => {
    assert.deepEqual(tiny.encode('foo', { bos: true }), [1, ...tiny.encode('foo')]);
    const stop = ['</s>', '<|end|>', '<|user|>', '<|endoftext|>'].map((name) => tiny.special(name)!);
    assert.deepEqual(new Set(tiny.stopIds), new Set([2, 7, ...stop]));
    assert.equal(tiny.vocabSize, tiny.special('<|endoftext|>')! + 1);
    assert.equal(tiny.special('<|none|>'), undefined);
    assert.equal(tiny.leadingSpace, 'never');
  });

  it("Phi-4's answers end in <|im_end|>, which none of its files names as the end", () => {
    const marks = ['<|endoftext|>', '<|im_start|>', '<|im_sep|>', '<|im_end|>'];
    const tokenizer = createTokenizer({
      tokenizerJson: tinyTokenizerJson({ specials: marks.map((content) => ({ content })) }),
      tokenizerConfig: { eos_token: '<|endoftext|>' },
    });
    for (const mark of ['<|endoftext|>', '<|im_end|>'])
      assert.ok(tokenizer.stopIds.has(tokenizer.special(mark)!), mark);
    const ends = { eos_token: '</s>', eot_token: { content: '<unk>' } };
    const named = createTokenizer({ tokenizerJson: tinyTokenizerJson(), tokenizerConfig: ends });
    assert.deepEqual([...named.stopIds].sort(), [0, 2]);
  });

  it('a file that puts <s> first itself, or does not', () => {
    const single = [{ SpecialToken: { id: '<s>', type_id: 0 } }, { Sequence: { id: 'A', type_id: 0 } }];
    const json = {
      ...tinyTokenizerJson(),
      post_processor: { type: 'TemplateProcessing', single, pair: [], special_tokens: {} },
    };
    assert.equal(createTokenizer({ tokenizerJson: json, tokenizerConfig: { bos_token: '<s>' } }).bosId, 1);
    const off = { bos_token: '<s>', add_bos_token: false };
    assert.equal(createTokenizer({ tokenizerJson: json, tokenizerConfig: off }).bosId, undefined);
    assert.equal(createTokenizer({ tokenizerJson: tinyTokenizerJson(), tokenizerConfig: {} }).bosId, undefined);
  });

  it('byte-level vocabularies (GPT-2 characters)', () => {
    const pieces = ['\u0120', 'a', 'b', '\u0120a', '\u00c3', '\u00a9', '\u010a'];
    const json = {
      added_tokens: [],
      normalizer: null,
      pre_tokenizer: { type: 'ByteLevel', add_prefix_space: false, use_regex: true },
      decoder: { type: 'ByteLevel' },
      model: { type: 'BPE', vocab: Object.fromEntries(pieces.map((p, i) => [p, i])), merges: ['\u0120 a'] },
    };
    const tokenizer = createTokenizer({ tokenizerJson: json, tokenizerConfig: {} });
    assert.deepEqual(tokenizer.encode(' a\u00e9\nb'), [3, 4, 5, 6, 2]);
    assert.equal(tokenizer.decode([3, 4, 5, 6, 2]), ' a\u00e9\nb');
  });

  for (const [name, model, text, want] of [
    ['lowest rank first, then leftmost', { merges: ['b c', 'a b', 'a a'] }, 'abcaaa', [0, 4, 6, 0]],
    ['the last of two equal merges', { merges: ['a b', 'b c', 'a b'] }, 'abc', [0, 4]],
    ['results are merged again', { merges: ['a b', 'ab c'] }, 'abcabab', [7, 5, 5]],
    ['a known piece as a whole', { merges: [], ignore_merges: true }, 'ab', [5]],
    ['unknown characters', { merges: [], unk_token: '?' }, 'axyb', [0, 3, 3, 1]],
    ['unknown characters, fused', { merges: [], unk_token: '?', fuse_unk: true }, 'axyb', [0, 3, 1]],
    ['unknown characters left out', { merges: [] }, 'axyb', [0, 1]],
  ] as const) {
    it(`merges: ${name}`, () => {
      const vocab = { a: 0, b: 1, c: 2, '?': 3, bc: 4, ab: 5, aa: 6, abc: 7 };
      const tokenizerJson = {
        added_tokens: [],
        normalizer: null,
        pre_tokenizer: null,
        decoder: null,
        model: { type: 'BPE', vocab, ...model },
      };
      assert.deepEqual(createTokenizer({ tokenizerJson, tokenizerConfig: {} }).encode(text), want);
    });
  }

  it('remembers lines, and none of the texts that they came from', () => {
    setFlagsFromString('--expose-gc');
    const collect = runInNewContext('gc') as () => void;
    const file = 'return foo of a line\n'.repeat(10_000);
    const held = (edits: number) => {
      for (let i = 0; i < edits; i++) tiny.encode(`${file}a line that nobody knew ${edits} ${i}\n`);
      collect();
      return process.memoryUsage().heapUsed;
    };
    const before = held(1);
    assert.ok(held(30) - before < 5 * file.length, 'each edit kept its text');
  });

  const good = tinyTokenizerJson();
  for (const [name, tokenizerJson, message] of [
    ['undefined', undefined, /^tokenizer\.json cannot be used: the file: .+\.$/],
    ['a list', [], /^tokenizer\.json cannot be used/],
    ['no model', { added_tokens: [] }, /model/],
    ['another kind of model', { ...good, model: { ...good.model, type: 'Unigram' } }, /model\.type/],
    ['ids that are no numbers', { ...good, model: { ...good.model, vocab: { a: 'x' } } }, /model\.vocab: must map/],
    [
      'a merge of what is no token',
      { ...good, model: { ...good.model, merges: [['a', 'zz']] } },
      /has a merge of "a" and "zz", which it does not contain/,
    ],
    [
      'a merge to what is no token',
      { ...good, model: { ...good.model, merges: [['a', 'a']] } },
      /has a merge of "a" and "a"/,
    ],
    [
      'marks inside of words',
      { ...good, model: { ...good.model, end_of_word_suffix: '</w>' } },
      /model\.end_of_word_suffix: must be empty/,
    ],
    ['merges that are no pairs', { ...good, model: { ...good.model, merges: ['ab'] } }, /model\.merges: must be/],
    [
      'more special tokens than any model has',
      { ...good, added_tokens: Array.from({ length: 65_537 }, (_, id) => ({ id, content: `<${id}>` })) },
      /added_tokens: /,
    ],
    [
      'a name of a page',
      { ...good, added_tokens: [{ id: 1, content: 'x'.repeat(2000) }] },
      /added_tokens\.0\.content: /,
    ],
    ['no added tokens', { ...good, added_tokens: undefined }, /added_tokens/],
    ['an unknown normaliser', { ...good, normalizer: { type: 'Magic' } }, /Unknown Normalizer type: Magic\.$/],
  ] as const) {
    it(`refuses ${name}`, () => {
      assert.throws(
        () => createTokenizer({ tokenizerJson, tokenizerConfig: {} }),
        (error) => error instanceof BadModel && message.test(error.message),
      );
    });
  }
  it('refuses a tokenizer_config.json that is a list', () => {
    assert.throws(
      () => createTokenizer({ tokenizerJson: good, tokenizerConfig: [] }),
      /^BadModel: tokenizer_config\.json/,
    );
  });
});
