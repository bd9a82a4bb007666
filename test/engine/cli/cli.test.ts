import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { airgap, airgapIn } from '../../support/engine/terminal.ts';
import { TinyFolder } from '../../support/engine/tinyModel.ts';

describe('the terminal program', function () {
  this.timeout(60_000);
  const idsFile = join(tmpdir(), `airgap-ids-${process.pid}.json`);
  const source = join(tmpdir(), `airgap-source-${process.pid}.ts`);
  let folder: TinyFolder;
  before(() => {
    folder = TinyFolder.model();
    writeFileSync(idsFile, '{"ids":[1,2,3,4,5]}');
    writeFileSync(source, 'const a = 1;\n');
  });
  after(() => {
    folder.remove();
    rmSync(idsFile);
    rmSync(source);
  });

  it('logits: the same on wasm and reference, for any chunk', async () => {
    const run = async (...more: string[]) => {
      const args = ['--ids-file', idsFile, '--weights', 'f32', '--kv', 'f32', '--last', '2', '--json', ...more];
      const { code, stdout } = await airgap('logits', folder.path, ...args);
      assert.equal(code, 0);
      return JSON.parse(stdout) as { backend: string; adapter: string; positions: number[]; logits: number[][] };
    };
    const [want, got] = await Promise.all([run('--backend', 'reference'), run('--backend', 'wasm', '--chunk', '2')]);
    assert.equal(got.backend, 'wasm');
    assert.match(got.adapter, /SIMD/);
    assert.deepEqual(got.positions, [3, 4]);
    assert.deepEqual([got.logits.length, got.logits[0]!.length], [2, 128]);
    got.logits.flat().forEach((value, i) => assert.ok(Math.abs(value - want.logits.flat()[i]!) < 1e-3));
  });

  it('generate: ids without a tokenizer, the same for the same seed', async () => {
    const args = ['generate', folder.path, '--ids-file', idsFile, '--max-tokens', '6', '--temperature', '1', '--json'];
    const runs = await Promise.all(['7', '7', '8'].map((seed) => airgap(...args, '--seed', seed)));
    const [a, b, c] = runs.map(({ stdout }) => JSON.parse(stdout) as { ids: number[]; text: null; stop: string });
    assert.equal(a!.ids.length, 6);
    assert.deepEqual(a!.ids, b!.ids);
    assert.notDeepEqual(a!.ids, c!.ids);
    assert.deepEqual([a!.text, a!.stop], [null, 'length']);
  });

  it('a reader that stops early ends it with exit code 1, without a word', async () => {
    const args = ['generate', folder.path, '--ids-file', idsFile, '--max-tokens', '9', '--backend', 'wasm'];
    const child = spawn(process.execPath, ['dist/airgap.cjs', ...args], { stdio: ['ignore', 'pipe', 'pipe'] });
    let said = '';
    child.stderr.on('data', (part) => (said += part));
    child.stdout.destroy();
    const [code] = await once(child, 'close');
    assert.deepEqual([code, said], [1, '']);
  });

  it('bench: speed and memory of a model, on every backend that runs', async () => {
    const args = ['bench', folder.path, '--prompt-tokens', '20', '--tokens', '3', '--repeat', '1'];
    const [text, json] = await Promise.all([airgap(...args), airgap(...args, '--json')]);
    assert.equal(text.code, 0, text.stderr);
    assert.match(text.stdout, /memory read bandwidth, \d+ threads: \d+\.\d+ GB\/s/);
    assert.match(text.stdout, /^webgpu: not measured: [^\n]+\.$/m, 'both backends are tried');
    for (const figure of [
      'load +\\d+\\.\\d s',
      'longest pause while opening the device +\\d+ ms',
      'longest pause while loading +\\d+ ms',
      'prefill +\\d+\\.\\d tokens/s \\(prompt of 20\\)',
      'decode +\\d+\\.\\d\\d tokens/s \\(3 tokens\\)',
      'weights read +\\d+ % of \\d+\\.\\d\\d GB/s',
      'peak memory +\\d+\\.\\d+ GB',
    ])
      assert.match(text.stdout, RegExp(`^  ${figure}`, 'm'));
    const { rows, failures } = JSON.parse(json.stdout) as { rows: { backend: string }[]; failures: string[] };
    assert.deepEqual([rows.map(({ backend }) => backend), failures.length], [['wasm'], 1]);
  });

  it('bench on webgpu: shares of what this very GPU can do', async function () {
    const { VK_DRIVER_FILES, VK_ICD_FILENAMES } = process.env;
    const onGpu = (...args: string[]) => airgapIn({ VK_DRIVER_FILES, VK_ICD_FILENAMES }, ...args);
    const doctor = JSON.parse((await onGpu('doctor', '--json', '--allow-software-gpu')).stdout) as {
      backends: { backend: string; usable: boolean; reason: string }[];
    };
    const { usable, reason } = doctor.backends.find(({ backend }) => backend === 'webgpu')!;
    if (!usable) {
      console.log(`      skipped: ${reason}`);
      return this.skip();
    }
    const effort = ['--prompt-tokens', '20', '--tokens', '3', '--repeat', '1'];
    const { code, stdout, stderr } = await onGpu('bench', folder.path, ...effort, '--backend', 'webgpu');
    assert.equal(code, 0, stderr);
    assert.match(stdout, /^ {2}multiply-adds of prefill +\d+ % of what the GPU does in f32$/m);
    assert.match(stdout, /^ {2}weights read +\d+ % of \d+\.\d+ GB\/s$/m);
    assert.match(stdout, /^ {2}dispatches +\d+ for a decoded token$/m);
  });

  it('doctor: what runs, and why the rest does not', async () => {
    const { code, stdout } = await airgap('doctor', '--json');
    const { chosen, backends } = JSON.parse(stdout) as {
      chosen: string;
      backends: { backend: string; reason: string }[];
    };
    assert.deepEqual([code, chosen], [0, 'wasm']);
    assert.match(backends.find(({ backend }) => backend === 'webgpu')!.reason, /^[A-Z][^\n]+\.$/);
  });

  it('help names every command and every option of logits and generate', async () => {
    const [main, logits, generate] = await Promise.all([
      airgap('--help'),
      airgap('logits', '--help'),
      airgap('generate', '--help'),
    ]);
    for (const command of ['complete', 'ask', 'doctor', 'bench', 'perplexity', 'logits', 'generate'])
      assert.match(main!.stdout, RegExp(`  ${command} `));
    for (const option of ['ids-file', 'backend', 'weights', 'kv', 'chunk', 'last', 'json'])
      assert.match(logits!.stdout, RegExp(`--${option} `));
    for (const option of ['ids-file', 'prompt', 'max-tokens', 'seed', 'temperature', 'json']) {
      assert.match(generate!.stdout, RegExp(`--${option} `));
    }
  });

  const refused: [string, () => string[], RegExp][] = [
    ['no such folder', () => ['logits', '/nowhere', '--ids-file', idsFile], /^\/nowhere does not exist\.\n$/],
    ['no ids file', () => ['logits', folder.path, '--ids-file', '/none'], /^\/none cannot be read \(ENOENT\)\.\n$/],
    [
      'ids that are no list',
      () => ['logits', folder.path, '--ids-file', join(folder.path, 'config.json')],
      /not a JSON list of token ids/,
    ],
    [
      'more positions than tokens',
      () => ['logits', folder.path, '--ids-file', idsFile, '--last', '9'],
      /9 of 5 tokens/,
    ],
    ['an unknown backend', () => ['logits', folder.path, '--ids-file', idsFile, '--backend', 'cuda'], /cuda/],
    [
      'no GPU',
      () => ['logits', folder.path, '--ids-file', idsFile, '--backend', 'webgpu'],
      /^WebGPU cannot be used: [^\n]+\.\n$/m,
    ],
    [
      'text without a tokenizer',
      () => ['generate', folder.path, '--prompt', 'x'],
      /has no tokenizer\.json\. Use --ids-file/,
    ],
    ['neither ids nor a prompt', () => ['generate', folder.path], /either --ids-file or --prompt/],
    ['a place without a line', () => ['complete', source], /not of the form FILE:LINE:COL/],
    ['a line beyond the end', () => ['complete', `${source}:7:1`], /has 2 lines, not 7/],
    ['a column beyond the end', () => ['complete', `${source}:1:99`], /columns 1 to 13, not 99/],
  ];
  for (const [name, args, says] of refused) {
    it(`${name}: one sentence and exit code 1`, async () => {
      const { code, stdout, stderr } = await airgap(...args());
      assert.equal(code, 1, stderr);
      assert.equal(stdout, '');
      assert.match(stderr, says);
    });
  }
});
