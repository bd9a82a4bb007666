import { type Command, Option } from 'commander';
import { findEntry } from '../download/catalogue.ts';
import { downloadModel, type DownloadPlan } from '../download/downloadModel.ts';
import { PUBLIC_HUB } from '../download/hub.ts';
import { terminalHttp } from '../download/terminalHttp.ts';
import { BadRequest } from '../errors.ts';
import { printCatalogue } from './catalogueTable.ts';
import { addJsonOption, runModelCommand } from './modelOutput.ts';
import { describeStored } from './models/storedModels.ts';
import { askYesNo, canAsk } from './question.ts';
import { addStoreOption, storeOf, type StoreOptions } from './storeOptions.ts';

interface GetOptions extends StoreOptions {
  yes?: boolean;
  unchecked?: boolean;
  json?: boolean;
  from: string;
}

/** `airgap get`: downloads a model into the store. The only command that reaches a network. */
export function addGet(program: Command, signal: AbortSignal): void {
  const command = program
    .command('get')
    .description('download a model into the store; the only command that uses a network')
    .argument('[name]', 'name of a model of the catalogue, which is printed where no name is given')
    .option('--yes', 'download without a question')
    .option('--unchecked', 'with --yes: also if nobody says which hash the files should have')
    .addOption(
      new Option('--from <address>', 'a hub, a mirror of one, or a file share').env('AIRGAP_HUB').default(PUBLIC_HUB),
    );
  addJsonOption(addStoreOption(command)).action((name: string | undefined, options: GetOptions) => {
    if (name === undefined) return printCatalogue();
    return runModelCommand(options, async ({ progress, say }) => {
      const entry = await downloadModel(findEntry(name), {
        store: await storeOf(options),
        http: terminalHttp(),
        address: options.from,
        token: process.env['HF_TOKEN'],
        signal,
        confirm: (plan) => confirm(plan, options, say, signal),
        onProgress: ({ step, doneBytes, totalBytes }) => progress(step, doneBytes, totalBytes),
      });
      say(`${entry.name} is at ${entry.path}`);
      return describeStored(entry, options);
    });
  });
}

/** Prints the plan, and asks on a terminal. Rejects with BadRequest if nobody can be asked and the options do not say yes. */
async function confirm(
  plan: DownloadPlan,
  { yes = false, unchecked = false }: GetOptions,
  say: (text: string) => void,
  signal: AbortSignal,
): Promise<boolean> {
  say(planText(plan));
  if (yes && (plan.hash !== 'unchecked' || unchecked)) return true;
  if (!canAsk()) {
    throw new BadRequest(
      yes
        ? `Nobody says which hash the files of ${plan.name} should have; --unchecked downloads them nevertheless.`
        : `Nothing was downloaded: ${plan.name} needs --yes where no terminal can ask.`,
    );
  }
  return askYesNo('Download?', signal);
}

const HASHES: Record<DownloadPlan['hash'], string> = {
  verified: 'compared with the hash in the catalogue',
  stated: 'compared with the hash that the same server states',
  unchecked: 'NOT compared with any hash: neither the catalogue nor the server states one',
};

function planText({ name, address, bytes, neededBytes, freeBytes, licence, gated, hash }: DownloadPlan): string {
  const size = (value: number) => `${(value / 1e9).toFixed(2)} GB`;
  return [
    `${name} from ${address}`,
    `  size      ${size(bytes)}${neededBytes < bytes ? `, of which ${size(neededBytes)} are still to come` : ''}`,
    `  free      ${size(freeBytes)}`,
    `  licence   ${licence}${gated ? ', to be accepted on the hub; needs a token in HF_TOKEN' : ''}`,
    `  contents  ${HASHES[hash]}`,
  ].join('\n');
}
