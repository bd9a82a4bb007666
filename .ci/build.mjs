/**
 * Builds everything into dist/: `node .ci/build.mjs [--tests] [--watch]`.
 *   dist/extension.cjs  the extension host's part        dist/engine.cjs  the engine process
 *   dist/airgap.cjs     the terminal program             dist/test/*.mjs  one bundle per test file (--tests)
 *   dist/{node,webgpu}/PLATFORM  this platform's Node and Dawn, where a package has them
 *   dist/webview/chat.{js,css}  the chat's page
 *   dist/indexer.cjs  the thread that keeps the project's index    dist/tree-sitter*.wasm  its parsers
 *   dist/tiktoken_bg.wasm  where the bundled package `tiktoken` looks for it: beside the bundle
 * Shaders are embedded as text, WASM kernels as bytes, the WASM worker as source, so that a bundle is one file.
 */
import { copyFileSync, existsSync, globSync, rmSync } from 'node:fs';
import { build, context } from 'esbuild';
import { kernelsPlugin } from '../kernels/wasm/build/plugin.mjs';
import { linkNatives } from './natives.mjs';
import { writeNotices } from './notices.mjs';

const shared = {
  bundle: true,
  platform: 'node',
  target: 'node20',
  loader: { '.wgsl': 'text' },
  plugins: [kernelsPlugin],
  sourcemap: 'linked',
  logLevel: 'warning',
};

const product = {
  ...shared,
  entryPoints: Object.fromEntries(
    [
      ['extension', 'extension/main.ts'],
      ['engine', 'engine/process/main.ts'],
      ['airgap', 'engine/cli/main.ts'],
      ['indexer', 'extension/retrieval/indexerThread.ts'],
    ].filter(([, file]) => existsSync(file)),
  ),
  format: 'cjs',
  external: ['vscode', 'webgpu'],
  define: { 'import.meta.url': '""' },
  outdir: 'dist',
  outExtension: { '.js': '.cjs' },
  metafile: true,
};

/** What a browser runs: VS Code's, since 1.104. */
const page = {
  bundle: true,
  entryPoints: ['webview/main.tsx', 'webview/style.css'].map((file) => ({ in: file, out: 'chat' })),
  format: 'iife',
  target: 'chrome138',
  minify: true,
  charset: 'utf8',
  legalComments: 'none',
  alias: { entities: './webview/entities.ts' },
  jsx: 'automatic',
  jsxImportSource: 'preact',
  outdir: 'dist/webview',
  logLevel: 'warning',
  metafile: true,
};

const tests = {
  ...shared,
  entryPoints: globSync('test/**/*.test.ts'),
  format: 'esm',
  packages: 'external',
  alias: { vscode: './test/support/extension/vscodeStub.ts' },
  outbase: 'test',
  outdir: 'dist/test',
  outExtension: { '.js': '.mjs' },
};

/** Those that extension/retrieval/syntax.ts names; a test looks that none is missing. */
const grammars = 'bash c-sharp cpp css go java javascript php python ruby rust tsx typescript'.split(' ');

const configs = process.argv.includes('--tests') ? [product, page, tests] : [product, page];
if (process.argv.includes('--watch')) {
  for (const config of configs) await (await context(config)).watch();
} else {
  rmSync('dist/test', { recursive: true, force: true });
  const [{ metafile }, ofPage] = await Promise.all(configs.map((config) => build(config)));
  copyFileSync('node_modules/tiktoken/lite/tiktoken_bg.wasm', 'dist/tiktoken_bg.wasm');
  for (const file of ['tree-sitter.wasm', ...grammars.map((name) => `tree-sitter-${name}.wasm`)]) {
    copyFileSync(`node_modules/@vscode/tree-sitter-wasm/wasm/${file}`, `dist/${file}`);
  }
  writeNotices(metafile, ofPage.metafile);
  linkNatives();
}
