import assert from 'node:assert/strict';
import { beginningsIn } from './beginnings.ts';
import { rowsOf } from './rowsOf.ts';

describe('the benchmark of beginnings of lines', function () {
  this.timeout(60_000);

  it('types them with a cold and with a warm prompt', async () => {
    const rows = await rowsOf(beginningsIn('media/starter', 3));
    assert.deepEqual(
      rows.map(({ prompt, typed }) => `${prompt}: ${typed}`),
      ['cold: 3', 'warm: 3'],
    );
    for (const { shown, median, beyond, percentile90 } of rows) {
      assert.ok(shown > 0 && beyond < median && median <= percentile90);
    }
  });
});
