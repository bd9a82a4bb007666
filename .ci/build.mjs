/**
 * Builds everything into dist/: `node .ci/build.mjs [--tests] [--watch]`. bundles.ts lists the bundles; beside them go
 *   dist/{node,webgpu}/PLATFORM  this platform's Node and Dawn, as in a package
 *   dist/tree-sitter*.wasm       the parsers of completions and of the project's index
 *   dist/tiktoken_bg.wasm        where the bundled package `tiktoken` looks for it: beside the bundle
 *   dist/tesseract-core*.wasm, dist/*.traineddata.gz  what reads the text of pictures, and its languages
 *   dist/sample-project          what the walkthrough opens
 *   dist/THIRD_PARTY_NOTICES.txt the licences of everything that is bundled
 */
import { copyFileSync, cpSync, rmSync } from 'node:fs';
import { build, context } from 'esbuild';
import { page, product, testFiles, tests } from './bundles.ts';
import { linkNatives } from './natives.ts';
import { writeNotices } from './notices.ts';
import { sampleProject } from './steps.ts';

/** Those that engine/syntax/grammars.ts names; a test checks that none is missing. */
const grammars = 'bash c-sharp cpp css go java javascript php python ruby rust tsx typescript'.split(' ');

rmSync('dist/test', { recursive: true, force: true });
const [ofProduct, ofPage] = await Promise.all([build(product), build(page)]);
if (process.argv.includes('--tests')) await build(tests(testFiles()));
copyFileSync('node_modules/tiktoken/lite/tiktoken_bg.wasm', 'dist/tiktoken_bg.wasm');
for (const file of ['tree-sitter.wasm', ...grammars.map((name) => `tree-sitter-${name}.wasm`)]) {
  copyFileSync(`node_modules/@vscode/tree-sitter-wasm/wasm/${file}`, `dist/${file}`);
}
copyFileSync('node_modules/tesseract.js-core/tesseract-core-simd-lstm.wasm', 'dist/tesseract-core-simd-lstm.wasm');
for (const language of ['deu', 'eng']) {
  // The variant of integers: a quarter of the size, and as accurate (test/bench/FIGURES.md).
  const file = `${language}.traineddata.gz`;
  copyFileSync(`node_modules/@tesseract.js-data/${language}/4.0.0_best_int/${file}`, `dist/${file}`);
}
cpSync('test/fixtures/sample-project', 'dist/sample-project', { recursive: true });
writeNotices(ofProduct.metafile, ofPage.metafile);
linkNatives();
if (process.argv.includes('--watch')) await watch();

/** Rebuilds what a saved file changes, until Ctrl+C. A window in development follows: see CONTRIBUTING.md. */
async function watch() {
  // F5 opens it.
  sampleProject();
  /** @type {import('esbuild').Plugin} */
  const report = {
    name: 'report',
    setup({ onStart, onEnd }) {
      onStart(() => console.log('Building ...'));
      onEnd(({ errors }) =>
        console.log(`${errors.length > 0 ? 'Not built' : 'Built'} at ${new Date().toTimeString().slice(0, 8)}.`),
      );
    },
  };
  for (const options of [product, page]) {
    const plugins = [...('plugins' in options ? options.plugins : []), report];
    await (await context({ ...options, plugins })).watch();
  }
}
