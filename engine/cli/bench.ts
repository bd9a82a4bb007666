import { availableParallelism, cpus } from 'node:os';
import { type Command, Option } from 'commander';
import { BadRequest } from '../errors.ts';
import { SHAPES } from '../../test/bench/engine/shapes.ts';
import type { Backend } from '../wire/protocol.ts';
import { measureBandwidth } from './bandwidth.ts';
import { type AttentionRow, benchAttention, printAttentionRow } from '../../test/bench/engine/attention.ts';
import { benchChat, printChatRows } from '../../test/bench/engine/chat.ts';
import { type ProfileRow, benchProfile, printProfileRow } from '../../test/bench/engine/profile.ts';
import { type SpeculationRow, benchSpeculation, printSpeculationRow } from '../../test/bench/engine/speculation.ts';
import { type ModelBenchOptions, type ModelRow, benchModel, gigabytes, printModelRow } from './benchModel.ts';
import { type ModelOptions, addModelOptions, loadOptions, wholeNumber } from './options.ts';

interface BenchOptions extends Omit<ModelOptions, 'backend'>, ModelBenchOptions {
  backend: Backend | 'auto' | 'both';
  attention?: boolean;
  profile?: boolean;
  speculation?: string;
  chat?: boolean;
  peers?: boolean;
  json?: boolean;
}

/** Of a recording, at which completions are asked for. */
const PLACES = 40;

/** `airgap bench`: prefill and decode speed beside the memory bandwidth measured in the same run. */
export function addBench(program: Command, signal: AbortSignal): void {
  const command = program
    .command('bench [model]')
    .description('measure speed and memory of a model (default: the starter model)')
    .addOption(new Option('--shape <name>', 'random weights of released shapes').choices(Object.keys(SHAPES)))
    .option('--layers <count>', 'measure with fewer layers than the shape has', wholeNumber(1))
    .option('--attention', 'time block-sparse against dense attention on the shape of phi-3-small instead')
    .option('--profile', 'time each operation of prefill and decode instead')
    .option('--speculation <recording>', 'decode with and without drafts at places of recorded edits instead')
    .option('--chat', 'time ghost text without and beside a chat instead')
    .option(
      '--peers',
      'beside other engines, which are downloaded for it (in the repository: npm run bench -- --peers)',
    )
    .option('--prompt-tokens <count>', 'prompt length', wholeNumber(1), 512)
    .option('--tokens <count>', 'tokens to decode after the prompt', wholeNumber(2), 32)
    .option('--repeat <count>', 'runs; medians are printed', wholeNumber(1), 3)
    .option('--max-seconds <count>', 'shorten prompt and decoding where either would take longer', wholeNumber(1), 60)
    .option('--json', 'print the figures as JSON');
  addModelOptions(command, { both: true }).action((folder: string | undefined, options: BenchOptions) =>
    bench(folder, options, signal),
  );
}

async function bench(folder: string | undefined, options: BenchOptions, signal: AbortSignal): Promise<void> {
  if (options.shape !== undefined && folder !== undefined)
    throw new BadRequest('Give a model folder or --shape, not both.');
  if (options.peers) throw new BadRequest('--peers needs the repository: run `npm run bench -- --peers` there.');
  const bandwidth = await measureBandwidth();
  if (!options.json) {
    console.log(`${cpus()[0]?.model ?? 'unknown processor'}, ${availableParallelism()} cores, Node ${process.version}`);
    console.log(`memory read bandwidth, ${availableParallelism()} threads: ${gigabytes(bandwidth)} GB/s`);
    console.log(options.shape || options.attention ? 'random weights: speed only, no quality\n' : '');
  }
  const measure = measurement(options);
  const rows: unknown[] = [];
  const failures: string[] = [];
  for (const backend of options.backend === 'both' ? (['wasm', 'webgpu'] as const) : [options.backend]) {
    try {
      rows.push(...(await measure(folder, { ...options, backend }, bandwidth, signal)));
    } catch (error) {
      if (options.backend !== 'both' || signal.aborted) throw error;
      failures.push(`${backend}: not measured: ${error instanceof Error ? error.message : String(error)}`);
      if (!options.json) console.log(failures.at(-1));
    }
  }
  if (options.json) console.log(JSON.stringify({ bandwidth, random: options.shape !== undefined, rows, failures }));
  if (rows.length === 0) throw new BadRequest('No backend could be measured.');
}

type Measure = (
  folder: string | undefined,
  options: BenchOptions & ModelOptions,
  bandwidth: number,
  signal: AbortSignal,
) => Promise<object[]>;

function measurement({ attention, profile, speculation, chat }: BenchOptions): Measure {
  if (chat) return measureChat;
  if (attention) return measureAttention;
  if (profile) return measureProfile;
  return speculation === undefined ? measureModel : measureSpeculation;
}

async function measureAttention(
  _folder: string | undefined,
  options: BenchOptions & ModelOptions,
  _bandwidth: number,
  signal: AbortSignal,
): Promise<(AttentionRow & { backend: string })[]> {
  if (!options.json) console.log(`${options.backend}: attention of one layer, phi-3-small's shape`);
  const rows = [];
  for await (const row of benchAttention(loadOptions(options, signal), signal)) {
    if (!options.json) printAttentionRow(row);
    rows.push({ backend: options.backend, ...row });
  }
  return rows;
}

async function measureModel(
  folder: string | undefined,
  options: BenchOptions & ModelOptions,
  bandwidth: number,
  signal: AbortSignal,
): Promise<ModelRow[]> {
  const row = await benchModel(folder, options, loadOptions(options, signal), bandwidth, signal);
  if (!options.json) printModelRow(row);
  return [row];
}

async function measureProfile(
  folder: string | undefined,
  options: BenchOptions & ModelOptions,
  bandwidth: number,
  signal: AbortSignal,
): Promise<ProfileRow[]> {
  const rows = await benchProfile(folder, options, loadOptions(options, signal), signal);
  if (!options.json) for (const row of rows) printProfileRow(row, bandwidth);
  return rows;
}

async function measureChat(
  folder: string | undefined,
  options: BenchOptions & ModelOptions,
  _bandwidth: number,
  signal: AbortSignal,
): Promise<object[]> {
  if (!options.json) console.log(`${options.backend}: from a key to its ghost text`);
  const rows = await benchChat({ folder, repeat: options.repeat }, loadOptions(options, signal), signal);
  if (!options.json) printChatRows(rows);
  return [rows];
}

async function measureSpeculation(
  folder: string | undefined,
  options: BenchOptions & ModelOptions,
  _bandwidth: number,
  signal: AbortSignal,
): Promise<SpeculationRow[]> {
  const rows = [];
  const places = { recording: options.speculation!, folder, places: PLACES };
  for await (const row of benchSpeculation(places, loadOptions(options, signal), signal)) {
    if (!options.json) printSpeculationRow(row);
    rows.push(row);
  }
  return rows;
}
