/** Measures our WASM or WebGPU backend. It is bundled before it runs, because the kernels are embedded in the bundle. */
import { matrixWeights, measureRun } from '../../../engine/cli/bench/model.ts';
import { loadModel } from '../../../engine/load/loadModel.ts';
import type { LoadedModel } from '../../../engine/load/loadedModel.ts';
import { measureGpu, tuneGpu } from '../../../engine/load/openBackend.ts';
import type { Ops } from '../../../kernels/ops.ts';
import { randomModel } from '../engine/shapes.ts';
import { measure, ownPeakBytes } from './measure.ts';

const SECONDS_TO_TUNE = 20;
const { signal } = new AbortController();

await measure(async ({ files, layers, threads, gpu }) => {
  let model: LoadedModel;
  let ops: Ops;
  const observe = (loaded: Ops): Ops => (ops = loaded);
  const options = { backend: gpu ? 'webgpu' : 'wasm', allowSoftwareGpu: true, threads, observe } as const;
  return {
    async load() {
      const [file] = files;
      model = file
        ? await loadModel(file, options)
        : await loadModel(randomModel('phi-3-mini', layers), { ...options, weights: 'q4' });
      return { bytesPerToken: model.bytesPerToken, device: gpu ? model.info.device : undefined };
    },
    async prepare() {
      if (!gpu) return undefined;
      await tuneGpu(ops, { mostSeconds: SECONDS_TO_TUNE, signal });
      const { copyBytesPerSecond: bytesPerSecond, f32MacsPerSecond: macsPerSecond } = await measureGpu(options);
      return { bytesPerSecond, macsPerSecond, macsPerToken: matrixWeights(model) };
    },
    run: (promptTokens, tokens) => measureRun(model, promptTokens, tokens, signal),
    peakBytes: ownPeakBytes,
    close: () => model.dispose(),
  };
});
