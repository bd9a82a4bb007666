import assert from 'node:assert/strict';
import { around, prefixStart, SUFFIX_CHARS } from '../../extension/completion/context.ts';

const line = `${'x'.repeat(79)}\n`;

/** As the provider does it. */
function at(text: string, offset: number) {
  const start = prefixStart(offset);
  return around(text.slice(start, offset), text.slice(offset, offset + SUFFIX_CHARS), start > 0);
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
      assert.ok(prefix.length >= 32_000 && prefix.length <= 64_000 && suffix.length === SUFFIX_CHARS);
      starts.add(offset - prefix.length);
    }
    assert.equal(starts.size, 1);
    assert.equal([...starts][0]! % line.length, 0);
  });

  it('cuts a document that is one long line', () => {
    const { prefix, suffix } = at('x'.repeat(200_000), 150_000);
    assert.ok(prefix.length >= 32_000 && prefix.length <= 64_000);
    assert.equal(suffix.length, SUFFIX_CHARS);
  });
});
