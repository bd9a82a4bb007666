/**
 * `npm run coverage [-- PATTERN]`: which lines of the product the unit tests run, from V8's own counters. PATTERN is part
 * of the paths of the test files; without it all run that need neither a window nor a GPU. Prints a table and writes
 * .cache/coverage/index.html.
 */
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { build } from 'esbuild';
import { CoverageReport } from 'monocart-coverage-reports';
import { testFiles, tests } from './bundles.ts';
import { root } from './nodeBinary.mjs';
import { buildProduct, runNode } from './steps.ts';
import { WEBGPU } from './suites.ts';

const [pattern = ''] = process.argv.slice(2);
const files = testFiles().filter((file) => file.includes(pattern) && !/^test\/(window|long|webview)\//.test(file));
const folder = join(root, '.cache/coverage');
const counters = join(folder, 'counters');

buildProduct();
await build(tests(files));
rmSync(folder, { recursive: true, force: true });
const bundles = files.map((file) => file.replace(/^test\/(.*)\.ts$/, 'dist/test/$1.mjs'));
const mocha = [join(root, 'node_modules/mocha/bin/mocha.js'), '--reporter', 'dot', '--timeout', '60000'];
const code = runNode([...mocha, ...bundles, '--grep', WEBGPU, '--invert'], { NODE_V8_COVERAGE: counters });

const report = new CoverageReport({
  name: 'Airgap',
  outputDir: folder,
  clean: false,
  reports: [['v8'], ['console-details', {}]],
  entryFilter: ({ url }) => url.includes('/dist/') && !url.includes('/node_modules/'),
  sourceFilter: (path) => /^(kernels|engine|extension|webview)\/.*\.tsx?$/.test(path),
});
await report.addFromDir(counters);
await report.generate();
process.exit(code);
