import { BadModel } from '../errors.ts';
import { type Blueprint, readBlueprint } from '../models/architectures.ts';
import type { Checkpoint } from '../sources/checkpoint.ts';
import { parseGenerationConfig } from '../sources/generationConfig.ts';
import { openSource } from '../sources/openSource.ts';
import { parsePreprocessorConfig } from '../sources/preprocessorConfig.ts';
import type { ModelSource } from '../sources/source.ts';
import { readTokenizer } from '../tokenizer/tokenizer.ts';
import type { ModelReference } from '../wire/protocol.ts';
import type { ModelDescription } from './loadedModel.ts';
import { compare } from './storedPieces.ts';

/** A model whose texts are read and whose weights are known to be those that it needs, but not loaded. */
export interface OpenedModel {
  readonly source: ModelSource;
  readonly description: ModelDescription;
  readonly blueprint: Blueprint;
  /** The caller closes it, and disposes the description's tokenizer. */
  readonly checkpoint: Checkpoint;
}

/**
 * Opens the referenced model and checks everything but the values of its weights. `ownHead` says whether the checkpoint of
 * a model with a tied head has another head nevertheless. Rejects with BadModel; then nothing is held.
 */
export async function openModel(
  reference: ModelReference,
  ownHead: (checkpoint: Checkpoint) => boolean | Promise<boolean>,
): Promise<OpenedModel> {
  const source = await openSource(reference);
  try {
    return await openFrom(source, ownHead);
  } catch (error) {
    // A GGUF file's metadata are read as the config.json that they stand for.
    if (!(error instanceof BadModel) || source.format !== 'GGUF') throw error;
    const ofMetadata = error.message.replaceAll(/\bconfig\.json/g, 'the metadata');
    throw new BadModel(ofMetadata.replace(/^the/, 'The'));
  }
}

async function openFrom(
  source: ModelSource,
  ownHead: (checkpoint: Checkpoint) => boolean | Promise<boolean>,
): Promise<OpenedModel> {
  const json = await source.config();
  let blueprint = readBlueprint(json);
  const { architecture, config } = blueprint;
  const parsed = parseGenerationConfig(await source.generationConfig());
  const generationConfig = { ...parsed, stopIds: parsed.stopIds.length > 0 ? parsed.stopIds : blueprint.stopIds };
  const { mostCrops } = parsePreprocessorConfig(await source.preprocessorConfig());
  const tokenizer = await readTokenizer(await source.tokenizerFiles(), {
    architecture,
    vocabSize: config.vocabSize,
    generationStopIds: generationConfig.stopIds,
  });
  let checkpoint: Checkpoint | undefined;
  try {
    checkpoint = await source.checkpoint();
    const fingerprint = await source.fingerprint();
    if (config.tied && (await ownHead(checkpoint)))
      blueprint = readBlueprint({ ...(json as object), tie_word_embeddings: false });
    compare(checkpoint, blueprint.tensors);
    const description = { name: source.name, tokenizer, fingerprint, mostCrops, ...generationConfig };
    return { source, description, blueprint, checkpoint };
  } catch (error) {
    tokenizer?.dispose();
    await checkpoint?.close();
    throw error;
  }
}
