import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { BadModel } from '../../../engine/errors.ts';
import type { GgufMetadata, GgufValue } from '../../../engine/sources/gguf/metadata.ts';
import { tokenizerFilesOf } from '../../../engine/tokenizer/gguf/tokenizerFilesOf.ts';
import { parseSentencePieceModel } from '../../../engine/tokenizer/sentencepiece/modelProto.ts';
import { type Piece, PieceType } from '../../../engine/tokenizer/sentencepiece/piece.ts';
import { mulberry32 } from '../../../engine/inference/random.ts';
import { TextStream } from '../../../engine/tokenizer/textStream.ts';
import { createTokenizer, type Tokenizer } from '../../../engine/tokenizer/tokenizer.ts';
import { releasedFile, releasedTokenizer } from '../../fixtures/tokenizers/released.ts';
import strings from '../../fixtures/tokenizers/strings.json' with { type: 'json' };
import { byteLevelMetadata, sentencePieceMetadata, tinyPieces, withEntry } from '../../fixtures/tokenizers/gguf.ts';

function make(metadata: GgufMetadata): Tokenizer {
  const { tokenizerJson, tokenizerConfig } = tokenizerFilesOf(metadata);
  return createTokenizer({ tokenizerJson, tokenizerConfig });
}
/** The tokens of a text, each as text. */
const pieces = (tokenizer: Tokenizer, text: string, options = {}) =>
  tokenizer.encode(text, options).map((id) => Buffer.from(tokenizer.bytes(id)).toString('latin1'));

const CONTROL = (text: string) => ({ text, type: PieceType.Control });
const NORMAL = (text: string) => ({ text, type: PieceType.Normal });
const USER = (text: string) => ({ text, type: PieceType.UserDefined });

