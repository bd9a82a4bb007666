/** `airgap tune` on random weights in the shape of phi-3-mini: which variants of the products are right here, and how fast. */
import { tune } from '../../engine/cli/bench/tune.ts';
import { loadModel } from '../../engine/load/loadModel.ts';
import type { Ops } from '../../kernels/ops.ts';
import { randomModel } from '../bench/engine/shapes.ts';

const SECONDS = 50;

async function tuneRandom(): Promise<void> {
  let ops: Ops | undefined;
  const observe = (loaded: Ops): Ops => (ops = loaded);
  const options = { backend: 'webgpu', weights: 'q4', allowSoftwareGpu: true, observe } as const;
  const model = await loadModel(randomModel('phi-3-mini', 1), options);
  try {
    await tune(model, ops!, { seconds: SECONDS, store: 'store' }, new AbortController().signal);
  } finally {
    await model.dispose();
  }
}

tuneRandom().catch((error: unknown) => {
  console.error((error as Error).message);
  process.exitCode = 1;
});
