import assert from 'node:assert/strict';
import { terminalLine } from '../../../extension/edits/terminalLine.ts';

describe('terminal insertion', () => {
  const cases: [code: string, line: string | undefined][] = [
    ['ls -la\n', 'ls -la'],
    ['$ git status', 'git status'],
    ['# lists files\nls', 'ls'],
    ['docker run \\\n  -it \\\r\n  image', 'docker run -it image'],
    ['\n\n  npm test  \n', 'npm test'],
    ['echo a\techo b', 'echo a echo b'],
    ['echo "a # b"', 'echo "a # b"'],
    ['echo ünï 你好', 'echo ünï 你好'],
    ['ls\nrm -rf x', undefined],
    ['ls\rrm -rf x', undefined],
    ['ls\u0085rm', undefined],
    ['ls\u2028rm', undefined],
    ['ls\vrm', undefined],
    ['cat <<EOF\n# x\nEOF', undefined],
    ['', undefined],
    ['# only a comment', undefined],
    ['x'.repeat(5000), undefined],
    ['ls\u0003 -a', 'ls -a'],
    ['ls\u001b[201~ -a', 'ls[201~ -a'],
    ['ls \u202Ecod.exe', 'ls cod.exe'],
    ['l\u200Bs\uFEFF', 'ls'],
    ['ls\u0004\u0000\u007f\u009b', 'ls'],
  ];
  for (const [code, line] of cases) {
    it(`${JSON.stringify(code.slice(0, 40))}: ${line ?? 'refused'}`, () => assert.equal(terminalLine(code), line));
  }

  it('never holds a line end or a control character, whatever the code', () => {
    const pieces = [
      'ls',
      ' ',
      '\\',
      '\n',
      '\r',
      '\\\n',
      '\u001b',
      '\u0000',
      '\u2028',
      '\u0085',
      '\u007f',
      '# ',
      '$ ',
      'é',
      '\t',
      '\f',
    ];
    let state = 7;
    const next = (below: number): number => (state = (state * 48271) % 2147483647) % below;
    let inserted = 0;
    for (let i = 0; i < 20_000; i++) {
      const line = terminalLine(Array.from({ length: next(9) }, () => pieces[next(pieces.length)]).join(''));
      if (line === undefined) continue;
      inserted++;
      assert.ok(!/[\p{C}\p{Zl}\p{Zp}]/u.test(line), JSON.stringify(line));
    }
    assert.ok(inserted > 2000);
  });
});
