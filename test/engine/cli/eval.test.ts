import assert from 'node:assert/strict';
import { appendFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { HUMANEVAL, MBPP } from '../../../engine/cli/eval/problems.ts';
import { checkIsolation, passes } from '../../../engine/cli/eval/runPython.ts';
import { tinyTokenizerJson } from '../../fixtures/tokenizers/tiny.ts';
import { airgap } from '../../support/engine/terminal.ts';
import { TINY_CONFIG, TinyFolder } from '../../support/engine/tinyModel.ts';

/** Two problems in the form of HumanEval's file. */
const PROBLEMS = [
  {
    task_id: 'Tiny/0',
    prompt: 'def add(a, b):\n    """Adds."""\n',
    entry_point: 'add',
    test: 'def check(candidate):\n    assert candidate(2, 3) == 5\n',
  },
  {
    task_id: 'Tiny/1',
    prompt: 'def double(a):\n    """Doubles."""\n',
    entry_point: 'double',
    test: 'def check(candidate):\n    assert candidate(2) == 4\n    assert candidate("x") == "xx"\n',
  },
];
const JSONL = PROBLEMS.map((problem) => `${JSON.stringify(problem)}\n`).join('');
const LIMITS = { seconds: 10, bytes: 2 ** 30 };

describe('airgap eval', function () {
  this.timeout(60_000);
  let folder: string;
  let model: TinyFolder;
  const file = (name: string, content: string | Buffer): string => {
    const path = join(folder, name);
    writeFileSync(path, content);
    return path;
  };
  before(() => {
    folder = mkdtempSync(join(tmpdir(), 'airgap-eval-test-'));
    model = TinyFolder.model({ config: { ...TINY_CONFIG, vocab_size: 1024 } }).json(
      'tokenizer.json',
      tinyTokenizerJson(),
    );
  });
  after(() => {
    model.remove();
    rmSync(folder, { recursive: true });
  });

  it('generates, is resumed behind a killed run, and runs nothing without the flag', async () => {
    const [data, out] = [file('tiny.jsonl.gz', gzipSync(JSONL)), join(folder, 'out.jsonl')];
    const args = ['eval', 'humaneval', '--model', model.path, '--data', data, '--out', out];
    const small = [...args, '--max-tokens', '3', '--backend', 'wasm'];
    const first = await airgap(...small, '--limit', '1');
    assert.equal(first.code, 0, first.stderr);
    assert.match(first.stdout, /has 1 completions\. They were not run; --run-generated-code runs them\.\n$/);
    const line = readFileSync(out, 'utf8');
    const { task_id: id, settings } = JSON.parse(line) as { task_id: string; settings: object };
    assert.equal(id, 'Tiny/0');
    appendFileSync(out, '{"task_id":"Tiny/1","comp');
    const second = await airgap(...small);
    assert.match(second.stderr, /^1 of 1 completions: Tiny\/1\n$/);
    const lines = readFileSync(out, 'utf8').trimEnd().split('\n');
    assert.deepEqual([lines.length, `${lines[0]}\n`], [2, line]);
    assert.deepEqual((JSON.parse(lines[1]!) as { settings: object }).settings, settings);
    const other = await airgap(...args, '--max-tokens', '4');
    assert.equal(other.code, 1);
    assert.match(other.stderr, /at most 3 tokens, not of .* at most 4 tokens; name another file\.\n$/);
  });

  it('refuses what is no such file in one sentence', async () => {
    const refused: [data: string, says: RegExp][] = [
      ['/none', /^\/none cannot be read/],
      [file('empty.jsonl', '\n'), /contains no problems\.$/],
      [file('broken.jsonl', `${JSONL}{"task`), /broken\.jsonl: line 3 is not valid JSON\.$/],
      [file('other.jsonl', '{"task_id":"a"}\n'), /other\.jsonl: problem 1: prompt: .+\.$/],
      [file('bad.gz', Buffer.from([0x1f, 0x8b, 1])), /bad\.gz cannot be read \(.+\)\.$/],
    ];
    for (const [data, says] of refused) {
      await assert.rejects(
        HUMANEVAL.read(data),
        ({ name, message }: Error) => name === 'BadRequest' && says.test(message),
      );
    }
    const neither = await airgap('eval', 'humaneval', '--model', model.path, '--data', file('tiny.jsonl', JSONL));
    assert.deepEqual([neither.code, neither.stdout], [1, '']);
    assert.match(neither.stderr, /^Name a file for the completions with --out/);
  });

  it("reads MBPP's files: the test split, both spellings", async () => {
    const problem = { text: 'Write a function that adds.', test_list: ['assert add(1, 2) == 3'] };
    const lines = [10, 11, 510, 511].map((id) => `${JSON.stringify({ ...problem, task_id: id })}\n`);
    const problems = await MBPP.read(file('mbpp.jsonl', lines.join('')));
    assert.deepEqual(
      problems.map(({ id }) => id),
      ['MBPP/11', 'MBPP/510'],
    );
    assert.equal(problems[0]!.prompt, '"""\nWrite a function that adds.\nassert add(1, 2) == 3\n"""\n');
    const { text, ...rest } = problem;
    const sanitised = [{ ...rest, prompt: text, task_id: 11, test_imports: ['import math'] }];
    const [other] = await MBPP.read(file('mbpp.json', JSON.stringify(sanitised)));
    assert.equal(other!.prompt, problems[0]!.prompt);
    assert.equal(other!.program('def add(a, b): ...'), 'def add(a, b): ...\n\nimport math\nassert add(1, 2) == 3\n');
  });

  describe('with --run-generated-code', function () {
    before(async function () {
      await checkIsolation(LIMITS).catch((error: Error) => {
        console.log(`      skipped: ${error.message}`);
        this.skip();
      });
    });

    it('prints pass@1', async () => {
      const settings = { model: 'm', weights: 'default', maxTokens: 512 };
      const completions = { 'Tiny/0': '\n    return a + b\n', 'Tiny/1': '\n    return a * 3\n' };
      const lines = Object.entries(completions).map(([id, completion]) =>
        JSON.stringify({ task_id: id, completion, settings }),
      );
      const [data, out] = [file('tiny.jsonl', JSONL), file('done.jsonl', `${lines.join('\n')}\n`)];
      const args = ['--model', 'm', '--data', data, '--out', out, '--run-generated-code'];
      const { code, stdout, stderr } = await airgap('eval', 'humaneval', ...args);
      assert.deepEqual([code, stdout], [0, 'pass@1: 50.0 % (1 of 2 problems)\n'], stderr);
      assert.equal(stderr, 'Tiny/0: passed\nTiny/1: failed\n');
    });

    const limits = { seconds: 5, bytes: 2 ** 28 };
    const programs: [name: string, program: string, passes: boolean][] = [
      ['runs to its end', 'print("x" * 5000)', true],
      ['has a future import', 'from __future__ import annotations\nx: "int" = 1', true],
      ['fails', 'assert 1 == 2', false],
      ['ends before its tests', 'import os\nos._exit(0)', false],
      ['leaves with status 0', 'raise SystemExit(0)', false],
      ['takes too much memory', 'x = bytearray(2**29)', false],
      ['writes too much', 'open("x", "wb").write(bytes(20_000_000))', false],
      ['is no Python', 'def', false],
      [
        'finds no network',
        [
          'import socket',
          'for address in [("127.0.0.1", 80), ("192.0.2.1", 80)]:',
          '    try: socket.create_connection(address, 2)',
          '    except OSError as error: assert error.errno == 101, error  # unreachable',
          '    else: assert False',
        ].join('\n'),
        true,
      ],
      ['sees no variables of its caller', 'import os\nassert "AIRGAP_SECRET" not in os.environ', true],
    ];
    for (const [name, program, want] of programs) {
      it(`a program that ${name} ${want ? 'passes' : 'does not pass'}`, async () => {
        process.env['AIRGAP_SECRET'] = 'x';
        assert.equal(await passes(program, limits), want);
        delete process.env['AIRGAP_SECRET'];
      });
    }

    for (const [name, program] of [
      ['that hangs', 'import time\ntime.sleep(600)'],
      [
        'whose child hangs',
        'import os, time\nif os.fork() == 0:\n    os.setsid()\n    time.sleep(600)\ntime.sleep(600)',
      ],
    ] as const) {
      it(`a program ${name} is ended with all of its processes`, async () => {
        assert.equal(await passes(program, { ...limits, seconds: 1 }), false);
      });
    }
  });
});
