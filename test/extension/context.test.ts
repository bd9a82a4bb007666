import assert from 'node:assert/strict';
import { around } from '../../extension/completion/context.ts';

const line = `${'x'.repeat(79)}\n`;

describe('text around the cursor', () => {
  it('is the whole of a small document', () => {
    assert.deepEqual(around('ab\ncd', 4), { prefix: 'ab\nc', suffix: 'd' });
  });

  it('begins at a line and at the same place while one types', () => {
    const text = line.repeat(2000);
    const starts = new Set<number>();
    for (let offset = 100_000; offset < 100_200; offset++) {
      const { prefix, suffix } = around(text, offset);
      assert.ok(prefix.length >= 32_000 && prefix.length <= 64_000 && suffix.length === 16_000);
      starts.add(offset - prefix.length);
    }
    assert.equal(starts.size, 1);
    assert.equal([...starts][0]! % line.length, 0);
  });

  it('cuts a document that is one long line', () => {
    const { prefix, suffix } = around('x'.repeat(200_000), 150_000);
    assert.ok(prefix.length >= 32_000 && prefix.length <= 64_000);
    assert.equal(suffix.length, 16_000);
  });
});
