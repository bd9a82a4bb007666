/**
 * `npm run bench`: the benchmarks in test/bench. Without one of the flags --peers, --index and --page it is that of the
 * engine, whose --help lists the options.
 */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { build } from 'esbuild';
import { bench } from './bundles.ts';
import { root } from './nodeBinary.mjs';
import { buildProduct } from './steps.ts';

const args = process.argv.slice(2);
if (args.includes('--peers')) {
  await import('../test/bench/peers/main.ts');
} else if (args.includes('--index')) {
  if (!existsSync(join(root, 'dist/indexer.cjs'))) buildProduct();
  await import('../test/bench/index/main.ts');
} else {
  const script = args.includes('--page') ? 'page' : 'engine/main';
  await build(bench(script));
  await import(join(root, `dist/bench/${script}.mjs`));
}
