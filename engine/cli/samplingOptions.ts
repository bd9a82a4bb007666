import type { Command } from 'commander';
import { decimal, wholeNumber } from './options.ts';

/** What the user asks for; absent for the default. */
export interface SamplingOptions {
  seed: number;
  temperature?: number;
  topP?: number;
  topK?: number;
  minP?: number;
  repetitionPenalty?: number;
}

/** The options of every command that samples. `temperature` is the default temperature. */
export function addSamplingOptions(command: Command, { temperature }: { temperature?: number } = {}): Command {
  const own = temperature === undefined ? " (default: the model's own)" : '';
  return command
    .option('--seed <number>', 'seed of the random number generator', wholeNumber(0), 0)
    .option(
      '--temperature <number>',
      `sampling temperature; 0 always picks the most likely token${own}`,
      decimal(0, 10),
      temperature,
    )
    .option('--top-p <share>', 'sample from the most likely tokens with this total probability', decimal(0, 1))
    .option('--top-k <count>', 'sample from this many of the most likely tokens', wholeNumber(1))
    .option('--min-p <share>', 'sample from tokens with at least this share of the highest probability', decimal(0, 1))
    .option(
      '--repetition-penalty <factor>',
      'above 1 makes tokens of the prompt and the answer less likely',
      decimal(0.1, 10),
    );
}

/** The options that were given. */
export function samplingOf(options: SamplingOptions): SamplingOptions {
  const { seed, temperature, topP, topK, minP, repetitionPenalty } = options;
  return {
    seed,
    ...(temperature === undefined ? {} : { temperature }),
    ...(topP === undefined ? {} : { topP }),
    ...(topK === undefined ? {} : { topK }),
    ...(minP === undefined ? {} : { minP }),
    ...(repetitionPenalty === undefined ? {} : { repetitionPenalty }),
  };
}
