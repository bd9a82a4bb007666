#!/usr/bin/env node
/** `npx airgap ...` in a clone: the terminal program under Node 24, built first where it is missing. */
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { findNode24, installDependencies, runUnderNode24 } from './node24.mjs';
import { root } from './nodeBinary.mjs';

const program = join(root, 'dist/airgap.cjs');
if (!existsSync(program)) {
  installDependencies();
  const { status } = spawnSync(findNode24(), ['.ci/build.mjs'], { cwd: root, stdio: ['ignore', 2, 2] });
  if (status !== 0) process.exit(1);
}
runUnderNode24(program, process.argv.slice(2));
