import { availableParallelism, cpus } from 'node:os';
import { type Command, Option } from 'commander';
import { BadRequest } from '../errors.ts';
import { type LoadedModel, loadModel, loadRandomModel } from '../load.ts';
import { SHAPES } from '../models/shapes.ts';
import type { Backend } from '../protocol.ts';
import { measureBandwidth, median } from './bandwidth.ts';
import { type ModelOptions, addModelOptions, loadOptions, wholeNumber } from './options.ts';
import { starterFolder } from './starter.ts';

interface BenchOptions extends Omit<ModelOptions, 'backend'> {
  backend: Backend | 'auto' | 'both';
  shape?: string;
  random?: boolean;
  layers?: number;
  promptTokens: number;
  tokens: number;
  repeat: number;
  maxSeconds: number;
  json?: boolean;
}

/** Figures of one model on one backend. All are measured in the run that prints them. */
interface Figures {
  backend: string;
  device: string;
  weights: string;
  bytes: number;
  loadSeconds: number;
  promptTokens: number;
  tokens: number;
  prefillPerSecond: number;
  firstTokenMs: number;
  decodePerSecond: number;
  /** Bytes of weights that decoding reads per second, over the memory bandwidth of the same run. */
  ofBandwidth: number;
}

/** `airgap bench`: prefill and decode speed beside the memory bandwidth measured in the same run. */
export function addBench(program: Command, signal: AbortSignal): void {
  const command = program
    .command('bench [model]')
    .description('print prefill and decode tokens/s and the time to the first token (default: the starter model)')
    .addOption(new Option('--shape <name>', 'a model of released shapes, with --random').choices(Object.keys(SHAPES)))
    .option('--random', 'random weights made in memory: they give speed, never quality')
    .option('--layers <count>', 'measure with fewer layers than the shape has', wholeNumber(1))
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
  if (options.shape !== undefined && !options.random) throw new BadRequest('--shape has no weights; add --random.');
  if (options.shape !== undefined && folder !== undefined)
    throw new BadRequest('Give a model folder or --shape, not both.');
  const bandwidth = await measureBandwidth();
  if (!options.json) {
    console.log(`${cpus()[0]?.model ?? 'unknown processor'}, ${availableParallelism()} cores, Node ${process.version}`);
    console.log(`memory read bandwidth, ${availableParallelism()} threads: ${gigabytes(bandwidth)} GB/s`);
    console.log(options.random ? 'random weights: speed only, no quality\n' : '');
  }
  const rows: Figures[] = [];
  const failures: string[] = [];
  for (const backend of options.backend === 'both' ? (['wasm', 'webgpu'] as const) : [options.backend]) {
    try {
      const row = await measureBackend(folder, { ...options, backend }, bandwidth, signal);
      rows.push(row);
      if (!options.json) printRow(row);
    } catch (error) {
      if (options.backend !== 'both' || signal.aborted) throw error;
      failures.push(`${backend}: not measured: ${error instanceof Error ? error.message : String(error)}`);
      if (!options.json) console.log(failures.at(-1));
    }
  }
  if (options.json) console.log(JSON.stringify({ bandwidth, random: options.random === true, rows, failures }));
  if (rows.length === 0) throw new BadRequest('No backend could be measured.');
}

async function measureBackend(
  folder: string | undefined,
  options: BenchOptions & ModelOptions,
  bandwidth: number,
  signal: AbortSignal,
): Promise<Figures> {
  const load = loadOptions(options, signal);
  const started = performance.now();
  const model =
    options.shape === undefined
      ? await loadModel(folder ?? starterFolder(), load)
      : await loadRandomModel(options.shape, shapeConfig(options.shape, options.layers), load);
  const loadSeconds = (performance.now() - started) / 1000;
  try {
    const { promptTokens, tokens, repeat } = await affordable(model, options, signal);
    const runs = [];
    for (let run = 0; run < repeat; run++) runs.push(await measureRun(model, promptTokens, tokens, signal));
    const { backend, device, bytes } = model.info;
    const decodePerSecond = median(runs.map((run) => run.decodePerSecond));
    return {
      backend,
      device,
      weights: model.weights,
      bytes,
      loadSeconds,
      promptTokens,
      tokens,
      prefillPerSecond: median(runs.map((run) => run.prefillPerSecond)),
      firstTokenMs: median(runs.map((run) => run.firstTokenMs)),
      decodePerSecond,
      ofBandwidth: (bytesPerToken(model) * decodePerSecond) / bandwidth,
    };
  } finally {
    await model.dispose();
  }
}

