/** Our WASM backend. Bundled before it runs, because kernels are embedded. */
import { bytesPerToken, measureRun } from '../../../engine/cli/benchModel.ts';
import { type LoadedModel, loadRandomModel } from '../../../engine/load/loadModel.ts';
import { SHAPES } from '../engine/shapes.ts';
import { measure, ownPeakBytes } from './measure.ts';

await measure(async ({ layers, threads }) => {
  let model: LoadedModel;
  return {
    async load() {
      const config = { ...SHAPES['phi-3-mini'], num_hidden_layers: layers };
      model = await loadRandomModel('phi-3-mini', config, { backend: 'wasm', weights: 'q4', threads });
      return bytesPerToken(model);
    },
    run: (promptTokens, tokens) => measureRun(model, promptTokens, tokens, new AbortController().signal),
    peakBytes: ownPeakBytes,
    close: () => model.dispose(),
  };
});
