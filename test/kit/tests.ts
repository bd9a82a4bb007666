/**
 * The tests of the kernels and the goldens that use a GPU, as one program: on whichever GPU this machine has. What a slow one
 * takes longest for comes last.
 */
import { mocha } from './mochaHere.ts';
import '../engine/models/golden.test.ts';
import '../kernels/ops.test.ts';
import '../kernels/attention.test.ts';
import '../kernels/largeValues.test.ts';
import '../kernels/quantizedTypes.test.ts';
import '../kernels/stored.test.ts';
import '../kernels/superBlocks.test.ts';
import '../kernels/topK.test.ts';
import '../kernels/gpu/attentionVariants.test.ts';
import '../kernels/gpu/fusion.test.ts';
import '../kernels/gpu/gpu.test.ts';
import '../kernels/gpu/quantizedWeights.test.ts';
import '../kernels/gpu/variants.test.ts';
import '../engine/models/gpuVariants.test.ts';

/** Then the test that runs is the last, so that there are counts before the kit ends this program. */
const MOST_MS = 220_000;

const runner = mocha.run((failures) => {
  const { passes = 0, pending = 0 } = runner.stats ?? {};
  const left = runner.total - passes - failures - pending;
  if (left > 0) console.log(`${left} of ${runner.total} tests were not reached in ${MOST_MS / 1000} s.`);
  process.exit(failures > 0 || left > 0 ? 1 : 0);
});
setTimeout(() => runner.abort(), MOST_MS);
