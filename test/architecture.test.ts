import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';
import { withTables } from '../.ci/readmeTables.ts';

/** What each file may import, by path; packages count by name. The first matching row wins. */
const ALLOWED: [file: RegExp, imports: RegExp][] = [
  [/^(engine\/wire|webview)\/protocol\.ts$/, /^$/],
  [/^kernels\/wasm\/build\//, /^(kernels\/wasm\/build\/|node:|esbuild$|assemblyscript\/asc$)/],
  [/^kernels\//, /^(kernels\/|node:|wasm-(kernels|worker):)/],
  [/^webview\//, /^(webview\/|preact(\/|$)|markdown-it$|dompurify$|highlight\.js\/)/],
  [/^engine\/load\//, /^(engine\/|kernels\/|node:|zod$)/],
  [
    /^engine\/(models|layers|tokenizer|prompt|completion)\//,
    /^(engine\/|kernels\/(ops|check|quantize|sparsity)\.ts$|zod$|tiktoken\/|@huggingface\/)/,
  ],
  // The benchmarks are on their way out of the terminal program.
  [
    /^engine\/cli\//,
    /^(engine\/|test\/bench\/|extension\/|kernels\/(ops|check|quantize)\.ts$|package\.json$|node:|zod$|commander$)/,
  ],
  [/^engine\//, /^(engine\/|kernels\/(ops|check|quantize|sparsity)\.ts$|package\.json$|node:|zod$|vscode-jsonrpc)/],
  [
    /^extension\//,
    /^(extension\/|engine\/wire\/|webview\/protocol\.ts$|vscode$|node:|zod$|diff$|picomatch$|ignore$|vscode-jsonrpc(\/node)?$|@vscode\/tree-sitter-wasm)/,
  ],
];

/** Files of ours that everybody may read: no place of somebody's machine, and nothing secret. */
const FORBIDDEN_TEXT = /\/(home|Users)\/[a-z]|\/root\/|\/work\/|BEGIN [A-Z ]*PRIVATE KEY|npmjs\.|_authToken/;
const MAX_LINES = 400;

const files = execFileSync('git', ['ls-files'], { encoding: 'utf8' }).split('\n').filter(Boolean);
const sources = files.filter((file) => /^(kernels|engine|extension|webview)\/.*\.tsx?$/.test(file));
const written = files.filter((file) => !/^(test\/fixtures\/|media\/|package-lock\.json)/.test(file));
const read = (file: string): string => readFileSync(file, 'utf8');

/** What a file imports: paths from the repository's root, or package names. */
function imports(file: string): string[] {
  const found = read(file).matchAll(/(?:\bfrom|\bimport|\bimport\()\s*'([^']+)'/g);
  return [...found].map(([, target]) => (target!.startsWith('.') ? normalize(join(dirname(file), target!)) : target!));
}

describe('architecture', () => {
  it('imports follow the dependency rules', () => {
    assert.ok(sources.length > 50);
    const violations = sources.flatMap((file) => {
      const allowed = ALLOWED.find(([pattern]) => pattern.test(file))![1];
      return imports(file).flatMap((target) => (allowed.test(target) ? [] : [`${file} -> ${target}`]));
    });
    assert.deepEqual(violations, []);
  });

  it('the rules refuse what they should', () => {
    const refused = (file: string, target: string) => !ALLOWED.find(([pattern]) => pattern.test(file))![1].test(target);
    for (const [file, target] of [
      ['engine/inference/session.ts', 'kernels/gpu/gpuOps.ts'],
      ['engine/inference/session.ts', 'vscode'],
      ['engine/models/phi3.ts', 'node:fs'],
      ['extension/engine/engine.ts', 'engine/inference/session.ts'],
      ['kernels/ops.ts', 'engine/wire/protocol.ts'],
      ['engine/wire/protocol.ts', 'engine/inference/generation.ts'],
      ['extension/main.ts', 'test/support/close.ts'],
    ] as const) {
      assert.ok(refused(file, target), `${file} -> ${target}`);
    }
  });

  it('what calls itself pure imports neither vscode nor a file that does', () => {
    const pure = files.filter(
      (file) => /^extension\/.*\.ts$/.test(file) && /^\/\*\*[^/]*\b(Pure|No vscode)\b/.test(read(file)),
    );
    assert.ok(pure.length >= 3, String(pure));
    const reaches = (file: string, seen: Set<string>): boolean =>
      imports(file).some((target) => {
        if (target === 'vscode') return true;
        if (!sources.includes(target) || seen.has(target)) return false;
        return reaches(target, seen.add(target));
      });
    assert.deepEqual(
      pure.filter((file) => reaches(file, new Set())),
      [],
    );
  });

  it('models, layers, tokenizer, prompt and completion touch no disk, clock or process', () => {
    const pure = sources.filter((file) => /^engine\/(models|layers|tokenizer|prompt|completion)\//.test(file));
    assert.deepEqual(
      pure.filter((file) => /\b(process\.|Date\.now|new Date|performance\.|setTimeout)/.test(read(file))),
      [],
    );
  });

  it(`no file of ours has more than ${MAX_LINES} lines`, () => {
    const code = written.filter((file) => /\.(tsx?|mjs|cjs|js|wgsl|py|c|css|html)$/.test(file));
    assert.deepEqual(
      code.filter((file) => read(file).trimEnd().split('\n').length > MAX_LINES),
      [],
    );
  });

  it("no text names a place on somebody's machine", () => {
    const others = written.filter((file) => file !== 'test/architecture.test.ts');
    assert.deepEqual(
      others.filter((file) => FORBIDDEN_TEXT.test(read(file))),
      [],
    );
  });

  it("README's tables of settings and commands are those of package.json (npm run format)", () => {
    assert.equal(read('README.md'), withTables(read('README.md')));
  });

  it('README names only files that exist', () => {
    const linked = [...read('README.md').matchAll(/\]\(([^)#:]+)\)/g)].map((match) => match[1]!);
    assert.deepEqual(
      linked.filter((file) => !files.includes(file) && file !== 'media/ghost-text.png'),
      [],
    );
  });
});
