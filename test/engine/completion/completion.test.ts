import assert from 'node:assert/strict';
import { completeAt } from '../../../engine/completion/completeAt.ts';
import { BadRequest } from '../../../engine/errors.ts';
import type { Generate } from '../../../engine/inference/generationTypes.ts';
import type { CompleteParams } from '../../../engine/wire/protocol.ts';
import { createTokenizer } from '../../../engine/tokenizer/tokenizer.ts';
import { tinyTokenizerJson } from '../../fixtures/tokenizers/tiny.ts';
import { SHOWN, type ShownCase } from './shownCases.ts';

const tokenizer = createTokenizer({
  tokenizerJson: tinyTokenizerJson({ specials: [{ content: '<|endoftext|>' }, { content: '<|user|>' }] }),
  tokenizerConfig: { bos_token: '<s>', add_bos_token: true },
});

interface Settings {
  multiline?: CompleteParams['multiline'];
  notIn?: CompleteParams['notIn'];
  maxTokens?: number;
  contextLength?: number;
  logprob?: (text: string) => number;
}

/** Completes at the ghost text of `seen` with a model that says `says`; returns what the user then sees. */
async function complete(languageId: string, says: string, seen: string, settings: Settings = {}) {
  const [prefix, rest] = seen.split('\u27e6') as [string, string];
  const suffix = rest.split('\u27e7')[1]!;
  const { multiline = 'auto', maxTokens = 400, contextLength = 4096, logprob = () => -0.001, notIn = [] } = settings;
  const request = { fileName: 'a', languageId, prefix, suffix, maxTokens, multiline, notIn };
  const taken: string[] = [];
  const generate = replay(prefix.replaceAll('\r\n', '\n'), says, logprob, taken);
  const model = { contextLength, fimOrder: 'psm' as const };
  const result = await completeAt(request, { tokenizer, generate, model }, new AbortController().signal);
  return { ...result, seen: `${prefix}\u27e6${result.text}\u27e7${suffix}`, taken: taken.join('') };
}

/** A model that writes the healed end of `prefix` again, then `says`, then ends. */
function replay(prefix: string, says: string, logprob: (text: string) => number, taken: string[]): Generate {
  return ({ ids: prompt }, options) => {
    const healed = tokenizer.decode([...prompt]);
    assert.ok(prefix.endsWith(healed) || prefix.startsWith(healed) || healed === '', 'the prompt is the prefix');
    const removed = healed === '' ? prefix : prefix.slice(prefix.lastIndexOf(healed) + healed.length);
    const ids = tokenizer.encode(removed + says);
    const stats = {
      ...{ stop: null as 'end' | 'length' | null, tokensReused: 0, tokensPrefilled: prompt.length },
      ...{ tokensGenerated: 0, passes: 1, tokensDrafted: 0, tokensAccepted: 0, prefillMs: 1, decodeMs: 1 },
    };
    async function* tokens() {
      for (const id of ids) {
        if (stats.tokensGenerated >= options.maxTokens) return void (stats.stop = 'length');
        if (options.constraint?.active) assert.ok(options.constraint.allows(id));
        options.constraint?.accept(id);
        stats.tokensGenerated++;
        const text = tokenizer.decode([id]);
        taken.push(text);
        yield { id, logprob: logprob(text) };
      }
      stats.stop = 'end';
    }
    return { stats, [Symbol.asyncIterator]: tokens };
  };
}

