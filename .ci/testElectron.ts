/**
 * `npm run test:electron`: runs the window tests in VS Code on the desktop, which needs a screen. VSCODE_EXECUTABLE
 * names an installed VS Code; without it, @vscode/test-electron downloads one.
 */
import { join } from 'node:path';
import { downloadAndUnzipVSCode } from '@vscode/test-electron';
import { cacheDir, root } from './nodeBinary.mjs';
import { buildProduct, runNode } from './steps.ts';

buildProduct({ tests: true });
const executable =
  process.env.VSCODE_EXECUTABLE ?? (await downloadAndUnzipVSCode({ cachePath: join(cacheDir, 'vscode') }));
const mocha = join(root, 'node_modules/mocha/bin/mocha.js');
process.exit(
  runNode([mocha, 'dist/test/window/**/*.test.mjs', '--timeout', '120000'], { VSCODE_EXECUTABLE: executable }),
);