/** Of weights: all but the embedding, of which a token reads one row. A tied one is the head too. */
function bytesPerToken({ info, config, weights }: LoadedModel): number {
  const perValue = { f32: 4, f16: 2, q8: 34 / 32, q4: 34 / 32 }[weights]; // 8 bits where the matrices take 4.
  return info.bytes - (config.tied ? 0 : config.vocabSize * config.hiddenSize * perValue);
}

function shapeConfig(shape: string, layers: number | undefined): object {
  return layers === undefined ? SHAPES[shape]! : { ...SHAPES[shape]!, num_hidden_layers: layers };
}

interface Effort {
  promptTokens: number;
  tokens: number;
  repeat: number;
}

/** What is asked for, or what fits into maxSeconds by the speed of short runs. Also warms the kernels up. */
async function affordable(model: LoadedModel, options: BenchOptions, signal: AbortSignal): Promise<Effort> {
  const { maxSeconds, repeat, tokens } = options;
  const wanted = Math.min(options.promptTokens, model.config.maxPositions - tokens);
  if (wanted < 1) throw new BadRequest(`${tokens} tokens do not fit into a context of ${model.config.maxPositions}.`);
  const prompt = Math.min(wanted, 2);
  await measureRun(model, prompt, 2, signal); // Compiles pipelines.
  const probe = await measureRun(model, prompt, 2, signal);
  const decodable = Math.floor(probe.decodePerSecond * maxSeconds);
  if (decodable < tokens) {
    // Slow: a software GPU on a large model. One short run tells enough.
    const fitting = Math.floor(probe.prefillPerSecond * maxSeconds);
    return { promptTokens: clamp(fitting, prompt, wanted), tokens: clamp(decodable, 2, tokens), repeat: 1 };
  }
  const { prefillPerSecond } = await measureRun(model, Math.min(wanted, 32), 2, signal);
  return { promptTokens: clamp(Math.floor((prefillPerSecond * maxSeconds) / repeat), prompt, wanted), tokens, repeat };
}

function clamp(value: number, least: number, most: number): number {
  return Math.max(least, Math.min(most, value));
}

async function measureRun(
  model: LoadedModel,
  promptTokens: number,
  tokens: number,
  signal: AbortSignal,
): Promise<{ prefillPerSecond: number; firstTokenMs: number; decodePerSecond: number }> {
  const session = model.createSession();
  const prompt = Array.from({ length: promptTokens }, (_, i) => (i * 7919 + 11) % model.config.vocabSize);
  const generation = session.generate(prompt, { maxTokens: tokens, stopIds: new Set(), signal });
  const iterator = generation[Symbol.asyncIterator]();
  while (!(await iterator.next()).done);
  await session.dispose();
  const { prefillMs, decodeMs } = generation.stats;
  return {
    prefillPerSecond: promptTokens / (prefillMs / 1000),
    firstTokenMs: prefillMs,
    decodePerSecond: (tokens - 1) / (decodeMs / 1000),
  };
}

function printRow(row: Figures): void {
  console.log(`${row.backend} on ${row.device}, ${row.weights} weights, ${gigabytes(row.bytes)} GB`);
  console.log(`  load               ${row.loadSeconds.toFixed(1)} s`);
  console.log(`  prefill of ${String(row.promptTokens).padEnd(7)} ${row.prefillPerSecond.toFixed(1)} tokens/s`);
  console.log(`  first token        ${row.firstTokenMs.toFixed(0)} ms`);
  console.log(`  decode of ${String(row.tokens).padEnd(8)} ${row.decodePerSecond.toFixed(2)} tokens/s`);
  console.log(`  weights read       ${(row.ofBandwidth * 100).toFixed(0)} % of the memory bandwidth\n`);
}

function gigabytes(bytes: number): string {
  return (bytes / 1e9).toFixed(bytes < 1e8 ? 3 : 2);
}
