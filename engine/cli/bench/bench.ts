import type { Command } from 'commander';
import { loadModel } from '../../load/loadModel.ts';
import { type BenchOptions, benchBackends } from './backends.ts';
import { type ModelBenchOptions, modelSpeed } from './model.ts';
import { addModelOptions, wholeNumber } from '../options.ts';
import { starterFolder } from '../bundledModels.ts';
import { modelPath } from '../storeOptions.ts';

export type ModelBenchCliOptions = BenchOptions & ModelBenchOptions;

/** `airgap bench`: load, prefill and decode speed beside the memory bandwidth measured in the same run. */
export function addBench(program: Command, signal: AbortSignal): void {
  const command = program
    .command('bench [model]')
    .description('measure speed and memory of a model (default: the bundled starter model)');
  addBenchOptions(command).action(async (named: string = starterFolder(), options: ModelBenchCliOptions) => {
    const model = await modelPath(named, options);
    await benchBackends([modelSpeed((load) => loadModel(model, load), options)], options, { signal });
  });
}

/** Adds the options that every benchmark of a model takes. */
export function addBenchOptions(command: Command): Command {
  command
    .option('--prompt-tokens <count>', 'prompt length', wholeNumber(1), 512)
    .option('--tokens <count>', 'tokens to decode after the prompt', wholeNumber(2), 32)
    .option('--repeat <count>', 'number of runs; the medians are printed', wholeNumber(1), 3)
    .option(
      '--max-seconds <count>',
      'shorten the prompt and the decoding if either would take longer',
      wholeNumber(1),
      60,
    )
    .option('--json', 'print the figures as JSON');
  return addModelOptions(command, { both: true });
}
