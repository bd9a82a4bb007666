import type { Command } from 'commander';
import { BadModel } from '../errors.ts';
import { verifyModel } from '../store/verifyModel.ts';
import { addJsonOption, runModelCommand } from './modelOutput.ts';
import { describeStored } from './models/storedModels.ts';
import { type StoreOptions, addStoreOption, findStored, storeOf } from './storeOptions.ts';

interface VerifyOptions extends StoreOptions {
  json?: boolean;
}

/** `airgap verify`: whether the files of a stored model are those that were added. */
export function addVerify(program: Command, signal: AbortSignal): void {
  const command = program
    .command('verify')
    .description('read all files of a stored model and compare their SHA-256 with those that are known')
    .argument('<name>', 'name of a model in the store');
  addJsonOption(addStoreOption(command)).action((name: string, options: VerifyOptions) =>
    runModelCommand(options, async ({ progress, say }) => {
      const store = await storeOf(options);
      const { entry, changes, news } = await verifyModel(await findStored(store, name), store, {
        signal,
        onProgress: (doneBytes, totalBytes) => progress('verify', doneBytes, totalBytes),
      });
      if (changes.length > 0) throw new BadModel(`${entry.name} is not what was added: ${changes.join('; ')}.`);
      const known = entry.files.length - news;
      if (known > 0) say(`${entry.name}: ${known} of ${entry.files.length} files have the known SHA-256.`);
      if (news > 0) say(`${entry.name}: the SHA-256 of ${news} files was not known; it is compared from now on.`);
      return describeStored(entry, options);
    }),
  );
}
