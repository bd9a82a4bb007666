import { homedir } from 'node:os';
import { resolve } from 'node:path';
import type { Command } from 'commander';
import { thisDisk } from '../discovery/disk.ts';
import { knownBandwidth } from '../discovery/bandwidthFile.ts';
import type { Listing } from '../discovery/describe.ts';
import { findModels, placeTitle } from '../discovery/findModels.ts';
import { listModels } from '../discovery/listModels.ts';
import { gigabytes } from '../load/memoryPlan.ts';
import { freeBytesOfCpu } from '../load/openBackend.ts';
import { quoted } from '../sources/quoted.ts';
import type { ListedModel } from '../wire/models.ts';
import { measureBandwidth } from './bandwidth.ts';
import { addJsonOption, runModelCommand } from './modelOutput.ts';
import { starterFolder } from './starter.ts';
import { type StoreOptions, addStoreOption, placesOf, storeOf } from './storeOptions.ts';
import { type Column, rowFormatter } from './table.ts';

interface ModelsOptions extends StoreOptions {
  all?: boolean;
  measure: boolean;
  json?: boolean;
}

/** Half of what benchmarks read, since a list is not to wait for it. */
const MEASUREMENT = { bytes: 2 ** 29, mostMs: 400 };

/** `airgap models`: the models on this computer, with what they take here and whether they run. */
export function addModels(program: Command, signal: AbortSignal): void {
  const command = program
    .command('models [path...]')
    .description('list the bundled model, those in the store, and the models at the given paths')
    .option('--all', 'also list what Ollama, LM Studio, Hugging Face, GPT4All, Jan and llama.cpp keep on this disk')
    .option('--no-measure', 'do not measure the memory bandwidth, from which speeds are estimated');
  addJsonOption(addStoreOption(command)).action((paths: string[], options: ModelsOptions) =>
    runModelCommand(options, async ({ note }) => {
      const { models, notes } = await listed(paths, options, signal);
      if (!options.json) print(models, options);
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
  const stored = entries.map(({ id, origin, hash, path, name, shared, sha256, licence }): Listing => {
    const known = { sha256: sha256 ?? undefined, licence: licence ?? undefined, stored: { id, origin, hash } };
    return { path, name, program: shared ? 'sharedStore' : 'store', ...known };
  });
  const computer = { platform: process.platform, home: homedir(), env: process.env, disk: thisDisk };
  const found = options.all ? await findModels(computer, signal) : { candidates: [], notes: [] };
  const listings: Listing[] = [
    { path: starterFolder(), name: 'Starter model', program: 'bundled' },
    ...stored,
    ...paths.map((path): Listing => ({ path: resolve(path), name: '', program: 'named' })),
    ...found.candidates,
  ];
  const measure = (): Promise<number> => measureBandwidth(undefined, MEASUREMENT);
  const bandwidth = await knownBandwidth(placesOf(options).folder, options.measure ? measure : undefined);
  const machine = { disk: thisDisk, freeBytes: freeBytesOfCpu(), bandwidth };
  return { models: await listModels(listings, machine, signal), notes: [...problems, ...found.notes] };
}

function print(models: readonly ListedModel[], { all }: ModelsOptions): void {
  const columns: Omit<Column<ListedModel>, 'width'>[] = [
    { title: 'name', text: ({ name }) => name },
    { title: 'kind', text: ({ kind }) => kind },
    { title: 'size', text: ({ bytes }) => gigabytes(bytes) },
    { title: 'memory', text: ({ memoryBytes }) => (memoryBytes === null ? '' : gigabytes(memoryBytes)) },
    { title: 'context', text: ({ contextLength }) => contextLength?.toLocaleString('en') ?? '' },
    { title: 'tokens/s', text: ({ tokensPerSecond: speed }) => (speed === null ? '' : `~${rounded(speed)}`) },
    { title: 'place', text: ({ place }) => placeTitle(place) },
    { title: 'licence', text: ({ licence }) => licence ?? '' },
    { title: 'hash', text: ({ hash }) => hash },
  ];
  const widest = columns.map((column) => ({
    ...column,
    width: models.reduce((most, model) => Math.max(most, column.text(model).length), 0),
  }));
  const row = rowFormatter(widest, 'table');
  for (const model of models) {
    console.log(row(model));
    if (model.place !== 'bundled') console.log(`    ${quoted(model.path, 4096)}`);
    if (model.problem !== null) console.log(`    cannot be used: ${model.problem}`);
  }
  console.log('\nMemory, context and speed are estimates for the CPU of this machine.');
  if (!all) console.log('"airgap models --all" also lists what other programs keep on this disk.');
}

function rounded(speed: number): string {
  return speed < 10 ? speed.toFixed(1) : Math.round(speed).toString();
}
