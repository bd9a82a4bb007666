/**
 * `npm run bench`: the benchmarks in test/bench. Without one of the flags --peers, --index, --page, --ocr and --remote it is
 * that of the engine, whose --help lists the options.
 */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { build } from 'esbuild';
import { bench } from './bundles.ts';
import { root } from './nodeBinary.mjs';
import { buildProduct } from './steps.ts';

const has = (flag: string): boolean => process.argv.includes(flag);
if (has('--ocr') || (has('--index') && !existsSync(join(root, 'dist/indexer.cjs')))) buildProduct();
await import(await script());

/** Path of the script to run: those that need kernels or `vscode` are bundled, the others run as they are. */
async function script(): Promise<string> {
  if (has('--peers')) return join(root, 'test/bench/peers/main.ts');
  const name =
    ['page', 'ocr', 'remote'].find((each) => has(`--${each}`)) ?? (has('--index') ? 'index/main' : 'engine/main');
  await build(bench(name));
  return join(root, `dist/bench/${name}.mjs`);
}
