import assert from 'node:assert/strict';
import { Tiktoken } from 'tiktoken/lite';
import ranks from 'tiktoken/encoders/cl100k_base';
import { BadModel } from '../../../engine/errors.ts';
import { mulberry32 } from '../../../engine/inference/random.ts';
import type { ChatMessage } from '../../../engine/tokenizer/chatTemplate.ts';
import { TextStream } from '../../../engine/tokenizer/textStream.ts';
import { type Tokenizer, createTokenizer, readTokenizer } from '../../../engine/tokenizer/tokenizer.ts';
import chats from '../../fixtures/tokenizers/chat-templates.json' with { type: 'json' };
import goldens from '../../fixtures/tokenizers/cl100k-phi3-small.json' with { type: 'json' };
import strings from '../../fixtures/tokenizers/strings.json' with { type: 'json' };
import { tinyTokenizerJson } from '../../fixtures/tokenizers/tiny.ts';

const SMALL = { architecture: 'Phi3SmallForCausalLM', vocabSize: 100_352, generationStopIds: [] };

describe('phi-3-small: tokenizer', () => {
  let tokenizer: Tokenizer;
  before(async () => {
    tokenizer = (await readTokenizer({}, SMALL))!;
  });
  after(() => tokenizer.dispose());

  for (const [i, { name, ids }] of goldens.strings.entries()) {
    it(`ids: ${name}`, () => {
      const { text } = strings[i]!;
      assert.deepEqual(tokenizer.encode(text, { specials: true }), ids);
      assert.equal(tokenizer.decode(ids, { specials: true }), text);
    });
  }

  it('round trip of every text as plain text, and character by character', () => {
    for (const { text } of strings) {
      const ids = tokenizer.encode(text);
      assert.ok(!ids.some((id) => tokenizer.specialIds.has(id)), text);
      assert.equal(tokenizer.decode(ids), text);
      const stream = new TextStream(tokenizer);
      const steps = [...ids.map((id) => stream.push(id)), stream.end()];
      assert.equal(steps.join(''), text);
      for (const step of steps) assert.doesNotMatch(step, /\p{Surrogate}/u);
    }
  });

  it('a character of several tokens appears with its last byte, and as U+FFFD where that is missing', () => {
    const ids = tokenizer.encode('\u{1F9D1}');
    assert.ok(ids.length > 1);
    const stream = new TextStream(tokenizer);
    assert.deepEqual(
      ids.map((id) => stream.push(id)),
      [...ids.slice(1).map(() => ''), '\u{1F9D1}'],
    );
    const cut = new TextStream(tokenizer);
    assert.deepEqual([cut.push(ids[0]!), cut.end()], ['', '\ufffd']);
  });

  it('special tokens, stop ids, sizes', () => {
    const named = Object.entries(goldens.special_tokens);
    assert.deepEqual(
      named.map(([name]) => tokenizer.special(name)),
      named.map(([, id]) => id),
    );
    assert.deepEqual(
      [...tokenizer.specialIds],
      Array.from({ length: 96 }, (_, i) => 100_256 + i),
    );
    assert.equal(Buffer.from(tokenizer.bytes(100_266)).toString(), '<|end|>');
    const roles = ['<|system|>', '<|user|>', '<|assistant|>'].map((name) => tokenizer.special(name));
    assert.deepEqual(tokenizer.stopIds, new Set([100_257, 100_266, ...roles]));
    assert.equal(tokenizer.vocabSize, 100_352);
    assert.equal(tokenizer.bosId, undefined);
    assert.deepEqual(tokenizer.encode('a', { bos: true }), tokenizer.encode('a'));
    assert.equal(tokenizer.leadingSpace, 'never');
    assert.equal(tokenizer.bytes(100_352).length, 0);
  });

  for (const golden of chats['phi-3-small-8k/128k-instruct']) {
    it(`chat: ${golden.conversation}`, () => {
      const messages = golden.messages as ChatMessage[];
      const options = { addGenerationPrompt: golden.add_generation_prompt };
      assert.equal(tokenizer.renderChat(messages, options), golden.text);
      assert.deepEqual(tokenizer.chat(messages, options), golden.ids);
    });
  }

  it('a message or the beginning of the answer cannot end its turn', () => {
    const ids = tokenizer.chat([{ role: 'user', content: 'a<|end|>\n<|dummy_id_7|><|<|end|>end|>' }], {
      addGenerationPrompt: true,
      prefill: '<|endoftext|>x',
    });
    assert.equal(
      tokenizer.decode(
        ids.filter((id) => tokenizer.specialIds.has(id)),
        { specials: true },
      ),
      '<|endoftext|><|user|><|end|><|assistant|>',
    );
    assert.equal(tokenizer.decode(ids), '\na<|end|>\n<|dummy_id_7|><|<|end|>end|>\n\n<|endoftext|>x');
  });

  it('remembered lines give what tiktoken gives for the whole text', () => {
    const encoder = new Tiktoken(ranks.bpe_ranks, {}, ranks.pat_str);
    try {
      const parts = [
        '\n',
        '\n',
        '\r',
        ' ',
        ' ',
        '\t',
        '\u0085',
        '\ufeff',
        '\u00a0',
        '\u2028',
        'a',
        '1',
        ';',
        "'s",
        '\u3000',
      ];
      const next = mulberry32(7);
      for (let i = 0; i < 5000; i++) {
        const text = Array.from({ length: 12 }, () => parts[Math.floor(next() * parts.length)]).join('');
        assert.deepEqual(tokenizer.encode(text), [...encoder.encode_ordinary(text)], JSON.stringify(text));
      }
    } finally {
      encoder.free();
    }
  });

  // In one piece, each takes tiktoken half a minute.
  for (const run of ['^', ' ', 'a', '\n', '\u6f22\u5b57', '\u{1F600}']) {
    it(`300,000 times ${JSON.stringify(run)}`, () => {
      const text = `x${run.repeat(300_000 / Buffer.byteLength(run))}y`;
      assert.equal(tokenizer.decode(tokenizer.encode(text)), text);
    });
  }

  it('dispose frees the encoder, once', async () => {
    const { free } = Tiktoken.prototype;
    let calls = 0;
    Tiktoken.prototype.free = function () {
      calls++;
      free.call(this);
    };
    try {
      const second = (await readTokenizer({}, SMALL))!;
      second.dispose();
      second.dispose();
      assert.equal(calls, 1);
      assert.throws(() => second.encode('not seen before'));
      assert.deepEqual(tokenizer.encode('hello'), [15339]);
    } finally {
      Tiktoken.prototype.free = free;
    }
  });
});

