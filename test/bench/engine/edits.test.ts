import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { tinyTokenizerJson } from '../../fixtures/tokenizers/tiny.ts';
import { TINY_CONFIG, TinyFolder } from '../../support/engine/tinyModel.ts';

function airgap(...args: string[]): Promise<{ code: number; stdout: string; stderr: string }> {
  const env = { ...process.env, VK_DRIVER_FILES: '/none', VK_ICD_FILENAMES: '/none' };
  return new Promise((resolve) => {
    execFile(process.execPath, ['dist/airgap.cjs', ...args], { env, maxBuffer: 1 << 26 }, (error, stdout, stderr) => {
      resolve({ code: error ? Number(error.code) : 0, stdout, stderr });
    });
  });
}

describe('whole files in the terminal program', function () {
  this.timeout(60_000);
  const recording = join(tmpdir(), `airgap-edits-${process.pid}.json`);
  const source = join(tmpdir(), `airgap-asked-${process.pid}.ts`);
  const lines = Array.from({ length: 120 }, (_, i) => `const value${i} = compute(${i}, 'name');\n`);
  let folder: TinyFolder;
  before(() => {
    const text = lines.join('');
    const edits = [100, 61, 60, 20].map((line) => {
      // Behind the bracket of a line, whose semicolon goes.
      const at = lines.slice(0, line).join('').length - 2;
      return { at, remove: 1, insert: ';\nlet typedName = otherName;\nlet another = compute();' };
    });
    writeFileSync(recording, JSON.stringify({ commit: 'none', files: [{ name: 'a.ts', text, edits }] }));
    writeFileSync(source, text);
    folder = TinyFolder.model();
  });
  after(() => {
    folder.remove();
    rmSync(recording);
    rmSync(source);
  });

  it('edits: of three layouts, the stable one finds the whole file in the cache', async () => {
    const { code, stdout, stderr } = await airgap('edits', recording, '--backend', 'wasm', '--json');
    assert.equal(code, 0, stderr);
    interface Row {
      layout: string;
      keys: number;
      median: number;
      percentile95: number;
      mean: number;
      cacheHits: number;
      inPauses: number;
    }
    const { edits, rows } = JSON.parse(stdout) as { edits: number; rows: Row[] };
    assert.equal(edits, 4);
    const [stable, short, naive] = rows as [Row, Row, Row];
    assert.deepEqual([stable.keys, short.keys, naive.keys], Array(3).fill(stable.keys));
    assert.ok(stable.keys > 60 && stable.median <= 3 && short.median <= 3, stdout);
    assert.ok(naive.median > 500 && naive.cacheHits < 0.8 && stable.cacheHits > 0.95, stdout);
    assert.ok(stable.inPauses > 0 && short.inPauses === 0 && naive.inPauses === 0);
    assert.ok(stable.mean < naive.mean / 10);
  });

  it('edits: says that no quality is measured', async () => {
    const { stdout } = await airgap('edits', recording, '--backend', 'wasm');
    assert.match(stdout, /random weights: tokens are counted in the real KV cache, no quality is measured/);
    assert.match(stdout, /whole file, stable parts +\d+ +\d+ +\d+\.\d +\d+ +\d+\.\d %/);
  });

  it('ask: answers, and says which lines of the files are in the window', async () => {
    const specials = ['<|user|>', '<|assistant|>', '<|end|>'].map((content) => ({ content }));
    const chat =
      "{% for m in messages %}{{ '<|' + m.role + '|>\\n' + m.content + '<|end|>\\n' }}{% endfor %}" +
      "{% if add_generation_prompt %}{{ '<|assistant|>\\n' }}{% endif %}";
    const config = { ...TINY_CONFIG, vocab_size: 1024, max_position_embeddings: 1024 };
    const chatting = TinyFolder.model({ config })
      .json('tokenizer.json', tinyTokenizerJson({ specials }))
      .json('tokenizer_config.json', { chat_template: chat });
    const files = ['--file', source, '--file', join(chatting.path, 'tokenizer_config.json')];
    const args = ['ask', chatting.path, ...files, 'Why?', '--max-tokens', '4', '--backend', 'wasm'];
    const { code, stdout, stderr } = await airgap(...args);
    chatting.remove();
    assert.equal(code, 0, stderr);
    assert.match(stdout, /\n$/);
    assert.match(
      stderr,
      /asked-\d+\.ts: lines 1-\d+ of 121; left out: \d+-121\n.*tokenizer_config\.json: all 1 lines\n$/,
    );
  });

  const refused: [string, () => string[], RegExp][] = [
    ['a recording that is not there', () => ['edits', '/none'], /^\/none cannot be read \(ENOENT\)\.\n$/m],
    [
      'a recording that is none',
      () => ['edits', join(folder.path, 'config.json')],
      /is not a recorded editing session/,
    ],
    ['a recording that is no JSON', () => ['edits', source], /is not valid JSON/],
    ['a file that is not there', () => ['ask', folder.path, 'Why?', '--file', '/none'], /^\/none cannot be read/],
    ['a model without a tokenizer', () => ['ask', folder.path, 'Why?', '--file', source], /has no tokenizer\.json/],
  ];
  for (const [name, args, says] of refused) {
    it(`refuses ${name} with one sentence`, async () => {
      const { code, stdout, stderr } = await airgap(...args());
      assert.deepEqual([code, stdout], [1, ''], stderr);
      assert.match(stderr, says);
    });
  }
});
