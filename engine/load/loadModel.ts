import type { Ops, WeightDType } from '../../kernels/ops.ts';
import type { Weights } from '../layers/weights.ts';
import type { ModelReference } from '../wire/protocol.ts';
import { type InferenceOptions, type LoadedModel, assembleModel } from './loadedModel.ts';
import { type LoadWeightsOptions, loadWeights } from './loadWeights.ts';
import type { MemoryLedger } from './memoryLedger.ts';
import { planMemory } from './memoryPlan.ts';
import { type BackendOptions, CHUNK_TOKENS, openBackend } from './openBackend.ts';
import { type OpenedModel, openModel } from './openModel.ts';
import { hasOwnHead } from './tiedHead.ts';
import { chooseFormats, weightBytes } from './weightFormats.ts';

export interface LoadOptions extends BackendOptions, InferenceOptions, LoadWeightsOptions {
  /** Format of the matrices; embedding and head take at least 8 bits. Where absent, each tensor takes its own. */
  readonly weights?: WeightDType | undefined;
  /** Shared by models that may load at once. */
  readonly ledger?: MemoryLedger | undefined;
  /** Stands between the model and its backend, on which the weights have been loaded. */
  readonly observe?: ((ops: Ops, weights: Weights) => Ops) | undefined;
}

/**
 * Loads the referenced model onto a backend. Rejects with BadModel, OutOfMemory, BackendLost or Cancelled; then nothing
 * is held.
 */
export async function loadModel(reference: ModelReference, options: LoadOptions): Promise<LoadedModel> {
  const model = await openModel(reference, hasOwnHead);
  try {
    return await loadOntoBackend(model, options);
  } catch (error) {
    model.description.tokenizer?.dispose();
    throw error;
  } finally {
    await model.checkpoint.close();
  }
}

async function loadOntoBackend(
  { description, blueprint, checkpoint }: OpenedModel,
  options: LoadOptions,
): Promise<LoadedModel> {
  const { config, tensors, build } = blueprint;
  const specs = chooseFormats(tensors, checkpoint, options.weights);
  const { ops, notes } = await openBackend(options);
  let loaded: (() => void) | undefined;
  try {
    const { ledger } = options;
    const { chunkTokens = CHUNK_TOKENS[ops.backend], kv, contextLength } = options;
    const memory = planMemory(config, specs, {
      freeBytes: Math.max(0, ops.bytesFree - (ledger?.pendingBytes ?? 0)),
      mostKvPages: (dtype) => ops.mostKvPages({ ...config, dtype }),
      chunkTokens,
      kv,
      contextLength,
    });
    if (memory.note) notes.push(memory.note);
    loaded = ledger?.enter(() => weightBytes(specs) - ops.bytesHeld);
    const weights = await loadWeights(ops, checkpoint, specs, options);
    const decoder = build(weights, ops);
    const seen = options.observe?.(ops, weights) ?? ops;
    return assembleModel(description, { ops: seen, notes, decoder, specs, memory }, options);
  } catch (error) {
    await ops.dispose();
    throw error;
  } finally {
    loaded?.();
  }
}
