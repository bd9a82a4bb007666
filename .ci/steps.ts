/** Steps that several of this folder's scripts take. */
import { spawnSync } from 'node:child_process';
import { cpSync, existsSync } from 'node:fs';
import { join } from 'node:path';
import { root } from './nodeBinary.mjs';

/** Runs one of the repository's tools under this Node, or another, and returns its exit code. */
export function runNode(args: string[], env: NodeJS.ProcessEnv = {}, node = process.execPath): number {
  const { status } = spawnSync(node, args, {
    cwd: root,
    stdio: ['ignore', 'inherit', 'inherit'],
    env: { ...process.env, ...env },
  });
  return status ?? 1;
}

/** The path of a copy of the sample project, so that trying things out leaves the repository clean. */
export function sampleProject(): string {
  const copy = join(root, '.cache/sample-project');
  if (!existsSync(copy)) cpSync(join(root, 'test/fixtures/sample-project'), copy, { recursive: true });
  return copy;
}

/** Builds dist/. Ends the script if that fails, because esbuild has printed why. */
export function buildProduct(options: { tests: boolean } = { tests: false }): void {
  const code = runNode([join(root, '.ci/build.mjs'), ...(options.tests ? ['--tests'] : [])]);
  if (code !== 0) process.exit(code);
}
