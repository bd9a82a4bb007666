import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { latestLine, nGram } from '../../../engine/cli/eval/lineBaselines.ts';
import { lineCuts } from '../../../engine/cli/eval/lineCuts.ts';
import { scoreOf } from '../../../engine/cli/eval/lineScores.ts';
import { airgap } from '../../support/engine/terminal.ts';

describe('airgap eval lines', function () {
  this.timeout(120_000);
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'airgap-lines-'));
    mkdirSync(join(folder, 'node_modules'));
    const code = Array.from({ length: 30 }, (_, i) => `  const value${i} = compute(${i}, 'text');\n`).join('');
    for (const [name, text] of [
      ['a.ts', code],
      ['b.py', code.replaceAll('const ', '').replaceAll(';', '').replace(/^ +/gm, '')],
      ['node_modules/c.ts', code],
      ['d.min.js', code],
      ['e.js', `const all = [${'1,'.repeat(9000)}];\n`],
      ['f.md', code],
    ] as const)
      writeFileSync(join(folder, name), text);
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  it('cuts lines of source files at random, the same for a seed', async () => {
    const cuts = await lineCuts(folder, 5, 1);
    assert.deepEqual(cuts, await lineCuts(folder, 5, 1));
    assert.notDeepEqual(cuts, await lineCuts(folder, 5, 2));
    assert.deepEqual(cuts.map(({ languageId }) => languageId).sort(), [
      ...Array<string>(5).fill('python'),
      ...Array<string>(5).fill('typescript'),
    ]);
    for (const { id, path, prefix, truth, suffix } of cuts) {
      assert.equal(prefix + truth + suffix, readFileSync(join(folder, path), 'utf8'));
      assert.ok(suffix.startsWith('\n') && !truth.includes('\n') && truth.length >= 4);
      const lines = prefix.split('\n');
      assert.equal(id, `${path}:${lines.length}:${lines.at(-1)!.length + 1}`);
    }
  });

  it('cuts lines behind their first two words', async () => {
    for (const { prefix } of await lineCuts(folder, 5, 1, 'two words')) {
      assert.match(prefix, /(?:^|\n) *(?:const value\d+ |value\d+ = compute)$/);
    }
  });

  it('prints what each threshold would show of what the model wrote to the end of the line', async () => {
    const out = join(folder, 'curve.jsonl');
    const args = ['eval', 'lines', '--data', folder, '--cuts', '2', '--out', out, '--backend', 'wasm', '--curve'];
    const { code, stdout, stderr } = await airgap(...args);
    assert.equal(code, 0, stderr);
    for (const language of ['all', 'python', 'typescript'])
      assert.match(stdout, new RegExp(`^${language} +0\\.3 `, 'm'));
    const { result } = JSON.parse(readFileSync(out, 'utf8').split('\n')[0]!) as {
      result: { tokens: { text: string; logprob: number }[] };
    };
    assert.ok(result.tokens.length > 1 && result.tokens.every(({ logprob }) => logprob <= 0));
  });

  for (const [prefix, latest, words] of [
    ['const a = f(1);\nconst b = f(2);\nconst ', 'b = f(2);', 'b = f(2);'],
    ['return x;\n}\nret', 'urn x;', ''],
    ['one two three\nzero two ', '', 'three'],
    ['nothing alike\nelse', '', ''],
    ['a\n', '', ''],
    ['', '', ''],
  ] as const) {
    it(`without a model, ${JSON.stringify(prefix)} goes on with ${JSON.stringify([latest, words])}`, () => {
      assert.deepEqual([latestLine(prefix), nGram(prefix)], [latest, words]);
    });
  }

  it('scores what is shown, exact, alike, and kept', () => {
    const result = (shown: string, truth: string, totalMs: number) => ({
      ...{ languageId: 'python', shown, truth, totalMs },
    });
    const score = scoreOf([
      result('abcd', 'abcd', 10),
      result('ab', 'abcd', 20),
      result('abxx', 'abcd', 30),
      result('', 'abcd', 40),
    ]);
    assert.deepEqual(score, {
      ...{ cuts: 4, shown: 0.75, exact: 0.25, similarity: (1 + 0.5 + 0.5) / 4, keptPer100: 150, keptShare: 0.6 },
      ...{ medianFirstMs: undefined, medianMs: 20, p90Ms: 40 },
    });
  });

  it('prints a row for each language, and is resumed', async () => {
    const out = join(folder, 'out.jsonl');
    const args = ['eval', 'lines', '--data', folder, '--cuts', '2', '--out', out, '--backend', 'wasm'];
    const first = await airgap(...args);
    assert.equal(first.code, 0, first.stderr);
    for (const by of ['starter', 'latest line with the same beginning', 'n-gram']) {
      for (const language of ['all', 'python', 'typescript'])
        assert.match(first.stdout, new RegExp(`^${by} +${language} `, 'm'));
    }
    const kept = readFileSync(out, 'utf8');
    writeFileSync(out, `${kept}{"id":"half`);
    const second = await airgap(...args);
    assert.deepEqual([second.stdout, readFileSync(out, 'utf8')], [first.stdout, kept]);
    const other = await airgap(...args, '--no-suffix');
    assert.match(
      other.stderr,
      /has completions of starter with default weights, with what follows the line, anywhere, not of/,
    );
    const empty = await airgap('eval', 'lines', '--data', join(folder, 'node_modules'), '--cuts', '1', '--model', 'x');
    assert.equal(empty.code, 1);
  });
});
