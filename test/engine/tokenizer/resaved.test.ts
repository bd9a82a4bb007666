/** Tokenizers as newer libraries save them, with the ids of Hugging Face's Rust library. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { BadModel } from '../../../engine/errors.ts';
import { spaceStart } from '../../../engine/tokenizer/addedTokens.ts';
import { createTokenizer } from '../../../engine/tokenizer/tokenizer.ts';
import { releasedFile } from '../../fixtures/tokenizers/released.ts';
import goldens from '../../fixtures/tokenizers/resaved.json' with { type: 'json' };
import { tinyTokenizerJson } from '../../fixtures/tokenizers/tiny.ts';

const metaspace = (more: object) => ({ type: 'Metaspace', replacement: '\u2581', ...more });
const make = (more: object) =>
  createTokenizer({ tokenizerJson: { ...tinyTokenizerJson(), ...more }, tokenizerConfig: {} });

describe('tokenizers as they are saved again', () => {
  for (const { scheme, split, ids } of goldens.variants) {
    it(`phi-3 with Metaspace, prepend_scheme ${scheme}, ${split ? 'split' : 'whole'}`, function () {
      const released = JSON.parse(readFileSync(releasedFile(this, 'phi-3-mini.tokenizer.json'), 'utf8')) as object;
      const pre_tokenizer = metaspace({ prepend_scheme: scheme, split });
      const tokenizerJson = { ...released, normalizer: null, pre_tokenizer };
      const tokenizer = createTokenizer({ tokenizerJson, tokenizerConfig: {} });
      for (const [i, text] of goldens.texts.entries()) {
        assert.deepEqual(tokenizer.encode(text, { specials: true }), ids[i], JSON.stringify(text));
      }
    });
  }

  for (const [name, pre_tokenizer, texts] of [
    ['first', { prepend_scheme: 'first' }, ['\u2581return', 'foo']],
    ['always', { prepend_scheme: 'always' }, ['\u2581return', '\u2581foo']],
    ['no scheme', {}, ['\u2581return', '\u2581foo']],
    ['never', { prepend_scheme: 'never' }, ['return', 'foo']],
    ['add_prefix_space, as older files say', { add_prefix_space: false }, ['return', 'foo']],
  ] as const) {
    it(`a space before the first text and behind a special token: ${name}`, () => {
      const tokenizer = make({ normalizer: null, pre_tokenizer: metaspace({ split: false, ...pre_tokenizer }) });
      const vocab = tinyTokenizerJson().model.vocab;
      const want = [vocab[texts[0]], 1, vocab[texts[1]]];
      assert.deepEqual(tokenizer.encode('return<s>foo', { specials: true }), want);
      assert.deepEqual(tokenizer.encode('foo', { continues: true }), [vocab['foo']]);
      assert.equal(tokenizer.decode(tokenizer.encode('return')), 'return');
    });
  }

  it('split keeps tokens of several spaces from being used', () => {
    const tokens = (split: boolean) => make({ normalizer: null, pre_tokenizer: metaspace({ split }) }).encode('    ');
    assert.deepEqual([tokens(true).length, tokens(false).length], [4, 1]);
  });

  it("digits are Unicode's, white space too", () => {
    const pieces = ['\u00d9', '\u00a1', '\u00ef', '\u00bb', '\u00bf', '\u00c2', '\u00e1', 'a', '\u0120', '\u0127'];
    const json = (pre_tokenizer: object, merges: string[]) => ({
      added_tokens: [],
      normalizer: null,
      pre_tokenizer,
      decoder: { type: 'ByteLevel' },
      model: {
        type: 'BPE',
        vocab: Object.fromEntries([...pieces, ...merges.map((m) => m.replace(' ', ''))].map((p, i) => [p, i])),
        merges,
      },
    });
    const byteLevel = { type: 'ByteLevel', add_prefix_space: false, use_regex: true };
    const digits = { type: 'Sequence', pretokenizers: [{ type: 'Digits', individual_digits: true }, byteLevel] };
    const count = (pre: object, merges: string[], text: string) =>
      createTokenizer({ tokenizerJson: json(pre, merges), tokenizerConfig: {} }).encode(text).length;
    // Two Arabic digits: their bytes would merge in one piece.
    assert.equal(count(digits, ['\u00d9 \u00a1', '\u00a1 \u00d9'], '\u0661\u0661'), 2);
    assert.equal(count(digits, ['\u00a1 \u00d9'], '\u0661\u0661'), 4);
    // U+FEFF is a sign, so that it merges with a sign behind it, and U+0085 is none.
    assert.equal(count(byteLevel, ['\u00ef \u00bb', '\u00ef\u00bb \u00bf', '\u00bf \u00ef'], '\ufeff\ufeff'), 2);
    assert.equal(count(byteLevel, ['\u00bf \u00ef'], '\ufeff\ufeff'), 5);
  });

  it('white space before a token that absorbs it is passed once', () => {
    const count = (text: string) => {
      let steps = 0;
      const found = spaceStart({ charAt: (at) => (steps++, text.charAt(at)) }, 0, text.length);
      return { found, steps };
    };
    const gap = ' '.repeat(40_000);
    assert.deepEqual(count(`a${gap}b`), { found: 40_002, steps: 1 });
    assert.deepEqual(count(`a${gap}`), { found: 1, steps: 40_001 });
    assert.deepEqual(count(`${gap}b `.repeat(3)), { found: 3 * 40_002 - 1, steps: 2 });
    const lstrip = { ...tinyTokenizerJson({ specials: [{ content: '<|im_end|>' }] }) };
    const added_tokens = lstrip.added_tokens.map((token) => ({ ...token, lstrip: true }));
    const ids = createTokenizer({ tokenizerJson: { ...lstrip, added_tokens }, tokenizerConfig: {} });
    assert.equal(ids.decode(ids.encode(`a${gap}b \u0085<|im_end|>`, { specials: true })), `a${gap}b`);
  });

  it('names that are no special tokens are text, marks are special whatever the file says', () => {
    const json = tinyTokenizerJson({ specials: [{ content: '<think>' }, { content: '<|fim_prefix|>' }] });
    const added_tokens = json.added_tokens.map((token) => ({ ...token, special: false }));
    const config = { eos_token: '</s>' };
    const tokenizer = createTokenizer({ tokenizerJson: { ...json, added_tokens }, tokenizerConfig: config });
    const think = added_tokens.find(({ content }) => content === '<think>')!.id;
    assert.deepEqual(tokenizer.encode('<think>'), [think]);
    assert.equal(tokenizer.decode([think]), '<think>');
    assert.ok(!tokenizer.specialIds.has(think) && !tokenizer.stopIds.has(think));
    assert.ok(tokenizer.specialIds.has(think + 1));
    assert.ok(!tokenizer.encode('<|fim_prefix|></s>').some((id) => tokenizer.specialIds.has(id)));
  });

  for (const [name, more, message] of [
    ['an unknown pre-tokenizer', { pre_tokenizer: { type: 'Magic' } }, /has the pre-tokenizer Magic/],
    [
      'another behavior of Split',
      { pre_tokenizer: { type: 'Split', pattern: { String: ' ' }, behavior: 'MergedWithNext', invert: false } },
      /behavior "MergedWithNext"/,
    ],
    ['another scheme', { pre_tokenizer: metaspace({ prepend_scheme: 'last' }) }, /prepend_scheme "last"/],
    ['another sign for a space', { pre_tokenizer: { type: 'Metaspace', replacement: '_' } }, /writes spaces as "_"/],
    ['a Sequence of nothing', { pre_tokenizer: { type: 'Sequence' } }, /Sequence without pretokenizers/],
  ] as const) {
    it(`refuses ${name}`, () => {
      assert.throws(
        () => make(more),
        (error) => error instanceof BadModel && message.test(error.message),
      );
    });
  }
});
