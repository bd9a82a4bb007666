import assert from 'node:assert/strict';
import { runNode } from '../../support/engine/terminal.ts';

/** `npm run bench -- …`, in a process of its own. */
const bench = (...args: string[]) => runNode('.ci/bench.ts', ...args);

describe('npm run bench', function () {
  this.timeout(120_000);
  const effort = ['--prompt-tokens', '20', '--tokens', '3', '--repeat', '1'];

  it('measures random weights of a shape, marked as such', async () => {
    const { code, stdout, stderr } = await bench('--shape', 'phi-3-mini', '--layers', '1', ...effort);
    assert.equal(code, 0, stderr);
    assert.match(stdout, /memory read bandwidth, \d+ threads: \d+\.\d+ GB\/s/);
    assert.match(stdout, /random weights: speed only, no quality/);
    assert.match(stdout, /^webgpu: not measured: [^\n]+\.$/m, 'both backends are tried');
    assert.match(stdout, /layers +1 of 32/);
    assert.match(stdout, /longest pause while loading +\d+ ms/);
    assert.match(stdout, /prefill +\d+\.\d tokens\/s \(prompt of 20\)/);
  });

  it('prints the operations of prefill and decode as Markdown', async () => {
    const args = ['--shape', 'phi-3-mini', '--layers', '1', ...effort, '--profile', '--backend', 'wasm', '--markdown'];
    const { code, stdout, stderr } = await bench(...args);
    assert.equal(code, 0, stderr);
    assert.match(stdout, /^wasm: time of each operation\n\n\| phase \| operation \|[^\n]+\n\| --- \| --- \|/m);
    assert.match(stdout, /^\| prefill \| [^\n]+\n[^]*^\| decode \| /m);
  });

  it('times a crop and its operations in phi-3-vision, and says of how many layers', async () => {
    const args = ['--vision', '--no-pictures', '--layers', '1', '--repeat', '1', '--backend', 'wasm'];
    const { code, stdout, stderr } = await bench(...args);
    assert.equal(code, 0, stderr);
    assert.match(stdout, /^wasm: phi-3-vision, 1 of 23 layers in the image encoder$/m);
    assert.match(stdout, /^a crop +1 +\d+\.\d +\d+\.\d +\d+\.\d %$/m);
    assert.match(stdout, /^attention +1 +\d+\.\d +\d+\.\d % +\d+\.\d +\d+\.\d %$/m);
    assert.match(stdout, /^peak, multiply-adds of f32 /m);
  });

  const refused: [string, string[], RegExp][] = [
    ['a shape and a folder', ['media/starter', '--shape', 'phi-3-mini'], /not both/],
    ['an unknown shape', ['--shape', 'gpt-4'], /phi-3-mini/],
  ];
  for (const [name, args, says] of refused) {
    it(`refuses ${name} with one sentence`, async () => {
      const { code, stdout, stderr } = await bench(...args);
      assert.deepEqual([code, stdout], [1, '']);
      assert.match(stderr, says);
    });
  }
});
