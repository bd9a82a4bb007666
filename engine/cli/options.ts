import { InvalidArgumentError, Option, type Command } from 'commander';
import * as z from 'zod';
import type { KvDType, WeightDType } from '../../kernels/ops.ts';
import { knownSpeeds } from '../discovery/backendSpeedFile.ts';
import { knownTuning } from '../discovery/gpuTuningFile.ts';
import { BadRequest } from '../errors.ts';
import type { LoadOptions } from '../load/loadModel.ts';
import type { BackendChoice } from '../wire/protocol.ts';
import { readJsonFile } from './readFiles.ts';
import { type StoreOptions, addStoreOption, placesOf } from './storeOptions.ts';

/** Options of every command that loads a model. */
export interface ModelOptions extends StoreOptions {
  backend: BackendChoice;
  weights?: WeightDType;
  kv?: KvDType;
  context?: number;
  chunk?: number;
  threads?: number;
}

export function addModelOptions(command: Command, { both = false } = {}): Command {
  return addStoreOption(command)
    .addOption(
      new Option('--backend <name>', 'auto uses a real GPU if there is one; webgpu also uses a software adapter')
        .choices([...(both ? ['both'] : []), 'auto', 'webgpu', 'wasm', 'reference'])
        .default(both ? 'both' : 'auto'),
    )
    .addOption(
      new Option(
        '--weights <format>',
        'format of the weights (default: as stored in up to 8 bits; else f16, q8 or q4 by the number of parameters)',
      ).choices(['f32', 'f16', 'q8', 'q4']),
    )
    .addOption(
      new Option('--kv <format>', 'format of the KV cache (default: f16, or q8 for long contexts)').choices([
        'f32',
        'f16',
        'q8',
      ]),
    )
    .option('--context <tokens>', 'longest context (default: as the model, or what fits into memory)', wholeNumber(1))
    .option('--chunk <tokens>', 'prompt tokens per prefill step', wholeNumber(1))
    .option('--threads <count>', 'threads of the WASM backend', wholeNumber(1));
}

export function loadOptions(options: ModelOptions, signal: AbortSignal): LoadOptions {
  const { backend, weights, kv, context, chunk, threads } = options;
  return {
    backend,
    weights,
    kv,
    contextLength: context,
    chunkTokens: chunk,
    threads,
    signal,
    allowSoftwareGpu: backend === 'webgpu',
    knownTuning: (adapter) => knownTuning(placesOf(options).folder, adapter),
    knownSpeeds: (key) => knownSpeeds(placesOf(options).folder, key),
  };
}

/** Makes an argument parser for whole numbers of at least `least` and at most `most`. */
export function wholeNumber(least: number, most = Infinity): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (!Number.isInteger(value) || value < least || value > most)
      throw new InvalidArgumentError(`It must be a whole number from ${least}${most < Infinity ? ` to ${most}` : ''}.`);
    return value;
  };
}

/** Makes an argument parser for numbers from `least` to `most`. */
export function decimal(least: number, most: number): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (text.trim() === '' || !(value >= least && value <= most)) {
      throw new InvalidArgumentError(`It must be a number from ${least} to ${most}.`);
    }
    return value;
  };
}

/** Reads token ids from a JSON file: [1, 2, …] or {"ids": [1, 2, …]}. Rejects with BadRequest. */
export async function readIds(path: string): Promise<number[]> {
  const list = z.array(z.int()).min(1);
  const schema = z.union([list, z.object({ ids: list }).transform(({ ids }) => ids)]);
  const parsed = schema.safeParse(await readJsonFile(path));
  if (!parsed.success) throw new BadRequest(`${path} is not a JSON list of token ids.`);
  return parsed.data;
}
