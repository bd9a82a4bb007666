import assert from 'node:assert/strict';
import { copyFileSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import treeSitter from '@vscode/tree-sitter-wasm';
import { shownText } from '../../../engine/completion/completeAt.ts';
import { SyntaxErrors } from '../../../engine/syntax/syntaxErrors.ts';
import { describeSoundness } from '../../support/completion/soundness.ts';
import type { ShownCase } from './shownCases.ts';

const GRAMMARS = 'node_modules/@vscode/tree-sitter-wasm/wasm';
const CASES: Record<string, ShownCase[]> = {
  'sound as it is': [
    ['typescript', 'const a = f({', 'function g() {\n  ⟦const a = f({⟧\n}\n'],
    ['typescript', ') {\n  return x;\n}', 'function f(x⟦) {\n  return x;\n}⟧\n'],
    ['typescriptreact', '<p>{a}</p>', 'const a = (\n  <div>\n    ⟦<p>{a}</p>⟧\n  </div>\n);\n'],
    [
      'typescriptreact',
      '<ul onClick={() => f()}>',
      'const a = (\n  <div>\n    ⟦<ul onClick={() => f()}>⟧\n  </div>\n);\n',
    ],
    ['python', 'if x:  # why', 'def f(x):\n    ⟦if x:  # why⟧\n'],
    ['python', 'eturn x', 'def f(x):\n    r⟦eturn x⟧\n\n\ndef g():\n    pass\n'],
    ['python', '"""Return it.', 'def f(x):\n    ⟦"""Return it.⟧\n'],
    ['shellscript', 'if test -f a; then', '#!/bin/sh\n⟦if test -f a; then⟧\nls\n'],
    ['ruby', 'def f(x)', 'class A\n  ⟦def f(x)⟧\nend\n'],
    ['css', 'a:hover {', 'p {\n  color: red;\n}\n\n⟦a:hover {⟧\n'],
    ['go', 'if err != nil {', 'package a\n\nfunc f() {\n\t⟦if err != nil {⟧\n}\n'],
    ['json', '"a": [', '{\n  ⟦"a": [⟧\n}\n'],
    // What is open above is closed nowhere yet.
    ['go', 'return nil', 'func f() error {\n\tx()\n\t⟦return nil⟧\n'],
    ['java', 'return 1;', 'class A {\n  int f() {\n    ⟦return 1;⟧\n'],
    ['c', 'return 0;', 'int main(void) {\n  printf("x");\n  ⟦return 0;⟧'],
    // An error that is there already, elsewhere.
    ['typescript', 'foo();', 'const = 5;\n\n⟦foo();⟧\n'],
    ['plaintext', 'as usual :)', 'It is late, ⟦as usual :)⟧\n'],
  ],
  'cut to lines that are sound': [
    ['typescript', '\n  a();\n  b(;\n  c();\n}', 'function f() {⟦\n  a();⟧\n}\n'],
    ['python', 'a = 1\n    b = = 2\n', 'def f():\n    ⟦a = 1⟧\n'],
  ],
  unsound: [
    ['typescript', 'a, b))', 'foo(⟦⟧\nbar();\n'],
    ['typescript', 'foo(a]);', 'if (x) {\n  ⟦⟧\n}\n'],
    ['typescript', '1 +;', 'const a = ⟦⟧\nb();\n'],
    ['typescriptreact', '</p>', 'const a = (\n  <div>\n    ⟦⟧\n  </div>\n);\n'],
    ['c', "for (long ' = 0; j < n; ,++) s", 'void f() {\n  ⟦⟧]);\n  g();\n}\n'],
    ['python', 'x x', 'def f():\n    return ⟦⟧\n'],
    ['python', 'C:\\', 'f("⟦⟧")\n'],
    ['css', 'color red}', 'p {\n  ⟦⟧\n}\n'],
    ['yaml', '[1, 2', 'a: ⟦⟧]\n'],
    ['json', 'b": ["c{, "d"] ', '{ "a⟦⟧}\n'],
    ['json', '"x": "y', '{\n  ⟦⟧\n}\n'],
  ],
};

/** The model is unsure of how the line goes on. */
const UNSURE: ShownCase[] = [
  ['typescript', 'reduce((acc,', 'const total = beds.⟦reduce((acc⟧;\n'],
  ['python', 'ValueError("No more', 'def f():\n    raise ⟦ValueError⟧\n'],
  ['rust', 'Bed::new("mint", 10', 'fn f() {\n    let mint = ⟦Bed⟧\n    g();\n}\n'],
  ['typescript', 'a, b', 'foo(⟦a, b⟧)\n'],
  ['python', '"No', 'def f():\n    return ⟦⟧\n'],
];

describe('soundness', () => {
  const syntax = new SyntaxErrors(GRAMMARS, assert.fail);
  for (const [group, cases] of Object.entries({ ...CASES, 'a shorter beginning that is sound': UNSURE })) {
    describe(group, () => {
      for (const [languageId, says, seen] of cases) {
        it(`${languageId}: ${JSON.stringify(seen)} of ${JSON.stringify(says)}`, async () => {
          const [prefix, rest] = seen.split('⟦') as [string, string];
          const suffix = rest.split('⟧')[1]!;
          const request = { fileName: 'a', languageId, prefix, suffix, multiline: 'auto' } as const;
          const { text } = await shownText(says, request, syntax, cases === UNSURE);
          assert.equal(`${prefix}⟦${text}⟧${suffix}`, seen);
        });
      }
    });
  }

  describe('brackets are left to judge by', () => {
    const said: string[] = [];
    const shown = async (says: string, syntax: SyntaxErrors): Promise<string> =>
      (
        await shownText(
          says,
          { fileName: 'a', languageId: 'typescript', prefix: 'if (x) {\n  ', suffix: '\n}\n', multiline: 'auto' },
          syntax,
        )
      ).text;
    const judges = async (folder: string): Promise<string[]> => {
      said.length = 0;
      const without = new SyntaxErrors(folder, (message) => void said.push(message));
      return Promise.all(['foo(a]);', 'foo(a);', 'const = 1;'].map((says) => shown(says, without)));
    };

    it('where a grammar cannot be loaded, which is told once', async () => {
      const folder = mkdtempSync(join(tmpdir(), 'airgap-grammars-'));
      copyFileSync(`${GRAMMARS}/tree-sitter.wasm`, join(folder, 'tree-sitter.wasm'));
      writeFileSync(join(folder, 'tree-sitter-typescript.wasm'), 'half a file');
      assert.deepEqual(await judges(folder), ['', 'foo(a);', 'const = 1;']);
      assert.equal(said.length, 1);
      assert.match(said[0]!, /^Brackets are counted .* typescript cannot be loaded \(/);
      rmSync(folder, { recursive: true });
    });

    it('where a parser fails on a text, which is told once', async () => {
      const { Parser } = treeSitter;
      const { parse } = Parser.prototype;
      Parser.prototype.parse = () => {
        throw new WebAssembly.RuntimeError('memory access out of bounds');
      };
      try {
        assert.deepEqual(await judges(GRAMMARS), ['', 'foo(a);', 'const = 1;']);
      } finally {
        Parser.prototype.parse = parse;
      }
      assert.equal(said.length, 1);
      assert.match(said[0]!, /^Brackets are counted .* the parser of typescript failed \(memory access/);
    });
  });
});

describeSoundness(12);
