import { type Command, Option } from 'commander';
import type { WeightDType } from '../../kernels/ops.ts';
import { readCalibrationText } from '../calibrate/calibrationText.ts';
import { type Calibration, importModel } from '../store/import/importModel.ts';
import { type ModelOutput, addJsonOption, runModelCommand } from './modelOutput.ts';
import { describeStored } from './models/storedModels.ts';
import { type StoreOptions, addStoreOption, storeOf } from './storeOptions.ts';

interface ImportCliOptions extends StoreOptions {
  name?: string;
  weights?: WeightDType;
  calibrate?: string;
  json?: boolean;
}

/** `airgap import`: adds a model that is on this disk to the store. */
export function addImport(program: Command, signal: AbortSignal): void {
  const command = program
    .command('import')
    .description('add a model to the store: a GGUF file stays where it is, a folder with 16 or 32 bits is packed')
    .argument('<path>', 'GGUF file, or folder in the layout of Hugging Face')
    .option('--name <name>', 'name in the store (default: that of the file or folder)')
    .addOption(
      new Option('--weights <format>', 'format of the packed weights (default: by the number of parameters)').choices([
        'q8',
        'q4',
      ]),
    )
    .option(
      '--calibrate <file>',
      'a text like those that the model will see; the weights that matter there lose less in 4 bits',
    );
  addJsonOption(addStoreOption(command)).action((path: string, options: ImportCliOptions) =>
    runModelCommand(options, async (output) => {
      const { progress, say } = output;
      const { name, weights, calibrate } = options;
      const entry = await importModel(path, await storeOf(options), {
        name,
        weights,
        calibration: calibrate === undefined ? undefined : await calibration(calibrate, output),
        signal,
        onWait: (pid) => say(`Waiting for process ${pid}, which works on this model.`),
        onProgress: (doneBytes, totalBytes) => progress('pack', doneBytes, totalBytes),
      });
      const { origin } = entry;
      say(`${entry.name} ${origin === 'reference' ? 'is used where it lies:' : 'was packed into'} ${entry.path}`);
      return describeStored(entry, options);
    }),
  );
}

/** Rejects with BadRequest where the file holds no text. */
async function calibration(file: string, { progress, say }: ModelOutput): Promise<Calibration> {
  return {
    text: await readCalibrationText(file),
    backend: 'auto',
    onProgress: (doneBytes, totalBytes) => progress('calibrate', doneBytes, totalBytes),
    onCalibrated: ({ tokens, weights }) =>
      say(`Calibrated with ${tokens} tokens of ${file}, with weights in ${weights}.`),
  };
}
