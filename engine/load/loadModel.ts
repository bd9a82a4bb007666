import type { WeightDType } from '../../kernels/ops.ts';
import { type Blueprint, readBlueprint } from '../models/architectures.ts';
import { withFormats } from '../models/decoder.ts';
import type { Checkpoint } from '../sources/checkpoint.ts';
import { parseGenerationConfig } from '../sources/generationConfig.ts';
import { openSource } from '../sources/openSource.ts';
import { readTokenizer } from '../tokenizer/tokenizer.ts';
import type { ModelReference } from '../wire/protocol.ts';
import { type InferenceOptions, type LoadedModel, type ModelDescription, assembleModel } from './loadedModel.ts';
import { type LoadWeightsOptions, loadWeights } from './loadWeights.ts';
import { type BackendOptions, openBackend } from './openBackend.ts';

export interface LoadOptions extends BackendOptions, InferenceOptions, LoadWeightsOptions {
  /** Format of the matrices; embedding and head take at least 8 bits. Chosen by the model's size where absent. */
  readonly weights?: WeightDType | undefined;
}

/** Below this number of parameters, 4 bits cost more quality than they save memory. */
const SMALL_MODEL_PARAMETERS = 200e6;

/**
 * Loads the referenced model onto a backend. Rejects with BadModel, OutOfMemory, BackendLost or Cancelled; then nothing
 * is held.
 */
export async function loadModel(reference: ModelReference, options: LoadOptions): Promise<LoadedModel> {
  const source = await openSource(reference);
  const blueprint = readBlueprint(await source.config());
  const { architecture, config } = blueprint;
  const generationConfig = parseGenerationConfig(await source.generationConfig());
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
    return await loadOntoBackend(description, blueprint, checkpoint, options);
  } catch (error) {
    tokenizer?.dispose();
    throw error;
  } finally {
    await checkpoint?.close();
  }
}

async function loadOntoBackend(
  description: ModelDescription,
  { tensors, build }: Blueprint,
  checkpoint: Checkpoint,
  options: LoadOptions,
): Promise<LoadedModel> {
  const { ops, notes } = await openBackend(options);
  try {
    const parameters = tensors.reduce((sum, { shape }) => sum + shape.reduce((a, b) => a * b, 1), 0);
    const weights = options.weights ?? (parameters < SMALL_MODEL_PARAMETERS ? 'f16' : 'q4');
    const decoder = build(await loadWeights(ops, checkpoint, withFormats(tensors, weights), options), ops);
    return assembleModel(description, { ops, notes, decoder, weights }, options);
  } catch (error) {
    await ops.dispose();
    throw error;
  }
}
