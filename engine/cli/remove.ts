import type { Command } from 'commander';
import { BadRequest, Cancelled } from '../errors.ts';
import type { StoreEntry } from '../store/entry.ts';
import { addJsonOption, runModelCommand } from './modelOutput.ts';
import { askYesNo, canAsk } from './question.ts';
import { type StoreOptions, addStoreOption, findStored, storeOf } from './storeOptions.ts';

interface RemoveOptions extends StoreOptions {
  yes?: boolean;
  json?: boolean;
}

/** `airgap remove`: takes a model out of the store. */
export function addRemove(program: Command, signal: AbortSignal): void {
  const command = program
    .command('remove')
    .description('take a model out of the store; files that lie elsewhere stay')
    .argument('<name>', 'name of a model in the store')
    .option('--yes', 'remove without a question, also while the model is in use');
  addJsonOption(addStoreOption(command)).action((name: string, options: RemoveOptions) =>
    runModelCommand(options, async ({ say }) => {
      const store = await storeOf(options);
      const entry = await findStored(store, name);
      if (!options.yes) await confirm(entry, await store.usedBy(entry), signal);
      await store.remove(entry, { signal });
      say(`${entry.name} was removed.`);
      return [];
    }),
  );
}

async function confirm(entry: StoreEntry, users: readonly number[], signal: AbortSignal): Promise<void> {
  const { name, origin, path, bytes } = entry;
  const what = origin === 'reference' ? `its files stay at ${path}` : `${(bytes / 1e9).toFixed(2)} GB are deleted`;
  const use = users.length > 0 ? ` It is in use by process ${users.join(' and ')}.` : '';
  if (!canAsk()) throw new BadRequest(`Nothing was removed.${use} Where no terminal can ask, ${name} needs --yes.`);
  if (!(await askYesNo(`Remove ${name}? Then ${what}.${use}`, signal))) throw new Cancelled();
}
