import assert from 'node:assert/strict';
import { around, sentSpan } from '../../../extension/completion/context.ts';

const line = `${'x'.repeat(79)}\n`;

/** Builds the context as the provider does. */
function at(text: string, offset: number, contextLength = 1024) {
  const { start, end } = sentSpan(text.length, offset, contextLength);
  return around(text.slice(start, offset), text.slice(offset, end), start > 0);
}

describe('text around the cursor', () => {
  it('is the whole of a small document', () => {
    assert.deepEqual(at('ab\r\ncd', 5), { prefix: 'ab\nc', suffix: 'd' });
  });

  it('begins at a line and at the same place while one types', () => {
    const text = line.repeat(2000);
    const starts = new Set<number>();
    for (let offset = 100_000; offset < 100_200; offset++) {
      const { prefix, suffix } = at(text, offset);
      assert.ok(prefix.length >= 32_000 && prefix.length <= 64_000 && suffix.length === 16_000);
      starts.add(offset - prefix.length);
    }
    assert.equal(starts.size, 1);
    assert.equal([...starts][0]! % line.length, 0);
  });

  it('cuts a document that is one long line', () => {
    const { prefix, suffix } = at('x'.repeat(200_000), 150_000);
    assert.ok(prefix.length >= 32_000 && prefix.length <= 64_000);
    assert.equal(suffix.length, 16_000);
  });

  const sent: [characters: number, contextLength: number, atMost: number][] = [
    [60_000, 0, 60_000],
    [400_000, 1024, 80_000],
    [120_000, 32_768, 120_000],
    [400_000, 131_072, 400_000],
    [2_000_000, 131_072, 640_000],
  ];
  for (const [characters, contextLength, atMost] of sent) {
    it(`of ${characters} characters for a context of ${contextLength} at most ${atMost} are sent`, () => {
      const text = line.repeat(characters / line.length);
      for (const share of [0, 0.3, 0.5, 1]) {
        const { prefix, suffix } = at(text, Math.floor(characters * share), contextLength);
        assert.ok(prefix.length + suffix.length <= atMost);
        if (atMost === characters) assert.equal(prefix + suffix, text);
      }
    });
  }
});
