/**
 * The bundles that esbuild builds from the sources:
 *   dist/extension.cjs  the extension host's part       dist/engine.cjs  the engine process
 *   dist/airgap.cjs     the terminal program            dist/indexer.cjs  the thread that keeps the project's index
 *   dist/ocr.cjs        the thread that reads the text of a picture
 *   dist/webview/chat.{js,css}  the chat page           dist/webview/preview.{js,css}  the preview of screenshots
 *   dist/test/*.mjs     one bundle per test file        dist/bench/*.mjs  the benchmarks that need the kernels
 * Shaders are embedded as text, WASM kernels as bytes and the WASM worker as source, so that a bundle is one file.
 */
import { globSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { BuildOptions, Plugin } from 'esbuild';
import { bundledText, kernelsPlugin } from '../kernels/build/plugin.ts';
import { root } from './nodeBinary.mjs';

const shared = {
  absWorkingDir: root,
  bundle: true,
  metafile: true,
  logLevel: 'warning',
} satisfies BuildOptions;

const node = {
  ...shared,
  platform: 'node',
  target: 'node20',
  loader: { '.wgsl': 'text' },
  plugins: [kernelsPlugin],
  sourcemap: 'linked',
} satisfies BuildOptions;

export const product = {
  ...node,
  entryPoints: {
    extension: 'extension/main.ts',
    engine: 'engine/process/main.ts',
    airgap: 'engine/cli/main.ts',
    indexer: 'extension/retrieval/indexerThread.ts',
    ocr: 'extension/ocr/ocrThread.ts',
  },
  format: 'cjs',
  external: ['vscode', 'webgpu'],
  define: { 'import.meta.url': '""' },
  outdir: 'dist',
  outExtension: { '.js': '.cjs' },
} satisfies BuildOptions;

/** `frame:./FILE` is the source text of a script that a page of ours gives to a frame: FILE with its imports, bundled. */
const framePlugin: Plugin = {
  name: 'frame',
  setup(builder) {
    builder.onResolve({ filter: /^frame:/ }, ({ path, importer }) => ({
      path: join(dirname(importer), path.slice('frame:'.length)),
      namespace: 'frame',
    }));
    builder.onLoad({ filter: /.*/, namespace: 'frame' }, ({ path }) =>
      bundledText(path, { platform: 'browser', format: 'iife', target: 'chrome138' }),
    );
  },
};

/** The pages run in the browser that VS Code 1.104 contains, or a newer one. */
export const page = {
  ...shared,
  entryPoints: [
    ...['webview/main.tsx', 'webview/style.css'].map((file) => ({ in: file, out: 'chat' })),
    ...['webview/preview/main.tsx', 'webview/preview/preview.css'].map((file) => ({ in: file, out: 'preview' })),
  ],
  format: 'iife',
  target: 'chrome138',
  minify: true,
  charset: 'utf8',
  legalComments: 'none',
  alias: { entities: './webview/markdown/entities.ts' },
  plugins: [framePlugin],
  jsx: 'automatic',
  jsxImportSource: 'preact',
  outdir: 'dist/webview',
} satisfies BuildOptions;

/** Test files run in plain Node, where a stub stands in for `vscode`. */
export function tests(files: string[]): BuildOptions {
  return {
    ...node,
    entryPoints: files,
    format: 'esm',
    packages: 'external',
    alias: { vscode: './test/support/extension/vscodeStub.ts' },
    outbase: 'test',
    outdir: 'dist/test',
    outExtension: { '.js': '.mjs' },
  };
}

/** A benchmark in test/bench, by its path there without the extension. */
export function bench(script: string): BuildOptions {
  return { ...tests([`test/bench/${script}.ts`]), target: 'node24', outbase: 'test/bench', outdir: 'dist/bench' };
}

/** Every test file, relative to the repository's root. */
export function testFiles(): string[] {
  return globSync('test/**/*.test.ts', { cwd: root }).map((file) => file.replaceAll('\\', '/'));
}
