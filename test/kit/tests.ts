/** The tests of the kernels and the goldens that use a GPU, as one program: on whichever GPU this machine has. */
import { mocha } from './mochaHere.ts';
import '../engine/models/golden.test.ts';
import '../engine/models/gpuVariants.test.ts';
import '../kernels/attention.test.ts';
import '../kernels/largeValues.test.ts';
import '../kernels/ops.test.ts';
import '../kernels/quantizedTypes.test.ts';
import '../kernels/stored.test.ts';
import '../kernels/superBlocks.test.ts';
import '../kernels/topK.test.ts';
import '../kernels/gpu/fusion.test.ts';
import '../kernels/gpu/gpu.test.ts';
import '../kernels/gpu/quantizedWeights.test.ts';
import '../kernels/gpu/variants.test.ts';

mocha.run((failures) => process.exit(failures > 0 ? 1 : 0));
