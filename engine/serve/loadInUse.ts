import { type LoadOptions, loadModel } from '../load/loadModel.ts';
import type { LoadedModel } from '../load/loadedModel.ts';
import { useModel } from '../store/useModel.ts';
import type { ModelReference } from '../wire/protocol.ts';

/** Loads a model, which counts in its store as in use until it is disposed. Rejects as loadModel does. */
export async function loadInUse(reference: ModelReference, options: LoadOptions): Promise<LoadedModel> {
  const model = await loadModel(reference, options);
  if (typeof reference !== 'string') return model;
  const release = await useModel(reference);
  return {
    ...model,
    async dispose() {
      await release();
      await model.dispose();
    },
  };
}
