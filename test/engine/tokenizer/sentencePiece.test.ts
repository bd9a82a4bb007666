/** Models that have a tokenizer.model and no tokenizer.json. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { BadModel } from '../../../engine/errors.ts';
import { mulberry32 } from '../../../engine/inference/random.ts';
import { parseSentencePieceModel } from '../../../engine/tokenizer/sentencepiece/modelProto.ts';
import { type Piece, PieceType } from '../../../engine/tokenizer/sentencepiece/piece.ts';
import { readTokenizer, type Tokenizer, type TokenizerFiles } from '../../../engine/tokenizer/tokenizer.ts';
import { tinyPieces } from '../../fixtures/tokenizers/gguf.ts';
import { releasedFile, releasedTokenizer } from '../../fixtures/tokenizers/released.ts';
import { sentencePieceModel } from '../../fixtures/tokenizers/sentencePieceModel.ts';
import strings from '../../fixtures/tokenizers/strings.json' with { type: 'json' };

const PHI3 = { architecture: 'Phi3ForCausalLM', vocabSize: 32_064, generationStopIds: [] };
const pieces = tinyPieces(['\u2581', 'a', 'b', 'ab', '\u2581ab', '\u2581\u2581']);
const COUNT = pieces.length;

const read = async (files: TokenizerFiles, architecture = 'LlamaForCausalLM'): Promise<Tokenizer> =>
  (await readTokenizer(files, { ...PHI3, architecture }))!;
const names = (tokenizer: Tokenizer, text: string, options = {}) =>
  tokenizer.encode(text, options).map((id) => Buffer.from(tokenizer.bytes(id)).toString('latin1'));

describe('tokenizer.model', () => {
  it("phi-3's: the ids of the released tokenizer.json", async function () {
    const sentencePiece = readFileSync(releasedFile(this, 'llama2.tokenizer.model'));
    const released = releasedTokenizer(this, 'mini-4k-2024-07');
    const json = JSON.parse(readFileSync(releasedFile(this, 'phi-3-mini.tokenizer.json'), 'utf8')) as {
      added_tokens: { id: number; content: string }[];
    };
    const added = json.added_tokens.filter(({ id }) => id >= 32_000);
    const decoder = Object.fromEntries(json.added_tokens.map((token) => [token.id, token]));
    for (const files of [
      { addedTokens: Object.fromEntries(added.map(({ id, content }) => [content, id])) },
      { tokenizerConfig: { added_tokens_decoder: decoder, eos_token: '<|endoftext|>', add_bos_token: false } },
    ]) {
      const specialTokensMap = { bos_token: { content: '<s>' }, eos_token: '<|endoftext|>' };
      const tokenizer = await read(
        { sentencePieceModel: sentencePiece, specialTokensMap, ...files },
        PHI3.architecture,
      );
      for (const { text } of strings) {
        for (const specials of [true, false]) {
          assert.deepEqual(tokenizer.encode(text, { specials }), released.encode(text, { specials }), text);
        }
      }
      assert.deepEqual([...tokenizer.stopIds].sort(), [...released.stopIds].sort());
      assert.equal(tokenizer.bosId, 'tokenizerConfig' in files ? undefined : 1);
    }
  });

  it('pieces, bytes, start token, added tokens', async () => {
    const addedTokens = { '<|end|>': COUNT + 1, word: COUNT };
    const tokenizer = await read({ sentencePieceModel: sentencePieceModel(pieces), addedTokens });
    assert.deepEqual(names(tokenizer, 'ab ab\u00e9<|end|>a', { specials: true, bos: true }), [
      ...['<s>', ' ab', ' ab', '\u00c3', '\u00a9', '<|end|>', ' ', 'a'],
    ]);
    assert.deepEqual(names(tokenizer, 'aword', { continues: true }), ['a', 'word']);
    assert.ok(tokenizer.stopIds.has(COUNT + 1) && tokenizer.stopIds.has(2));
    assert.ok(!tokenizer.specialIds.has(COUNT));
  });

  for (const [name, model, config, text, want] of [
    ['no leading space', { leadingSpace: false }, {}, 'ab', ['ab']],
    ['no leading space by tokenizer_config.json', {}, { add_prefix_space: false }, 'ab', ['ab']],
    ['no extra spaces', { extraSpaces: true }, {}, '  ab  ab ', [' ab', ' ab']],
    ['extra spaces', {}, {}, ' ab', [' ', ' ab']],
  ] as const) {
    it(name, async () => {
      const files = { sentencePieceModel: sentencePieceModel(pieces, model), tokenizerConfig: config };
      assert.deepEqual(names(await read(files), text), want);
    });
  }

  it('tokenizer.json comes first', async () => {
    const files = { tokenizerJson: [], sentencePieceModel: sentencePieceModel(pieces) };
    await assert.rejects(() => read(files), /^BadModel: tokenizer\.json cannot be used/);
  });

  const good = sentencePieceModel(pieces);
  const noBytes = pieces.filter(({ type }) => type !== PieceType.Byte && type !== PieceType.Unknown);
  const model = (more: readonly Piece[] = pieces, options = {}) => sentencePieceModel(more, options);
  for (const [name, sentencePiece, files, message] of [
    ['an empty file', new Uint8Array(0), {}, /contains no pieces/],
    ['half a file', good.slice(0, good.length >> 1), {}, /is damaged/],
    ['a page of text', new TextEncoder().encode('<!doctype html><html>not found</html>'), {}, /is damaged|no pieces/],
    ['unigram', model(pieces, { type: 1 }), {}, /of the type unigram; only bpe/],
    ['a table of replacements', model(pieces, { charsmap: 'x' }), {}, /normalises text by a table/],
    ['space behind words', model(pieces, { spaceIsSuffix: true }), {}, /white space in a way/],
    ['a piece of an unknown type', model([{ ...pieces[0]!, type: 9 as PieceType }]), {}, /unknown type 9/],
    ['a score that is no number', model([{ ...pieces[0]!, score: NaN }]), {}, /without a valid score/],
    ['neither bytes nor <unk>', model(noBytes), {}, /neither for bytes nor for unknown/],
    ['another name for a piece', good, { addedTokens: { x: 5 } }, /The token 5 has one name in tokenizer\.model/],
    ['an added token that is far away', good, { addedTokens: { x: 5e6 } }, /5000000 is outside of any vocabulary/],
    [
      'an added token outside of the embedding',
      good,
      { addedTokens: { x: 40_000 } },
      /tokenizer\.model has ids up to 40000/,
    ],
    ['added tokens that are a list', good, { addedTokens: ['x'] }, /added_tokens\.json cannot be used/],
    ['a map of numbers', good, { specialTokensMap: { bos_token: 1 } }, /special_tokens_map\.json cannot be used/],
    [
      'a wrong id',
      good,
      { tokenizerConfig: { added_tokens_decoder: { x: { content: 'y' } } } },
      /tokenizer_config\.json/,
    ],
  ] as const satisfies [string, Uint8Array, TokenizerFiles, RegExp][]) {
    it(`refuses ${name}`, async () => {
      await assert.rejects(
        () => read({ sentencePieceModel: sentencePiece, ...files }),
        (error) => error instanceof BadModel && message.test(error.message) && !error.message.includes('\n'),
      );
    });
  }

  it('damaged files end in one sentence', () => {
    const random = mulberry32(7);
    let refused = 0;
    for (let i = 0; i < 2000; i++) {
      const bytes = good.slice(0, random() < 0.3 ? Math.floor(random() * good.length) : good.length);
      for (let n = 1 + Math.floor(random() * 4); n > 0; n--)
        bytes[Math.floor(random() * bytes.length)] = Math.floor(random() * 256);
      try {
        parseSentencePieceModel(bytes);
      } catch (error) {
        refused++;
        assert.ok(error instanceof BadModel && !error.message.includes('\n'), String(error));
      }
    }
    assert.ok(refused > 1000, `${refused} of 2000 files were refused`);
  });
});
