/** Measures our WASM backend. It is bundled before it runs, because the kernels are embedded in the bundle. */
import { measureRun } from '../../../engine/cli/bench/model.ts';
import { loadModel } from '../../../engine/load/loadModel.ts';
import type { LoadedModel } from '../../../engine/load/loadedModel.ts';
import { randomModel } from '../engine/shapes.ts';
import { measure, ownPeakBytes } from './measure.ts';

await measure(async ({ files, layers, threads }) => {
  let model: LoadedModel;
  return {
    async load() {
      const [file] = files;
      model = file
        ? await loadModel(file, { backend: 'wasm', threads })
        : await loadModel(randomModel('phi-3-mini', layers), { backend: 'wasm', weights: 'q4', threads });
      return model.bytesPerToken;
    },
    run: (promptTokens, tokens) => measureRun(model, promptTokens, tokens, new AbortController().signal),
    peakBytes: ownPeakBytes,
    close: () => model.dispose(),
  };
});