describe('vocabulary of a GGUF file', () => {
  const words = [
    '\u0120 a',
    'a b',
    'ab c',
    '\u0120a b',
    '1 2',
    '12 3',
    '; \u010a',
    '\u010a \u010a',
    '\u0120 \u0120',
    '\u00ef \u00bb',
  ];
  for (const [pre, text, want] of [
    ['gpt-2', ' ab12\n', [' ab', '12', '\n']],
    ['gpt-2', ';\n\n  x', [';', '\n\n', ' ', ' ', 'x']],
    ['smollm', ' ab123', [' ab', '1', '2', '3']],
    ['smollm', '\u0661\u0662', ['\u00d9', '\u00a1', '\u00d9', '\u00a2']],
    ['llama-bpe', ' ab1234;\n', [' ab', '123', '4', ';\n']],
    ['qwen2', ' ab1234;\n', [' ab', '1', '2', '3', '4', ';\n']],
    ['qwen2', 'a\u0301', ['\u00c3', '\u00a1']],
    ['seed-coder', ' ab12;\n', [' ab', '1', '2', ';', '\n']],
    ['mellum', ' ab12;\n', [' ab', '12', ';', '\n']],
    ['gpt-4o', 'abC;\n/', ['ab', 'C', ';\n', '/']],
    ['deepseek-coder', ' ab;\n', [' ab', ';', '\n']],
    ['gpt-2', 'abc', ['abc']],
    ['default', '<ab>123', ['<', 'ab', '>', '123']],
  ] as const) {
    it(`splits as "${pre}" says: ${JSON.stringify(text)}`, () => {
      assert.deepEqual(pieces(make(byteLevelMetadata({ pre, merges: words })), text), want);
    });
  }

  it('Llama 3 takes a word that is a token as a whole and texts begin with its start token', () => {
    const metadata = (pre: string) =>
      byteLevelMetadata({
        pre,
        tokens: [NORMAL('xyz'), CONTROL('<|begin_of_text|>')],
        more: { 'tokenizer.ggml.bos_token_id': 257 },
      });
    assert.deepEqual(make(metadata('llama-bpe')).encode('xyz', { bos: true }), [257, 256]);
    assert.equal(make(metadata('dbrx')).encode('xyz', { bos: true }).length, 3);
    assert.equal(make(withEntry(metadata('llama-bpe'), 'tokenizer.ggml.add_bos_token', false)).bosId, undefined);
  });

  const spm = tinyPieces(['\u2581', 'a', 'b', 'ab', '\u2581a', '\u2581ab', '\u2581\u2581', 'n', 'd', '<', '|']);
  for (const [name, more, text, want] of [
    ['a space before each text', {}, 'ab', [' ab']],
    ['a space before a space', {}, ' ab', [' ', ' ab']],
    ['no space before a text', { 'tokenizer.ggml.add_space_prefix': false }, 'ab ab', ['ab', ' ab']],
    ['bytes', {}, 'a\u00e9\n', [' a', '\u00c3', '\u00a9', '\n']],
    ['no extra spaces', { 'tokenizer.ggml.remove_extra_whitespaces': true }, '  ab   ab ', [' ab', ' ab']],
  ] as const) {
    it(`SentencePiece: ${name}`, () => assert.deepEqual(pieces(make(sentencePieceMetadata(spm, more)), text), want));
  }

  it("phi-3's vocabulary gives the ids of its tokenizer.json", function () {
    const { pieces: stored } = parseSentencePieceModel(readFileSync(releasedFile(this, 'llama2.tokenizer.model')));
    const json = JSON.parse(readFileSync(releasedFile(this, 'phi-3-mini.tokenizer.json'), 'utf8')) as {
      added_tokens: { id: number; content: string }[];
    };
    // As the converters write it: places without a token are unused, marks are control tokens.
    const pad = (_: unknown, id: number) => ({
      text: `[PAD${id}]`,
      score: -10_000,
      type: PieceType.Unused,
      rstrip: false,
    });
    const vocabulary: Piece[] = [...stored, ...Array.from({ length: 64 }, (_, i) => pad(_, 32_000 + i))];
    for (const { id, content } of json.added_tokens.filter((token) => token.id >= 32_000)) {
      vocabulary[id] = { text: content, score: -1000, type: PieceType.Control, rstrip: false };
    }
    const more = {
      'general.name': 'Phi3',
      'tokenizer.ggml.eos_token_id': 32_000,
      'tokenizer.ggml.add_bos_token': false,
    };
    const tokenizer = make(sentencePieceMetadata(vocabulary, more));
    const released = releasedTokenizer(this, 'mini-4k-2024-07');
    for (const { text } of strings) {
      for (const specials of [true, false]) {
        assert.deepEqual(tokenizer.encode(text, { specials }), released.encode(text, { specials }), text);
      }
    }
    assert.deepEqual([...tokenizer.stopIds].sort(), [...released.stopIds].sort());
    assert.equal(tokenizer.vocabSize, 32_011);
  });

  const ids = (tokenizer: Tokenizer, names: string[]) => names.map((name) => tokenizer.special(name));
  it('special tokens: control and marks that a template uses; others are text', () => {
    const tokens = [
      CONTROL('<|a|>'),
      USER('<think>'),
      NORMAL('<|end|>'),
      NORMAL('<|b|>'),
      NORMAL('<|c|>'),
      USER('<|d|>'),
    ];
    const tokenizer = make(
      byteLevelMetadata({ tokens, more: { 'tokenizer.chat_template': "{{ '<|b|>' + messages[0].content }}" } }),
    );
    assert.deepEqual(ids(tokenizer, ['<|a|>', '<think>', '<|end|>', '<|b|>', '<|c|>', '<|d|>']), [
      256,
      undefined,
      258,
      259,
      undefined,
      261,
    ]);
    assert.ok(tokenizer.stopIds.has(258));
    assert.deepEqual(tokenizer.encode('<think>'), [257]);
    assert.equal(tokenizer.decode([257, 258, 0x21]), '<think>\u0102'.slice(0, 7) + tokenizer.decode([0x21]));
    assert.ok(!tokenizer.encode('<|end|><|a|>').some((id) => id >= 256));
    assert.deepEqual(tokenizer.chat([{ role: 'user', content: '<|end|>' }], { addGenerationPrompt: true })[0], 259);
  });

  it('ends: eos, end of turn and of message, and the marks of the vocabulary', () => {
    const tokens = ['<|x|>', '<|y|>', '<|z|>', '<|im_end|>', '<|eot_id|>', '<|end_of_text|>'].map(CONTROL);
    const more = {
      'tokenizer.ggml.eos_token_id': 256,
      'tokenizer.ggml.eot_token_id': 257,
      'tokenizer.ggml.eom_token_id': 258,
    };
    assert.deepEqual([...make(byteLevelMetadata({ tokens, more })).stopIds].sort(), [256, 257, 258, 259, 260, 261]);
  });

  it("phi-3's marks absorb the white space behind them, as in llama.cpp", () => {
    const marks = ['<|endoftext|>', '<|user|>', '<|end|>'].map(CONTROL);
    const metadata = (name: string) =>
      sentencePieceMetadata(tinyPieces(['\u2581', 'a'], marks), { 'general.name': name });
    const text = '<|user|>\na<|endoftext|>\na';
    const encode = (name: string) => pieces(make(metadata(name)), text, { specials: true });
    assert.deepEqual(encode('Phi3'), ['<|user|>', ' ', 'a', '<|endoftext|>', ' ', '\n', 'a']);
    assert.deepEqual(encode('Phi-3 mini'), encode('Phi3'));
    assert.deepEqual(encode('Other'), ['<|user|>', ' ', '\n', 'a', '<|endoftext|>', ' ', '\n', 'a']);
  });

  it('a second turn begins with all tokens of the first: no space grows', () => {
    const marks = ['<|user|>', '<|assistant|>'].map(CONTROL);
    const metadata = sentencePieceMetadata(
      tinyPieces(['\u2581', 'a', '\u2581a', '\u2581\u2581', 'b'], [NORMAL('<|end|>'), ...marks]),
      { 'general.name': 'Phi3', 'tokenizer.ggml.add_bos_token': false },
    );
    const tokenizer = make(metadata);
    const id = (name: string) => tokenizer.special(name)!;
    const answer = tokenizer.encode('a b');
    let turns: { role: 'user' | 'assistant'; content: string }[] = [{ role: 'user', content: 'b' }];
    let known = tokenizer.chat(turns, { addGenerationPrompt: true });
    for (let turn = 0; turn < 2; turn++) {
      const stream = new TextStream(tokenizer, { dropLeadingSpace: true });
      const text = [...answer, id('<|end|>')].map((each) => stream.push(each)).join('');
      assert.equal(text, 'a b');
      turns = [...turns, { role: 'assistant', content: text }, { role: 'user', content: 'b' }];
      const next = tokenizer.chat(turns, { addGenerationPrompt: true });
      const before = [...known, ...answer, id('<|end|>')];
      assert.deepEqual(next.slice(0, before.length), before);
      known = next;
    }
  });

  it('unused tokens keep their ids and come from no text', () => {
    const unused = [{ text: 'aa', type: PieceType.Unused }, NORMAL('')];
    const tokenizer = make(sentencePieceMetadata(tinyPieces(['\u2581', 'a'], [...unused, CONTROL('<|end|>')])));
    assert.equal(tokenizer.special('<|end|>'), 263);
    assert.deepEqual(pieces(tokenizer, 'aa'), [' ', 'a', 'a']);
  });

  it('a file without a vocabulary has no tokenizer', () => {
    assert.deepEqual(tokenizerFilesOf(new Map()), {});
    assert.deepEqual(tokenizerFilesOf(new Map([['tokenizer.ggml.model', 'none']])), {});
  });

  const bpe = byteLevelMetadata({ merges: ['a b'] });
  it('damaged metadata end in one sentence, or in a tokenizer that works', () => {
    const random = mulberry32(11);
    const pick = <T>(list: readonly T[]): T => list[Math.floor(random() * list.length)]!;
    const scalars: readonly GgufValue[] = [
      '',
      'a',
      '\u2581',
      'a\nb\u202e',
      '{% if %}',
      -1,
      0,
      2,
      1e9,
      0.5,
      true,
      false,
    ];
    const lists: readonly GgufValue[] = [[], [1], ['a'], [true], scalars.filter((value) => typeof value === 'string')];
    const damaged = (value: GgufValue): GgufValue | undefined => {
      const kind = random();
      if (kind < 0.1) return undefined;
      if (!Array.isArray(value) || kind < 0.3) return pick([...scalars, ...lists]);
      const list = [...(value as readonly string[])];
      if (kind < 0.5) return list.slice(0, Math.floor(random() * list.length));
      for (let n = 1 + Math.floor(random() * 3); n > 0; n--) {
        list[Math.floor(random() * list.length)] = pick([...scalars, ...list]) as string;
      }
      return list;
    };
    const tokens = ['<|end|>', '<|user|>'].map(CONTROL);
    const more = { 'tokenizer.ggml.eos_token_id': 257, 'tokenizer.chat_template': '{{ messages[0].content }}' };
    const good = [byteLevelMetadata({ merges: ['a b'], tokens, more }), sentencePieceMetadata(spm, more)];
    let refused = 0;
    for (let i = 0; i < 2000; i++) {
      let metadata: GgufMetadata = pick(good);
      for (let n = 1 + Math.floor(random() * 2); n > 0; n--) {
        const [key, value] = pick([...metadata]);
        metadata = withEntry(metadata, key, damaged(value));
      }
      try {
        if (tokenizerFilesOf(metadata).tokenizerJson === undefined) continue;
        const tokenizer = make(metadata);
        for (const id of tokenizer.encode('ab \u00e9<|end|>\n', { specials: true, bos: true })) {
          assert.ok(Number.isInteger(id) && id >= 0 && id < tokenizer.vocabSize, `${id}`);
        }
        tokenizer.chat([{ role: 'user', content: 'ab' }], { addGenerationPrompt: true });
      } catch (error) {
        refused++;
        assert.ok(error instanceof BadModel && /^[^\n\u202e]+\.$/.test(error.message), String(error));
      }
    }
    assert.ok(refused > 700 && refused < 1990, `${refused} of 2000 were refused`);
  });

  const sentencePiece = sentencePieceMetadata(spm);
  const two = ['a', 'b'];
  for (const [name, metadata, key, value, message] of [
    ['BERT', bpe, 'model', 'bert', /kind "bert" \(WordPiece\)/],
    ['an unknown kind', bpe, 'model', 'magic', /kind "magic"; only/],
    ['a kind that is a number', bpe, 'model', 3, /tokenizer\.ggml\.model of the GGUF file is not a text/],
    ['an unknown rule', bpe, 'pre', 'nonesuch', /rule "nonesuch" \(tokenizer\.ggml\.pre\)/],
    ['no rule', bpe, 'pre', undefined, /tokenizer\.ggml\.pre/],
    ['no tokens', bpe, 'tokens', undefined, /no list of tokens/],
    ['an empty list', bpe, 'tokens', [], /has 0 tokens/],
    [
      'tokens that are numbers',
      bpe,
      'tokens',
      [1, 2],
      /tokenizer\.ggml\.tokens of the GGUF file is not a list of texts/,
    ],
    ['a token twice', bpe, 'tokens', [...spm.map(() => 'a')].slice(0, 257), /contains "a" twice, as 0 and 1/],
    ['types of another length', bpe, 'token_type', [1, 2], /has 2 entries for 257 tokens/],
    ['types that are texts', bpe, 'token_type', two, /is not a list of numbers/],
    ['no merges', bpe, 'merges', undefined, /no merges/],
    ['a merge that is no pair', bpe, 'merges', ['ab'], /contains "ab", which is no pair/],
    ['an end token out of range', bpe, 'eos_token_id', 257, /eos_token_id is 257, but the vocabulary has 257 tokens/],
    ['an end token below zero', bpe, 'eos_token_id', -1, /eos_token_id is -1/],
    ['a start token that is missing', bpe, 'add_bos_token', true, /not which one/],
    ['a flag that is a number', bpe, 'add_bos_token', 1, /neither true nor false/],
    ['no scores', sentencePiece, 'scores', undefined, /no scores/],
    ['scores of another length', sentencePiece, 'scores', [0], /has 1 entries/],
    ['scores that are no numbers', sentencePiece, 'scores', spm.map(() => NaN), /not a list of numbers/],
    [
      'bytes that are missing',
      sentencePiece,
      'token_type',
      spm.map((_, i) => (i === 3 ? 5 : spm[i]!.type)),
      /255 of 256/,
    ],
  ] as const satisfies [string, GgufMetadata, string, GgufValue | undefined, RegExp][]) {
    it(`refuses ${name}`, () => {
      assert.throws(
        () => tokenizerFilesOf(withEntry(metadata, `tokenizer.ggml.${key}`, value)),
        (error) => error instanceof BadModel && message.test(error.message) && /^[^\n]+\.$/.test(error.message),
      );
    });
  }
});