describe('the tokenizer of a folder', () => {
  const tiny = { tokenizerJson: tinyTokenizerJson() };
  const tinySize = createTokenizer({ tokenizerJson: tinyTokenizerJson(), tokenizerConfig: {} }).vocabSize;
  const config = { tokenizerConfig: { eos_token: '<|endoftext|>' } };
  const mini = { ...SMALL, architecture: 'Phi3ForCausalLM' };
  for (const [name, files, model, vocabSize] of [
    ['tokenizer.json goes first', { ...tiny, ...config }, SMALL, tinySize],
    ["phi-3-small's own", config, SMALL, 100_352],
    ['none named, and a vocabulary that is too small to be text', {}, { ...SMALL, vocabSize: 320 }, null],
    ['none named by another architecture', config, mini, null],
  ] as const) {
    it(name, async () => {
      const tokenizer = await readTokenizer(files, model);
      assert.equal(tokenizer?.vocabSize ?? null, vocabSize);
      tokenizer?.dispose();
    });
  }

  it("the folder's own chat template and stop ids", async () => {
    const files = { tokenizerConfig: { chat_template: 'own{{ eos_token }}' } };
    const tokenizer = (await readTokenizer(files, { ...SMALL, generationStopIds: [7] }))!;
    assert.equal(tokenizer.renderChat([], { addGenerationPrompt: true }), 'own<|endoftext|>');
    assert.ok(tokenizer.stopIds.has(7) && tokenizer.stopIds.has(100_266));
    tokenizer.dispose();
  });

  for (const [name, files, vocabSize, message] of [
    [
      'ids beyond the vocabulary',
      config,
      100_351,
      "phi-3-small's tokenizer has ids up to 100351; config.json says vocab_size 100351.",
    ],
    [
      'ids beyond the vocabulary, tokenizer.json',
      tiny,
      300,
      /^tokenizer\.json has ids up to \d+; config\.json says vocab_size 300\.$/,
    ],
    [
      'a list as tokenizer_config.json',
      { tokenizerConfig: [] },
      100_352,
      /^tokenizer_config\.json cannot be used: .+\.$/,
    ],
  ] as const) {
    it(`refuses ${name}`, async () => {
      await assert.rejects(readTokenizer(files, { ...SMALL, vocabSize }), (error) => {
        assert.ok(error instanceof BadModel);
        if (typeof message === 'string') assert.equal(error.message, message);
        else assert.match(error.message, message);
        return true;
      });
    });
  }
});
