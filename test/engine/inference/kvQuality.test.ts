import assert from 'node:assert/strict';
import { globSync } from 'node:fs';
import { measurePerplexity } from '../../../engine/cli/perplexity.ts';

describe('quality with an 8-bit KV cache', function () {
  this.timeout(60_000);

  it('of the starter model: perplexity within 0.5 %', async () => {
    const files = globSync('test/fixtures/sample-project/**/*.{ts,py,rs}').sort();
    assert.ok(files.length >= 3);
    const rows = await measurePerplexity('media/starter', files, 1024, { backend: 'wasm' });
    const [f32, f16, q8] = rows;
    assert.deepEqual([f32!.kv, f16!.kv, q8!.kv], ['f32', 'f16', 'q8']);
    assert.ok(f32!.tokens > 500 && f32!.perplexity < 60, `perplexity ${f32!.perplexity} of ${f32!.tokens} tokens`);
    assert.ok(Math.abs(f16!.change) < 5e-4, `f16 changes it by ${f16!.change}`);
    assert.ok(Math.abs(q8!.change) < 5e-3, `q8 changes it by ${q8!.change}`);
    assert.ok(f16!.rmsLogitChange > 0 && q8!.largestLogitChange < 1, 'logits moved by what the formats round');
    assert.ok(q8!.rmsLogitChange > f16!.rmsLogitChange, 'the formats were not told apart');
  });
});
