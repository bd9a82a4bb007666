/**
 * `npm run bench`: the terminal program's `bench`; with --peers the comparison with other engines, with --index the
 * project's index at scale, with --page the chat page.
 */
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { findNode24, installDependencies, runUnderNode24 } from './node24.mjs';
import { root } from './nodeBinary.mjs';

const args = process.argv.slice(2);
if (args.includes('--peers')) {
  installDependencies();
  runUnderNode24(join(root, 'test/bench/peers/main.ts'), args);
} else if (args.includes('--index')) {
  installDependencies();
  if (!existsSync(join(root, 'dist/indexer.cjs')))
    spawnSync(findNode24(), ['.ci/build.mjs'], { cwd: root, stdio: 'inherit' });
  runUnderNode24(join(root, 'test/bench/index/main.ts'), args);
} else if (args.includes('--page')) {
  const { build } = await import('esbuild');
  const outfile = join(root, 'dist/bench/page.mjs');
  await build({
    bundle: true,
    platform: 'node',
    format: 'esm',
    packages: 'external',
    alias: { vscode: './test/support/extension/vscodeStub.ts' },
    entryPoints: ['test/bench/page.ts'],
    absWorkingDir: root,
    outfile,
  });
  await import(outfile);
} else {
  process.argv.splice(2, 0, 'bench');
  await import('./airgap.mjs');
}
