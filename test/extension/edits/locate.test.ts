import assert from 'node:assert/strict';
import { type CodeBlock, locate } from '../../../extension/edits/placing/locate.ts';
import { workOf } from '../../support/workOf.ts';
import { CASES, type LocateCase } from './locateCases.ts';

const block = ({ code, language = '' }: LocateCase): CodeBlock => ({ code, language });

describe('where a code block goes', () => {
  for (const each of CASES) {
    it(each.name, () => {
      const places = locate(each.file, block(each), each.path);
      if (typeof each.gives === 'string')
        assert.deepEqual(
          places.map(({ text }) => text),
          [each.gives],
        );
      else
        assert.deepEqual(
          places.map(({ label }) => label),
          each.gives ?? [],
        );
    });
  }

  it('applying twice changes nothing more', () => {
    for (const each of CASES.filter(({ gives, code }) => typeof gives === 'string' && !/^(@@|---|[-+] )/m.test(code))) {
      const after = each.gives as string;
      const again = locate(after, block(each), each.path).map(({ text }) => text);
      assert.ok(again.length !== 1 || again[0] === after, each.name);
    }
  });

  it('a class with fewer members: what each answer means', () => {
    const file =
      'class A:\n    def f(self):\n        one()\n        two()\n\n    def g(self):\n        three()\n        four()\n';
    const places = locate(file, { code: 'class A:\n    def f(self):\n        five()', language: 'py' });
    assert.deepEqual(
      places.map(({ members, text }) => [members, text]),
      [
        ['kept', file.replace('one()\n        two()', 'five()')],
        ['removed', 'class A:\n    def f(self):\n        five()\n'],
      ],
    );
  });

  it('a first line that only names the file is no code, unless the file has it', () => {
    const file = 'function f() {\n  a();\n}\n';
    const named = { code: '// src/a.ts\nfunction f() {\n  b();\n}', language: '', path: 'src/a.ts' };
    const after = 'function f() {\n  b();\n}\n';
    assert.deepEqual(
      [file, `// src/a.ts\n${file}`].flatMap((each) => locate(each, named).map(({ text }) => text)),
      [after, `// src/a.ts\n${after}`],
    );
  });

  it('the work grows with the length of the file, not faster, and is little for each line', async () => {
    const lines = Array.from({ length: 20_000 }, (_, line) => `  call${line}(argument${line % 7});`);
    const code = 'call77(changed);\ncall78(argument1);\ncall79(argument2);';
    const work = (count: number): Promise<number> =>
      workOf(() => assert.equal(locate(lines.slice(0, count).join('\n'), { code, language: '' }).length, 1));
    const [half, whole] = [await work(10_000), await work(20_000)];
    assert.ok(whole < 2.5 * half, `${half}, then ${whole}`);
    assert.ok(whole < 40 * lines.length, `${whole / lines.length} per line`);
  });
});
