/** `npm run bench`: the terminal program's `bench`, or with --peers the comparison with other engines. */
import { join } from 'node:path';
import { installDependencies, runUnderNode24 } from './node24.mjs';
import { root } from './nodeBinary.mjs';

const args = process.argv.slice(2);
if (args.includes('--peers')) {
  installDependencies();
  runUnderNode24(join(root, 'test/bench/peers/main.ts'), args);
} else {
  process.argv.splice(2, 0, 'bench');
  await import('./airgap.mjs');
}
