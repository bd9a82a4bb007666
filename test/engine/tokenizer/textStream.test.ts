import assert from 'node:assert/strict';
import { TextStream } from '../../../engine/tokenizer/textStream.ts';
import { createTokenizer } from '../../../engine/tokenizer/tokenizer.ts';
import strings from '../../fixtures/tokenizers/strings.json' with { type: 'json' };
import { releasedTokenizer } from '../../fixtures/tokenizers/released.ts';
import { tinyTokenizerJson } from '../../fixtures/tokenizers/tiny.ts';

describe('textStream', () => {
  const tiny = createTokenizer({
    tokenizerJson: tinyTokenizerJson({ specials: [{ content: '<|end|>' }] }),
    tokenizerConfig: {},
  });
  const pieces = (ids: number[], options = {}) => {
    const stream = new TextStream(tiny, options);
    return [...ids.map((id) => stream.push(id)), stream.end()];
  };

  for (const [text, want] of [
    ['a\u00e9', ['a', '', '\u00e9', '']],
    ['\u{1F600}!', ['', '', '', '\u{1F600}', '!', '']],
    ['\ufeffx', ['', '', '\ufeff', 'x', '']],
    [' foo bar', [' foo', ' bar', '']],
  ] as const) {
    it(JSON.stringify(text), () => assert.deepEqual(pieces(tiny.encode(text)), want));
  }

  it('ends inside a character with U+FFFD', () => {
    assert.deepEqual(pieces(tiny.encode('\u{1F600}').slice(0, 2)), ['', '', '\ufffd']);
  });
  it('special tokens show nothing and do not break a character', () => {
    const [a, b] = tiny.encode('\u00e9') as [number, number];
    assert.deepEqual(pieces([a, tiny.special('<|end|>')!, b]), ['', '', '\u00e9', '']);
  });
  it('drops one leading space', () => {
    assert.deepEqual(pieces(tiny.encode('  foo foo'), { dropLeadingSpace: true }).join(''), ' foo foo');
  });
  it('skips the bytes that healing has written again', () => {
    assert.deepEqual(pieces(tiny.encode('return foo'), { skipBytes: 3 }), ['urn', ' foo', '']);
    assert.deepEqual(pieces(tiny.encode('return foo'), { skipBytes: 7 }), ['', 'foo', '']);
  });

  it('gives the text of decode for every golden text, as every step a whole number of characters', function () {
    const tokenizer = releasedTokenizer(this, 'mini-4k-2024-07');
    for (const { text } of strings) {
      const ids = tokenizer.encode(text, { specials: true });
      const stream = new TextStream(tokenizer, { dropLeadingSpace: true });
      const steps = [...ids.map((id) => stream.push(id)), stream.end()];
      assert.equal(steps.join(''), tokenizer.decode(ids));
      for (const step of steps) assert.doesNotMatch(step, /\p{Surrogate}/u);
    }
  });
});
