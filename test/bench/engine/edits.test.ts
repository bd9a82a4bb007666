import assert from 'node:assert/strict';
import { rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { BadRequest } from '../../../engine/errors.ts';
import { runNode } from '../../support/engine/terminal.ts';
import { type EditsRow, replayEdits } from './edits.ts';
import { readRecording, type Recording } from './recording.ts';

const LINES = Array.from({ length: 120 }, (_, i) => `const value${i} = compute(${i}, 'name');\n`);
const EDITS = [100, 61, 60, 20].map((line) => {
  // The cursor is behind the bracket of a line, whose semicolon is replaced.
  const at = LINES.slice(0, line).join('').length - 2;
  return { at, remove: 1, insert: ';\nlet typedName = otherName;\nlet another = compute();' };
});
const RECORDING: Recording = { commit: 'none', files: [{ name: 'a.ts', text: LINES.join(''), edits: EDITS }] };

async function replayed(recording: Recording): Promise<EditsRow[]> {
  const rows: EditsRow[] = [];
  const load = { backend: 'wasm', chunkTokens: 1024 } as const;
  for await (const row of replayEdits(recording, load, new AbortController().signal)) rows.push(row);
  return rows;
}

describe('the benchmark of edits', function () {
  this.timeout(60_000);

  it('of three layouts, the stable one finds the whole file in the cache', async () => {
    const rows = await replayed(RECORDING);
    const [stable, short, naive] = rows as [EditsRow, EditsRow, EditsRow];
    const figures = JSON.stringify(rows);
    assert.deepEqual([stable.keys, short.keys, naive.keys], Array(3).fill(stable.keys));
    assert.ok(stable.keys > 60 && stable.median <= 3 && short.median <= 3, figures);
    assert.ok(naive.median > 500 && naive.cacheHits < 0.8 && stable.cacheHits > 0.95, figures);
    assert.ok(stable.inPauses > 0 && short.inPauses === 0 && naive.inPauses === 0);
    assert.ok(stable.mean < naive.mean / 10);
  });

  it('prints a table, and says that no quality is measured', async () => {
    const path = join(tmpdir(), `airgap-edits-${process.pid}.json`);
    writeFileSync(path, JSON.stringify(RECORDING));
    const { code, stdout, stderr } = await runNode('.ci/bench.ts', 'edits', path, '--backend', 'wasm');
    rmSync(path);
    assert.equal(code, 0, stderr);
    assert.match(stdout, /random weights: tokens are counted in the real KV cache, no quality is measured/);
    assert.match(stdout, /^whole file, stable parts +\d+ +\d+ +\d+ +\d+\.\d +\d+ +\d+\.\d %/m);
  });

  it('refuses a session without a key at which the model is asked', async () => {
    const files = [{ name: 'a.ts', text: LINES.join(''), edits: [] }];
    await assert.rejects(replayed({ commit: 'none', files }), (error) => error instanceof BadRequest);
  });

  const refused: [string, string | undefined, RegExp][] = [
    ['a recording that is not there', undefined, /cannot be read \(ENOENT\)\.$/],
    ['a file that is no recording', '{"files":3}', /is not a recorded editing session\.$/],
    ['a file that is not JSON', 'const a = 1;', /is not valid JSON\.$/],
  ];
  for (const [name, content, message] of refused) {
    it(`refuses ${name} with one sentence`, async () => {
      const path = join(tmpdir(), `airgap-recording-${process.pid}.json`);
      if (content !== undefined) writeFileSync(path, content);
      await assert.rejects(readRecording(path), (error) => error instanceof BadRequest && message.test(error.message));
      rmSync(path, { force: true });
    });
  }
});
