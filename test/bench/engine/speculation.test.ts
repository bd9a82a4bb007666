import assert from 'node:assert/strict';
import { rowsOf } from './rowsOf.ts';
import { speculationIn } from './speculation.ts';

describe('the benchmark of speculation', function () {
  this.timeout(60_000);

  it('completes at recorded edits in three ways, with one answer', async () => {
    const recording = 'test/fixtures/edits/recording.json';
    // One thread with an f32 cache computes each row alike, whatever stands beside it.
    const rows = await rowsOf(speculationIn({ recording, folder: 'media/starter', places: 6 }), {
      kv: 'f32',
      threads: 1,
    });
    assert.deepEqual(
      rows.map(({ kind, mode }) => `${kind} ${mode}`),
      ['completions', 'blocks'].flatMap((kind) => ['off', 'auto', 'always'].map((mode) => `${kind} ${mode}`)),
    );
    for (const { mode, tokens, passes, drafted, accepted, different, completions } of rows) {
      assert.deepEqual([different, completions], [0, 6]);
      assert.ok(tokens > 0 && passes > 0 && accepted <= drafted);
      if (mode === 'off') assert.equal(drafted, 0);
    }
    assert.ok(rows.every((row) => row.mode !== 'always' || row.accepted > 0));
  });
});