/** As SHOWN, with settings. */
const CASES: Record<string, (readonly [...ShownCase, Settings?])[]> = {
  'one line': [
    ['typescript', ' 5;\nconst y = 6;', 'const x =⟦ 5;⟧'],
    ['typescript', 'urn x;\n}\n', 'function f() {\n  ret⟦urn x;⟧\n}'],
    ['python', 'rt os\nimport sys\n', 'impo⟦rt os⟧'],
    ['rust', ' = 5;\n', 'let mut n⟦ = 5;⟧'],
    ['json', ' "airgap",\n', '{\n  "name":⟦ "airgap",⟧\n}'],
    ['html', 'lass="a">', '<div c⟦lass="a"⟧>'],
    ['typescript', 'f() {\n  return 1;\n}\n', 'function ⟦f() {⟧', { multiline: 'never' }],
    ['typescript', '   \n', 'const x = 5;⟦⟧'],
    ['typescript', '\n\nconst y = 6;\n', 'const x = 5;⟦⟧'],
    ['typescript', 'b + c   \n', 'const x = a + ⟦b + c⟧'],
  ],
  'mid-line': [
    ['typescript', 'a, b)', 'foo(⟦a, b⟧)'],
    ['typescript', 'a, b);\nbar();', 'foo(⟦a, b⟧)'],
    ['typescript', 'a, g(b), [c]);', 'foo(⟦a, g(b), [c]⟧);'],
    ['typescript', 'a, b', 'foo(bar(⟦a, b⟧))'],
    ['python', 'Plant("mint", date(1))', 'bed.add(⟦Plant("mint", date(1))⟧)'],
    ['python', 'Plant("mint", date(1)))', 'bed.add(⟦Plant("mint", date(1))⟧)'],
    ['typescript', 'b as string)', 'f(a, ⟦b⟧ as string)'],
    ['typescript', 'items.map(f)', 'const n = ⟦items⟧.map(f)'],
    ['typescript', 'a + b;', 'return ⟦a ⟧+ b;'],
    ['typescript', '5;', 'const x = ⟦5⟧;'],
    ['python', 'self, x):', 'def f(⟦self, x⟧):'],
    ['python', 'hello")', 'print("⟦hello⟧")'],
    ['typescript', "world');", "print('⟦world⟧');"],
    ['typescript', 'say \\"hi\\"");', 'print("⟦say \\"hi\\"⟧");'],
    ['rust', "x: &'a str) -> u8 {", "fn f<'a>(⟦x: &'a str⟧) -> u8 {"],
    ['html', 'hello</div>', '<div>⟦hello⟧</div>'],
    ['json', '"a", "b"]', '{ "x": [⟦"a", "b"⟧] }'],
    ['typescript', 'bar', 'fo⟦⟧oBar()'],
    ['typescript', 'bar(1);', 'const x = ⟦⟧foo(b);'],
    ['typescript', ')', 'foo(⟦⟧)'],
    ['typescript', 'const a = 1;', 'const b = 2;\n  ⟦⟧return a + b;'],
    ['typescript', '(a) {\n  b();\n}', 'if ⟦(a) {⟧ // why'],
  ],
  blocks: [
    ['typescript', '\n  return 1;\n}\n\nfunction g() {', 'function f() {⟦\n  return 1;\n}⟧'],
    ['typescript', '\n  return 1;\n}\n', 'function f() {⟦\n  return 1;\n⟧}'],
    ['typescript', 'return 1;\n}\n', 'function f() {\n  ⟦return 1;⟧\n}\n'],
    ['typescript', 'return 1;\n}\n\nf();\n', 'function f() {\n  ⟦return 1;\n}⟧'],
    ['typescript', '\n  a,\n  b,\n);\nbar();', 'foo(⟦\n  a,\n  b,\n);⟧'],
    [
      'typescript',
      '\n    a();\n  } else {\n    b();\n  }\n  c();',
      '  if (x) {⟦\n    a();\n  } else {\n    b();\n  }⟧',
    ],
    ['typescript', ' (a, b) => a + b;\nfoo();', 'const add =⟦ (a, b) => a + b;⟧'],
    ['typescript', ' {\n  a: 1,\n};\nfoo();', 'const o =⟦ {\n  a: 1,\n};⟧'],
    ['python', '\n    return 1\n\ndef g():\n    pass', 'def f():⟦\n    return 1⟧'],
    ['python', '\n        a()\n    else:\n        b()\n    c()\n', '    if x:⟦\n        a()\n    else:\n        b()⟧'],
    ['python', 'x = 1\n    return x\n\ndef g():\n', 'def f():\n    ⟦x = 1\n    return x⟧\n'],
    ['python', 'items.sort()\nprint(items)\n\n\nfoo', '# sort and print\n⟦items.sort()\nprint(items)⟧'],
    ['rust', '\n    let a = 1;\n    a\n}\n\nfn g', 'fn f() -> u8 {⟦\n    let a = 1;\n    a\n}⟧'],
    [
      'rust',
      '\n        Some(x) => x,\n        None => 0,\n    }\n}\n',
      'fn f() {\n    match v {⟦\n        Some(x) => x,\n        None => 0,\n    }⟧\n}',
    ],
    ['json', '\n    "a": 1,\n    "b": 2\n  }\n}', '{\n  "x": {⟦\n    "a": 1,\n    "b": 2\n  ⟧}\n}'],
    ['shellscript', '\n  echo "$f"\ndone\nls', 'for f in *; do⟦\n  echo "$f"\ndone⟧'],
    ['html', '\n  <li>a</li>\n</ul>\n<p>', '<ul id="u">⟦\n  <li>a</li>\n</ul>⟧'],
    ['html', '\n<hr>', '<br>⟦⟧'],
    ['ruby', '\n  1\nend\nfoo', 'def f⟦\n  1\nend⟧'],
    ['typescript', 'a();\nb();\nc();\n\nd();\n', '// call all\n⟦a();\nb();\nc();⟧'],
    [
      'typescript',
      'a1\na2\na3\na4\na5\na6\na7\na8\na9\na10\na11\na12\na13\n',
      '// many\n⟦a1\na2\na3\na4\na5\na6\na7\na8\na9\na10\na11\na12⟧',
    ],
    ['typescript', 'a();\nb();\n\n\nc();', '⟦a();\nb();⟧\nz();', { multiline: 'always' }],
    ['typescript', 'a();\nbbbb', '// c\n⟦a();⟧', { maxTokens: 6 }],
  ],
  'what is there already': [
    ['typescript', 'a();\nb();\n', '// calls\n⟦a();⟧\nb();\n'],
    ['typescript', 'return total;\n', 'x();\n⟦⟧\nreturn total;\n'],
    ['html', '<li>b</li>\n</ul>', '<!-- -->\n<ul>\n<li>a</li>\n⟦<li>b</li>⟧\n</ul>'],
    ['python', 'a = 1\n    b = 2\n    return a\n', 'def f():\n    ⟦a = 1\n    b = 2⟧\n    return a\n'],
  ],
  indentation: [
    ['python', '    return x\n', 'def f():\n    ⟦return x⟧'],
    ['python', '    return x\n', 'def f():\n⟦    return x⟧'],
    ['python', '  return x\n', 'def f():\n  if a:\n    b()\n  ⟦return x⟧'],
    ['typescript', '\n        a();\n    }\n', 'x {\n\ty();\n\tif (a) {⟦\n\t\ta();\n\t}⟧'],
    ['typescript', '\n\t\ta();\n\t}\n', 'x {\n  y();\n  if (a) {⟦\n    a();\n  }⟧'],
    ['python', '\n    return x\n', 'def f():\r\n    ⟦return x⟧\r\n'],
  ],
  noise: [
    ['typescript', 'a; a; a; a; a; a; a;', '⟦⟧'],
    ['typescript', 'foo(bar, foo(bar, foo(bar, foo(bar, foo(bar,', 'x = ⟦⟧'],
    ['rust', ', 1, 1, 1, 1, 1, 1, 1, 1, 1, 1', 'let a = [1⟦⟧'],
    ['python', 'x = 1\nwith_with_with_with_with_', '# a\n⟦x = 1⟧'],
    ['rust', '{}: {}: {}: {}: {}: {}: {}"', 'println!("⟦⟧")'],
    ['markdown', ' --- | --- | --- | --- | --- |', 'a | b\n|⟦ --- | --- | --- | --- | --- |⟧'],
    ['css', '-------------------- */', '/* ⟦-------------------- */⟧'],
    [
      'python',
      'a(\n                        b,\n                    )\n',
      '# deep\n⟦a(\n                        b,\n                    )⟧',
    ],
    ['python', 'ab()\nab()\nab()\nab()\n', '# loop\n⟦ab()⟧'],
    ['python', 'aa()\nbb()\naa()\nbb()\naa()\nbb()\n', '# loop\n⟦aa()\nbb()⟧'],
    ['typescript', '\n```\nThis adds.', 'const f = () => {⟦⟧'],
    ['typescript', 'a();\n```\nThis calls a.', '// call\n⟦a();⟧'],
    ['typescript', '```ts\na();\n```', '// call\n⟦a();⟧'],
    ['typescript', 'zzz', 'x = ⟦⟧', { logprob: () => -4 }],
    ['typescript', 'bar();\nzzzz();\n', '// x\n⟦bar();⟧', { logprob: (t) => (t === 'z' ? -3 : -0.1) }],
    // As far as the model is sure, and no half word.
    ['typescript', 'a.b(c, dd);\n', 'x = ⟦a.b(c⟧', { logprob: (t) => (t.includes('d') ? -3 : -0.01) }],
    ['typescript', 'abc(def', 'x = ⟦abc⟧', { logprob: (t) => (t.includes('e') ? -3 : -0.01) }],
    ['typescript', '(a);', 'x⟦⟧', { logprob: (t) => (t === 'a' ? -3 : -0.01) }],
    ['typescript', 'a;\nb;', '⟦a;⟧\nz();', { logprob: (t) => (t === '\n' ? -9 : -0.01) }],
    ['typescript', '\u{1F600}', 'x = "⟦\u{1F600}⟧"'],
  ],
};

