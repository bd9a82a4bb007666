/** Our WASM backend. Bundled before it runs, because kernels are embedded. */
import { bytesPerToken, measureRun } from '../../../engine/cli/benchModel.ts';
import { loadModel } from '../../../engine/load/loadModel.ts';
import type { LoadedModel } from '../../../engine/load/loadedModel.ts';
import { SHAPES } from '../engine/shapes.ts';
import { measure, ownPeakBytes } from './measure.ts';

await measure(async ({ layers, threads }) => {
  let model: LoadedModel;
  return {
    async load() {
      const randomConfig = { ...SHAPES['phi-3-mini'], num_hidden_layers: layers };
      model = await loadModel({ name: 'phi-3-mini', randomConfig }, { backend: 'wasm', weights: 'q4', threads });
      return bytesPerToken(model);
    },
    run: (promptTokens, tokens) => measureRun(model, promptTokens, tokens, new AbortController().signal),
    peakBytes: ownPeakBytes,
    close: () => model.dispose(),
  };
});
