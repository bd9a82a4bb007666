import { homedir } from 'node:os';
import { resolve } from 'node:path';
import type { Command } from 'commander';
import { thisDisk } from '../../discovery/disk.ts';
import type { Listing } from '../../discovery/describe.ts';
import { findModels } from '../../discovery/findModels.ts';
import { listModels } from '../../discovery/listModels.ts';
import type { ListedModel } from '../../wire/models.ts';
import { addJsonOption, runModelCommand } from '../modelOutput.ts';
import { bundledModels } from '../bundledModels.ts';
import { type StoreOptions, addStoreOption, storeOf } from '../storeOptions.ts';
import { printModels } from './modelTable.ts';
import { listingOf, thisMachine } from './storedModels.ts';

interface ModelsOptions extends StoreOptions {
  all?: boolean;
  measure: boolean;
  json?: boolean;
}

/** `airgap models`: the models on this computer, with what they take here and whether they run. */
export function addModels(program: Command, signal: AbortSignal): void {
  const command = program
    .command('models [path...]')
    .description('list the bundled model, those in the store, and the models at the given paths')
    .option('--all', 'also list what Ollama, LM Studio, Hugging Face, GPT4All, Jan and llama.cpp keep on this disk')
    .option('--no-measure', 'do not measure the memory bandwidth, from which speeds are estimated');
  addJsonOption(addStoreOption(command)).action((paths: string[], options: ModelsOptions) =>
    runModelCommand(options, async ({ say, note }) => {
      const { models, notes } = await listed(paths, options, signal);
      if (!options.json) printModels(models);
      if (!options.all) say('"airgap models --all" also lists what other programs keep on this disk.');
      notes.forEach(note);
      return models;
    }),
  );
}

async function listed(
  paths: readonly string[],
  options: ModelsOptions,
  signal: AbortSignal,
): Promise<{ models: ListedModel[]; notes: string[] }> {
  const { entries, problems } = await (await storeOf(options)).entries();
  const computer = { platform: process.platform, home: homedir(), env: process.env, disk: thisDisk };
  const found = options.all ? await findModels(computer, signal) : { candidates: [], notes: [] };
  const listings: Listing[] = [
    ...bundledModels(),
    ...entries.map(listingOf),
    ...found.candidates,
    ...paths.map((path): Listing => ({ path: resolve(path), name: '', program: 'named' })),
  ];
  return {
    models: await listModels(listings, await thisMachine(options), signal),
    notes: [...problems, ...found.notes],
  };
}