describe('completion', () => {
  for (const [group, cases] of [...Object.entries(CASES), ...Object.entries(SHOWN)]) {
    describe(group, () => {
      for (const [languageId, says, seen, settings] of cases as (readonly [...ShownCase, Settings?])[]) {
        it(`${languageId}: ${JSON.stringify(seen)}`, async () => {
          assert.equal((await complete(languageId, says, seen, settings)).seen, seen);
        });
      }
    });
  }

  it('stops taking tokens where the completion ends', async () => {
    assert.equal((await complete('typescript', ' 5;\nconst y = 6;\n', 'const x =⟦⟧')).taken, ' 5;\n');
    const endless = await complete('typescript', ' = a' + '.get(this'.repeat(50), 'const x⟦⟧');
    assert.ok(endless.taken.length < 50, endless.taken);
    const weak = await complete('typescript', 'abc', 'x(⟦⟧', { logprob: () => -4 });
    assert.deepEqual([weak.text, weak.taken], ['', '(']);
  });

  it('reports what the generation reports, and text where a rule ended it', async () => {
    const ended = await complete('typescript', '5', 'const x = ⟦⟧');
    assert.deepEqual([ended.stop, ended.prefillMs, ended.decodeMs], ['end', 1, 1]);
    assert.ok(ended.tokensPrefilled > 5 && ended.tokensGenerated === 2);
    assert.equal((await complete('typescript', '5\n', 'const x = ⟦⟧')).stop, 'text');
    assert.equal((await complete('typescript', '555', 'const x = ⟦⟧', { maxTokens: 2 })).stop, 'length');
  });

  it('asks for nothing in an empty file', async () => {
    const never = () => assert.fail('asked');
    const request = { fileName: 'a.ts', languageId: 'typescript', prefix: ' \n', suffix: '\n', maxTokens: 9 };
    const model = { contextLength: 512, fimOrder: 'psm' as const };
    const engine = { tokenizer, generate: never, model };
    const result = await completeAt({ ...request, multiline: 'auto' }, engine, new AbortController().signal);
    assert.deepEqual([result.text, result.tokensGenerated], ['', 0]);
  });

  for (const [languageId, prefix, place] of [
    ['typescript', 'const a = 1; // the ', 'comments'],
    ['typescript', '/* one\n two ', 'comments'],
    ['python', '# it\'s "', 'comments'],
    ['html', '<p>\n<!-- a ', 'comments'],
    ['python', 'def f():\n    """Returns ', 'strings'],
    ['typescript', 'f("a ', 'strings'],
    ['typescript', 'const a = `b\n ', 'strings'],
    ['typescript', 'const a = "b"; /* c */ ', undefined],
    ['typescript', 'const a = "http://b" + ', undefined],
    ['markdown', 'It is "so ', undefined],
  ] as const) {
    it(`${languageId}, ${JSON.stringify(prefix)}: not asked where the settings say so (${place ?? 'code'})`, async () => {
      const shown = async (notIn?: 'comments' | 'strings'): Promise<boolean> =>
        (await complete(languageId, 'xyz', `${prefix}⟦⟧`, notIn ? { notIn: [notIn] } : {})).text !== '';
      assert.deepEqual(
        [await shown(), await shown('comments'), await shown('strings')],
        [true, place !== 'comments', place !== 'strings'],
      );
    });
  }

  it('refuses a context without room', async () => {
    await assert.rejects(complete('typescript', 'x', 'a ⟦⟧', { contextLength: 100 }), BadRequest);
  });

  it('hands on a cancellation', async () => {
    const generate: Generate = (_prompt, { signal }) => ({
      stats: {
        ...{ stop: null, tokensReused: 0, tokensPrefilled: 0, tokensGenerated: 0, prefillMs: 0, decodeMs: 0 },
        ...{ passes: 0, tokensDrafted: 0, tokensAccepted: 0 },
      },
      async *[Symbol.asyncIterator]() {
        yield { id: 300, logprob: 0 };
        signal!.throwIfAborted();
      },
    });
    const request = {
      fileName: 'a',
      languageId: 'c',
      prefix: 'int ',
      suffix: '',
      maxTokens: 9,
      multiline: 'auto' as const,
    };
    const model = { contextLength: 512, fimOrder: 'psm' as const };
    await assert.rejects(
      completeAt(request, { tokenizer, generate, model }, AbortSignal.abort(new Error('gone'))),
      /gone/,
    );
  });
});
