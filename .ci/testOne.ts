/**
 * `npm run test:one -- PATTERN [TITLE]`: builds and runs only the test files whose path contains PATTERN. If there is
 * none, PATTERN is part of a title, and tests with such a title run. TITLE narrows the run to titles that contain it.
 *   npm run test:one -- engine/chat
 *   npm run test:one -- session.test 'reuses the prefix'
 *   npm run test:one -- 'reuses the prefix'
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { build } from 'esbuild';
import { testFiles, tests } from './bundles.ts';
import { provideToTests } from './chatModel.ts';
import { ensureChromium } from './chromium.ts';
import { root } from './nodeBinary.mjs';
import { SWIFTSHADER } from './gpu/software.ts';
import { buildProduct, runNode } from './steps.ts';
import { THIS_FOLDER, WINDOW_TIMEOUT } from './suites.ts';

const [pattern, title] = process.argv.slice(2);
if (!pattern) {
  console.error('Name a part of a test file or of a test: npm run test:one -- PATTERN [TITLE]');
  process.exit(1);
}
const byPath = testFiles().filter((file) => file.includes(pattern));
const byText = testFiles().filter((file) => readFileSync(join(root, file), 'utf8').includes(pattern));
const files = byPath.length > 0 ? byPath : byText;
if (files.length === 0) {
  console.error(`No test file contains '${pattern}', neither in its path nor in its text.`);
  process.exit(1);
}
const grep = title ?? (byPath.length > 0 ? undefined : pattern);
const inWindow = files.some((file) => file.startsWith('test/window/'));
if (inWindow || files.some((file) => file.startsWith('test/webview/'))) ensureChromium();

buildProduct();
provideToTests();
await build(tests(files));
const bundles = files.map((file) => file.replace(/^test\/(.*)\.ts$/, 'dist/test/$1.mjs'));
process.exit(
  runNode(
    [
      join(root, 'node_modules/mocha/bin/mocha.js'),
      ...bundles,
      ...(grep ? ['--fgrep', grep] : []),
      ...(inWindow ? WINDOW_TIMEOUT : []),
    ],
    inWindow ? THIS_FOLDER : process.env.VK_DRIVER_FILES ? {} : SWIFTSHADER,
  ),
);
