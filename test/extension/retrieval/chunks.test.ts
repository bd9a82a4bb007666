import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { GRAMMARS } from '../../../engine/syntax/grammars.ts';
import { chunksOf } from '../../../extension/retrieval/chunks.ts';
import { Syntax } from '../../../extension/retrieval/syntax.ts';
import { stem, TermReader, identifierTerm, termOf, wordsOf } from '../../../extension/retrieval/terms.ts';

const FOLDER = 'node_modules/@vscode/tree-sitter-wasm/wasm';

/** `count` lines of a body, which make a declaration large enough for a chunk of its own. */
const body = (count: number, line: string): string => Array.from({ length: count }, () => line).join('\n');

/** By file extension: a source, and the names that its chunks declare, one row per chunk. */
const CASES: [file: string, text: string, declares: string[][]][] = [
  [
    'a.ts',
    `import { a } from 'b';\n\n/** Says hello. */\nexport function greet(): void {\n${body(32, '  a();')}\n}\n\nexport class Shop {\n  /** Sells. */\n  sell(): void {\n${body(40, '    a();')}\n  }\n  buy(): void {\n${body(40, '    a();')}\n  }\n}\n`,
    [['greet'], ['Shop', 'sell'], ['buy']],
  ],
  [
    'a.tsx',
    `export const View = () => {\n${body(32, '  use();')}\n  return <p>hello</p>;\n};\nfunction helper() {\n${body(32, '  use();')}\n}\n`,
    [['View'], ['helper']],
  ],
  [
    'a.js',
    `const x = require('x');\nRunner.prototype.run = function () {\n${body(32, '  x();')}\n};\nexports.stop = () => {\n${body(32, '  x();')}\n};\n`,
    [['Runner.prototype.run'], ['exports.stop']],
  ],
  [
    'a.py',
    `import os\n\n@cached\ndef load(path):\n${body(32, '    os.stat(path)')}\n\n\nclass Store:\n    def save(self):\n${body(32, '        pass')}\n`,
    [['load'], ['Store', 'save']],
  ],
  [
    'a.rs',
    `/// A pool.\npub struct Pool {\n${body(32, '    size: usize,')}\n}\n\nimpl Pool {\n    pub fn take(&self) -> usize {\n${body(32, '        self.size;')}\n        0\n    }\n}\n`,
    [
      ['Pool', 'size'],
      ['Pool', 'take'],
    ],
  ],
  [
    'a.go',
    `package a\n\n// Serve serves.\nfunc (s *Server) Serve() error {\n${body(32, '\ts.run()')}\n\treturn nil\n}\n\ntype Server struct {\n${body(32, '\tname string')}\n}\n`,
    [['Serve'], ['Server']],
  ],
  [
    'a.java',
    `package a;\n\n/** A bank. */\npublic class Bank {\n    public int pay(int sum) {\n${body(60, '        sum++;')}\n        return sum;\n    }\n    private void close() {\n${body(30, '        pay(1);')}\n    }\n}\n`,
    [['Bank', 'pay'], ['close']],
  ],
  [
    'a.cpp',
    `#include <x>\n\n// Adds.\nint Calculator::add(int a) {\n${body(32, '  a++;')}\n  return a;\n}\n\nclass Calculator {\n${body(32, '  int field;')}\n};\n`,
    [['Calculator::add'], ['Calculator']],
  ],
  [
    'a.cs',
    `using X;\n\nnamespace A\n{\n    public class Mail\n    {\n        public void Send()\n        {\n${body(60, '            X.Go();')}\n        }\n        public void Open()\n        {\n${body(40, '            X.Go();')}\n        }\n    }\n}\n`,
    [['A', 'Mail', 'Send'], ['Open']],
  ],
  [
    'a.rb',
    `require 'x'\n\n# Pays.\nclass Payer\n  def pay\n${body(32, '    go')}\n  end\nend\n\nmodule Tools\n  def self.sum\n${body(32, '    go')}\n  end\nend\n`,
    [
      ['Payer', 'pay'],
      ['Tools', 'sum'],
    ],
  ],
  [
    'a.php',
    `<?php\n/** Renders. */\nfunction render($a) {\n${body(32, '  echo $a;')}\n}\nclass Page {\n  function show() {\n${body(32, '    echo 1;')}\n  }\n}\n`,
    [['render'], ['Page', 'show']],
  ],
  [
    'a.css',
    `/* Buttons. */\n.button {\n${body(32, '  color: red;')}\n}\n\n.menu > li {\n${body(32, '  color: red;')}\n}\n`,
    [['.button'], ['.menu > li']],
  ],
  [
    'a.sh',
    `#!/bin/sh\n# Builds.\nbuild() {\n${body(32, '  make')}\n}\n\ndeploy() {\n${body(32, '  scp')}\n}\n`,
    [['build'], ['deploy']],
  ],
  [
    'a.md',
    `# Guide\n\n${body(32, 'Words.')}\n\n## Install it\n\n\`\`\`sh\n# no heading\n\`\`\`\n${body(32, 'Words.')}\n`,
    [['Guide'], ['Install it']],
  ],
  [
    'a.kt',
    `import x\n\nsuspend fun load(a: Int) {\n${body(32, '  a()')}\n}\n\ndata class Box(val a: Int) {\n${body(32, '  // a')}\n}\n`,
    [['load'], ['Box']],
  ],
];

