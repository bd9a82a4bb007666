import type { Ops, WeightDType } from '../../kernels/ops.ts';
import type { Weights } from '../layers/weights.ts';
import type { OpenTower } from '../vision/imageEncoder.ts';
import type { ModelReference } from '../wire/protocol.ts';
import { type InferenceOptions, type LoadedModel, type SpeedKey, assembleModel, identityOf } from './loadedModel.ts';
import { type LoadWeightsOptions, loadWeights } from './loadWeights.ts';
import type { MemoryLedger } from './memoryLedger.ts';
import { loadTower } from './loadTower.ts';
import { imageBytes, planMemory } from './memoryPlan.ts';
import type { BackendSpeeds } from './modelSpeed.ts';
import { type BackendOptions, CHUNK_TOKENS, freeBytesOfCpu, openBackend } from './openBackend.ts';
import { type OpenedModel, openModel } from './openModel.ts';
import { hasOwnHead } from './tiedHead.ts';
import { chooseFormats, weightBytes } from './weightFormats.ts';

export interface LoadOptions extends BackendOptions, InferenceOptions, LoadWeightsOptions {
  /** Format of the matrices; embedding and head take at least 8 bits. Where absent, each tensor takes its own. */
  readonly weights?: WeightDType | undefined;
  /** Shared by models that may load at once. */
  readonly ledger?: MemoryLedger | undefined;
  /** What was measured of a model before. Nothing is known where absent. */
  readonly knownSpeeds?: ReadKnownSpeeds | undefined;
  /** Stands between the model and its backend, on which the weights have been loaded. */
  readonly observe?: ((ops: Ops, weights: Weights) => Ops) | undefined;
}

/** Reads it; undefined where it was not measured. */
export type ReadKnownSpeeds = (key: SpeedKey) => Promise<BackendSpeeds | undefined>;

/** More memory than a model takes on the CPU for its weights, a context and a step. */
const ROOM = 1.5;

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
  { source, description, blueprint, checkpoint }: OpenedModel,
  options: LoadOptions,
): Promise<LoadedModel> {
  const { config, tensors, build, tower } = blueprint;
  const specs = chooseFormats(tensors, checkpoint, options.weights);
  const ofTower = new Set(tower?.tensors.map(({ name }) => name));
  const ofDecoder = specs.filter(({ name }) => !ofTower.has(name));
  const model = identityOf(description, specs);
  const hasRoom = freeBytesOfCpu() > ROOM * weightBytes(specs);
  const { ops, notes } = await openBackend({
    ...options,
    measuredSpeeds: async (adapter) =>
      model === null || !hasRoom ? undefined : options.knownSpeeds?.({ adapter, model }),
  });
  let loaded: (() => void) | undefined;
  try {
    const { ledger } = options;
    const { chunkTokens = CHUNK_TOKENS[ops.backend], kv, contextLength } = options;
    const memory = planMemory(config, specs, {
      imageBytes: imageBytes(blueprint, description.mostCrops),
      freeBytes: Math.max(0, ops.bytesFree - (ledger?.pendingBytes ?? 0)),
      mostKvPages: (dtype) => ops.mostKvPages({ ...config, dtype }),
      chunkTokens,
      kv,
      contextLength,
    });
    if (memory.note) notes.push(memory.note);
    loaded = ledger?.enter(() => weightBytes(ofDecoder) - ops.bytesHeld);
    const weights = await loadWeights(ops, checkpoint, ofDecoder, options);
    const decoder = build(weights, ops);
    const seen = options.observe?.(ops, weights) ?? ops;
    const parts = tower && { source, blueprint: tower, specs: specs.filter(({ name }) => ofTower.has(name)) };
    const openTower: OpenTower | undefined =
      parts && ((signal) => loadTower(parts, { ...options, backend: ops.backend }, signal));
    return assembleModel(description, { ops: seen, notes, decoder, specs, memory, openTower }, options);
  } catch (error) {
    await ops.dispose();
    throw error;
  } finally {
    loaded?.();
  }
}
