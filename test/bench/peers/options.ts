import { Command, InvalidArgumentError, Option } from 'commander';
import { MINI } from './shape.ts';

export const ENGINES = ['airgap', 'node-llama-cpp', 'onnxruntime-node', 'wllama'] as const;
export type EngineName = (typeof ENGINES)[number];

export interface PeerOptions {
  /** A GGUF file that all engines load, in place of the random model. */
  model?: string;
  layers: number;
  only: readonly EngineName[];
  /** Engines compute on the GPU. */
  gpu: boolean;
  threads: number;
  tokens: number;
  repeat: number;
  /** For all engines together, without making their files. */
  minutes: number;
}

/** Parses the options of `npm run bench -- --peers`. Prints errors and help, then throws a CommanderError. */
export function parsePeerOptions(args: readonly string[], defaultThreads: number): PeerOptions {
  const program = new Command('npm run bench -- --peers')
    .description('our engine beside others on this machine, all on the same model')
    .exitOverride()
    .configureHelp({ helpWidth: 110 })
    .addOption(new Option('--peers').default(true).hideHelp())
    .option('--model <file>', 'GGUF file (default: a random phi-3-mini of 4 bits, generated once)')
    .option(
      '--layers <count>',
      'measure with fewer layers; the figures are of these',
      whole(1, MINI.layers),
      MINI.layers,
    )
    .addOption(new Option('--only <names...>', 'measure these engines').choices(ENGINES).default(ENGINES, 'all'))
    .option('--gpu', 'on the GPU, by WebGPU, Vulkan or Metal, in place of the CPU', false)
    .option('--threads <count>', 'threads of each engine', whole(1, 64), defaultThreads)
    .option('--tokens <count>', 'tokens to decode after a prompt', whole(2, 256), 16)
    .option('--repeat <count>', 'runs at most; medians are printed', whole(1, 100), 3)
    .option(
      '--minutes <count>',
      'for all engines in equal parts: repeats, and then runs, that would take longer are left out',
      whole(1, 600),
      11,
    )
    .allowExcessArguments(false);
  return program.parse(args, { from: 'user' }).opts<PeerOptions>();
}

function whole(least: number, most: number): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (!Number.isInteger(value) || value < least || value > most)
      throw new InvalidArgumentError(`It must be a whole number from ${least} to ${most}.`);
    return value;
  };
}