describe('chunks', () => {
  const syntax = new Syntax(FOLDER);
  after(() => syntax.dispose());
  const chunks = async (file: string, text: string) =>
    chunksOf(file, text.split('\n'), await syntax.declarations(file, text));

  for (const [file, text, declares] of CASES) {
    it(`follow the declarations of ${file}`, async () => {
      const found = await chunks(file, text);
      const named = found.map(({ names }) => [...new Set(names)]).filter((names) => names.length > 0);
      assert.deepEqual(
        named.map((names, i) => names.filter((name) => declares[i]?.includes(name))),
        declares,
        JSON.stringify(named),
      );
    });

    it(`cover ${file} once, without gaps`, async () => {
      const found = await chunks(file, text);
      let next = 0;
      for (const { first, last } of found) {
        assert.equal(first, next);
        assert.ok(last >= first && last - first < 81, `${first}-${last}`);
        next = last + 1;
      }
      assert.equal(next, text.trimEnd().split('\n').length);
    });
  }

  it('begin with the comment before a declaration', async () => {
    const [file, text] = CASES[0]!;
    const lines = text.split('\n');
    const greet = (await chunks(file, text)).find(({ names }) => names.includes('greet'))!;
    assert.ok(lines.slice(greet.first, greet.first + 3).includes('/** Says hello. */'));
  });

  it('of a broken file, an empty one and one long line', async () => {
    for (const text of ['', '\n\n', 'function (', 'class { { {\n'.repeat(300), `${'x '.repeat(20000)}\n`]) {
      for (const { first, last } of await chunks('a.ts', text)) assert.ok(last >= first);
    }
    assert.deepEqual(await chunks('a.ts', ''), []);
  });

  it('a large function says in each part where it stands', async () => {
    const found = await chunks('a.ts', `function huge() {\n${body(200, '  step();\n')}\n}\n`);
    assert.ok(found.length > 3);
    assert.ok(found.slice(1).every(({ names, scope }) => [...names, ...scope].includes('huge')));
  });

  it('the build copies every grammar', function () {
    if (!existsSync('dist/indexer.cjs')) this.skip();
    const missing = new Set(
      Object.values(GRAMMARS).filter((name) => !existsSync(join('dist', `tree-sitter-${name}.wasm`))),
    );
    assert.deepEqual([...missing], []);
  });
});

describe('terms', () => {
  const read = (text: string): Set<number> => {
    const reader = new TermReader();
    reader.read(Buffer.from(text));
    return new Set(reader.terms.subarray(0, reader.count));
  };
  for (const [text, words, whole] of [
    ['parseHTMLElement', ['parse', 'html', 'element'], 'parse_html_element'],
    ['max_line_length', ['max', 'line', 'length'], 'maxLineLength'],
    ['$private_Thing2', ['private', 'thing2'], 'privateThing2'],
    ['MAX_SIZE', ['max', 'size'], 'maxSize'],
    ['Größe überSchrift', ['größe', 'über', 'schrift'], ''],
    ['ファイル', ['ファ', 'ァイ', 'イル'], ''],
  ] as const) {
    it(`of ${text}`, () => {
      const found = read(text);
      for (const word of words) assert.ok(found.has(termOf(word)), word);
      if (whole) assert.ok(found.has(identifierTerm(whole)), whole);
      assert.equal(found.size, words.length + (whole ? 1 : 0));
    });
  }

  it('lines are counted, and numbers and data left out', () => {
    const reader = new TermReader();
    reader.read(Buffer.from(`one\n\ntwo 12345678 ${'a'.repeat(100)}\r\nx three`));
    assert.deepEqual([...reader.lines.subarray(0, reader.count)], [0, 2, 3]);
    assert.equal(reader.lineCount, 4);
  });

  it('one stem for the forms of a word', () => {
    for (const forms of [
      'parse parser parsed parsing parses',
      'option options',
      'render rendering rendered renders',
      'stop stopped stopping',
      'validate validation validator',
      'query queries',
      'match matches',
    ]) {
      assert.equal(new Set(forms.split(' ').map(stem)).size, 1, `${forms}: ${forms.split(' ').map(stem).join(' ')}`);
    }
    for (const other of ['class', 'string', 'user', 'is', 'bus']) assert.ok(stem(other).length > 1);
    assert.deepEqual(wordsOf('readFile of HTTPServer, a_b'), ['read', 'file', 'of', 'http', 'server']);
  });
});
