/** Each folder is compiled in an environment of its own: names that its code may not use do not compile there. */
import assert from 'node:assert/strict';
import { dirname, resolve } from 'node:path';
import ts from 'typescript';

/** Expressions that compile in a folder, and expressions that must not. */
const ENVIRONMENTS: { config: string; knows: string[]; refuses: string[] }[] = [
  {
    config: 'kernels/tsconfig.json',
    knows: ['process.pid', 'GPUBufferUsage.MAP_READ'],
    refuses: ['document.title', 'describe', 'new FileReader()'],
  },
  {
    config: 'engine/tsconfig.json',
    knows: ['process.pid'],
    refuses: ['document.title', 'describe', 'new FileReader()'],
  },
  { config: 'engine/cli/tsconfig.json', knows: ['process.pid'], refuses: ['document.title', 'describe'] },
  { config: 'extension/tsconfig.json', knows: ['process.pid'], refuses: ['document.title', 'describe', 'window.name'] },
  {
    config: 'webview/tsconfig.json',
    knows: ['document.title'],
    refuses: ['process.pid', 'Buffer.from([])', "import('node:fs')", 'describe'],
  },
  { config: '.ci/tsconfig.json', knows: ['process.pid'], refuses: ['document.title', 'describe'] },
  { config: 'test/tsconfig.json', knows: ['process.pid', 'document.title', 'describe'], refuses: ['documents.title'] },
];

/** Declarations are parsed once for all environments. */
const parsed = new Map<string, ts.SourceFile | undefined>();

/** The expressions that do not compile in the environment of a tsconfig.json. */
function refused(config: string, expressions: string[]): string[] {
  const { options } = ts.parseJsonConfigFileContent(
    ts.readConfigFile(config, ts.sys.readFile).config,
    ts.sys,
    dirname(config),
  );
  const probe = resolve(dirname(config), 'probe.ts');
  const text = expressions.map((expression, i) => `export const x${i}: unknown = ${expression};`).join('\n');
  const host = ts.createCompilerHost(options);
  const { getSourceFile } = host;
  host.fileExists = (file) => file === probe || ts.sys.fileExists(file);
  host.getSourceFile = (file, ...rest) => {
    if (file === probe) return ts.createSourceFile(file, text, ts.ScriptTarget.Latest);
    if (!parsed.has(file)) parsed.set(file, getSourceFile(file, ...rest));
    return parsed.get(file);
  };
  const program = ts.createProgram([probe], options, host);
  const source = program.getSourceFile(probe)!;
  const lines = program
    .getSemanticDiagnostics(source)
    .map(({ start }) => source.getLineAndCharacterOfPosition(start!).line);
  return expressions.filter((_, i) => lines.includes(i));
}

describe('environments', function () {
  this.timeout(60_000);
  for (const { config, knows, refuses } of ENVIRONMENTS) {
    it(`${config} knows ${knows.join(', ')} and refuses ${refuses.join(', ')}`, () => {
      assert.deepEqual(refused(config, [...knows, ...refuses]), refuses);
    });
  }
});
