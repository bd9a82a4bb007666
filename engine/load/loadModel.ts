import type { WeightDType } from '../../kernels/ops.ts';
import { type Blueprint, readBlueprint } from '../models/architectures.ts';
import type { Checkpoint } from '../sources/checkpoint.ts';
import { parseGenerationConfig } from '../sources/generationConfig.ts';
import { openSource } from '../sources/openSource.ts';
import { readTokenizer } from '../tokenizer/tokenizer.ts';
import type { ModelReference } from '../wire/protocol.ts';
import { type InferenceOptions, type LoadedModel, type ModelDescription, assembleModel } from './loadedModel.ts';
import { type LoadWeightsOptions, loadWeights } from './loadWeights.ts';
import { planMemory } from './memoryPlan.ts';
import { type BackendOptions, CHUNK_TOKENS, openBackend } from './openBackend.ts';
import { compare } from './storedPieces.ts';
import { hasOwnHead } from './tiedHead.ts';
import { chooseFormats } from './weightFormats.ts';

export interface LoadOptions extends BackendOptions, InferenceOptions, LoadWeightsOptions {
  /** Format of the matrices; embedding and head take at least 8 bits. Where absent, each tensor takes its own. */
  readonly weights?: WeightDType | undefined;
}

/**
 * Loads the referenced model onto a backend. Rejects with BadModel, OutOfMemory, BackendLost or Cancelled; then nothing
 * is held.
 */
export async function loadModel(reference: ModelReference, options: LoadOptions): Promise<LoadedModel> {
  const source = await openSource(reference);
  const json = await source.config();
  const blueprint = readBlueprint(json);
  const { architecture, config } = blueprint;
  const parsed = parseGenerationConfig(await source.generationConfig());
  const generationConfig = { ...parsed, stopIds: parsed.stopIds.length > 0 ? parsed.stopIds : blueprint.stopIds };
  const tokenizer = await readTokenizer(await source.tokenizerFiles(), {
    architecture,
    vocabSize: config.vocabSize,
    generationStopIds: generationConfig.stopIds,
  });
  let checkpoint: Checkpoint | undefined;
  try {
    checkpoint = await source.checkpoint();
    const fingerprint = await source.fingerprint();
    const description = { name: source.name, tokenizer, fingerprint, ...generationConfig };
    return await loadOntoBackend(description, await withOwnHead(blueprint, json, checkpoint), checkpoint, options);
  } catch (error) {
    tokenizer?.dispose();
    throw error;
  } finally {
    await checkpoint?.close();
  }
}

/** The blueprint, untied where the checkpoint has a head that differs from the embedding (see hasOwnHead). */
async function withOwnHead(blueprint: Blueprint, json: unknown, checkpoint: Checkpoint): Promise<Blueprint> {
  if (!blueprint.config.tied || !(await hasOwnHead(checkpoint))) return blueprint;
  return readBlueprint({ ...(json as object), tie_word_embeddings: false });
}

async function loadOntoBackend(
  description: ModelDescription,
  { config, tensors, build }: Blueprint,
  checkpoint: Checkpoint,
  options: LoadOptions,
): Promise<LoadedModel> {
  compare(checkpoint, tensors);
  const specs = chooseFormats(tensors, checkpoint, options.weights);
  const { ops, notes } = await openBackend(options);
  try {
    const { chunkTokens = CHUNK_TOKENS[ops.backend], kv, contextLength } = options;
    const memory = planMemory(config, specs, {
      freeBytes: ops.bytesFree,
      mostKvPages: (dtype) => ops.mostKvPages({ ...config, dtype }),
      chunkTokens,
      kv,
      contextLength,
    });
    if (memory.note) notes.push(memory.note);
    const decoder = build(await loadWeights(ops, checkpoint, specs, options), ops);
    return assembleModel(description, { ops, notes, decoder, specs, memory }, options);
  } catch (error) {
    await ops.dispose();
    throw error;
  }
}
