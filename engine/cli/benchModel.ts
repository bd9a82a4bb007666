import { OutOfMemory } from '../../kernels/ops.ts';
import { BadRequest } from '../errors.ts';
import { type LoadOptions, loadModel } from '../load/loadModel.ts';
import type { LoadedModel } from '../load/loadedModel.ts';
import { SHAPES } from '../../test/bench/engine/shapes.ts';
import { median } from './bandwidth.ts';
import { starterFolder } from './starter.ts';
import { textPrompt } from '../prompt/prompt.ts';

export interface ModelBenchOptions {
  shape?: string;
  layers?: number;
  promptTokens: number;
  tokens: number;
  repeat: number;
  maxSeconds: number;
}

/** Figures of one model on one backend. All are measured in the run that prints them. */
export interface ModelRow {
  backend: string;
  device: string;
  weights: string;
  bytes: number;
  /** Measured with, and of the shape; fewer where not all fit. */
  layers: number;
  allLayers: number;
  loadSeconds: number;
  promptTokens: number;
  tokens: number;
  prefillPerSecond: number;
  firstTokenMs: number;
  decodePerSecond: number;
  /** Bytes of weights that decoding reads per second, over the memory bandwidth of the same run. */
  ofBandwidth: number;
  /** On the backend: the format of the KV cache, its most bytes, and the most that steps took beside it. */
  kv: string;
  kvBytes: number;
  scratchBytes: number;
  /** Of the process so far. */
  peakMemoryBytes: number;
}

/** Loads the model, measures prefill and decode, and disposes it. */
export async function benchModel(
  folder: string | undefined,
  options: ModelBenchOptions,
  load: LoadOptions,
  bandwidth: number,
  signal: AbortSignal,
): Promise<ModelRow> {
  const started = performance.now();
  const model = await openBenchModel(folder, options, load);
  const loadSeconds = (performance.now() - started) / 1000;
  try {
    const { promptTokens, tokens, repeat } = await affordable(model, options, signal);
    const runs = [];
    const watch = new MemoryWatch(model);
    for (let run = 0; run < repeat; run++) runs.push(await measureRun(model, promptTokens, tokens, signal));
    watch.stop();
    const { backend, device, bytes } = model.info;
    const decodePerSecond = median(runs.map((run) => run.decodePerSecond));
    return {
      backend,
      device,
      weights: model.weights,
      bytes,
      layers: model.config.layers,
      allLayers: options.shape === undefined ? model.config.layers : layersOf(options.shape),
      loadSeconds,
      promptTokens,
      tokens,
      prefillPerSecond: median(runs.map((run) => run.prefillPerSecond)),
      firstTokenMs: median(runs.map((run) => run.firstTokenMs)),
      decodePerSecond,
      ofBandwidth: (bytesPerToken(model) * decodePerSecond) / bandwidth,
      kv: model.kv,
      kvBytes: watch.kvBytes,
      scratchBytes: watch.scratchBytes,
      peakMemoryBytes: process.resourceUsage().maxRSS * 1024,
    };
  } finally {
    await model.dispose();
  }
}

/** The folder's model, the starter, or random weights of a shape. */
export function openBenchModel(
  folder: string | undefined,
  { shape, layers }: Pick<ModelBenchOptions, 'shape' | 'layers'>,
  load: LoadOptions,
): Promise<LoadedModel> {
  if (shape === undefined) return loadModel(folder ?? starterFolder(), load);
  return loadLayersThatFit(shape, layers ?? layersOf(shape), load);
}

/** The most memory seen in steps. They leave the event loop free, so that looking often finds it. */
class MemoryWatch {
  kvBytes = 0;
  scratchBytes = 0;
  readonly #timer = setInterval(() => this.#look(), 20);

  readonly #model: LoadedModel;

  constructor(model: LoadedModel) {
    this.#model = model;
  }

  stop(): void {
    clearInterval(this.#timer);
    this.#look();
  }

  #look(): void {
    const kvBytes = this.#model.kvBytes();
    this.kvBytes = Math.max(this.kvBytes, kvBytes);
    this.scratchBytes = Math.max(this.scratchBytes, this.#model.bytesHeld() - this.#model.info.bytes - kvBytes);
  }
}

/** `layers` of the shape, or the largest half, quarter, … of them that memory holds. */
async function loadLayersThatFit(shape: string, layers: number, load: LoadOptions): Promise<LoadedModel> {
  try {
    return await loadModel({ name: shape, randomConfig: { ...SHAPES[shape]!, num_hidden_layers: layers } }, load);
  } catch (error) {
    if (!(error instanceof OutOfMemory) || layers === 1) throw error;
    return loadLayersThatFit(shape, layers >> 1, load);
  }
}

function layersOf(shape: string): number {
  return (SHAPES[shape] as { num_hidden_layers: number }).num_hidden_layers;
}

/** Of weights: all but the embedding, of which a token reads one row. A tied one is the head too. */
export function bytesPerToken({ info, config, weights }: LoadedModel): number {
  const perValue = { f32: 4, f16: 2, q8: 34 / 32, q4: 34 / 32 }[weights]; // 8 bits where the matrices take 4.
  return info.bytes - (config.tied ? 0 : config.vocabSize * config.hiddenSize * perValue);
}

interface Effort {
  promptTokens: number;
  tokens: number;
  repeat: number;
}

/** What is asked for, or what fits into maxSeconds by the speed of short runs. Also warms the kernels up. */
async function affordable(model: LoadedModel, options: ModelBenchOptions, signal: AbortSignal): Promise<Effort> {
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

export async function measureRun(
  model: LoadedModel,
  promptTokens: number,
  tokens: number,
  signal: AbortSignal,
): Promise<{ prefillPerSecond: number; firstTokenMs: number; decodePerSecond: number }> {
  const session = model.createSession();
  const prompt = Array.from({ length: promptTokens }, (_, i) => (i * 7919 + 11) % model.config.vocabSize);
  const generation = session.generate(textPrompt(prompt), {
    maxTokens: tokens,
    stopIds: new Set(),
    signal,
    speculation: 'off',
  });
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

export function printModelRow(row: ModelRow): void {
  console.log(`${row.backend} on ${row.device}, ${row.weights} weights, ${gigabytes(row.bytes)} GB`);
  if (row.layers < row.allLayers) {
    const speed = (row.decodePerSecond * row.layers) / row.allLayers;
    console.log(`  measured with      ${row.layers} of ${row.allLayers} layers; the figures are of these`);
    console.log(`  extrapolated       decode of all layers at least ${speed.toFixed(2)} tokens/s (by layers)`);
  }
  console.log(`  load               ${row.loadSeconds.toFixed(1)} s`);
  console.log(`  prefill of ${String(row.promptTokens).padEnd(7)} ${row.prefillPerSecond.toFixed(1)} tokens/s`);
  console.log(`  first token        ${row.firstTokenMs.toFixed(0)} ms`);
  console.log(`  decode of ${String(row.tokens).padEnd(8)} ${row.decodePerSecond.toFixed(2)} tokens/s`);
  console.log(`  weights read       ${(row.ofBandwidth * 100).toFixed(0)} % of the memory bandwidth`);
  console.log(`  KV cache           ${row.kv}, at most ${gigabytes(row.kvBytes)} GB`);
  console.log(`  scratch memory     at most ${gigabytes(row.scratchBytes)} GB`);
  console.log(`  peak memory        ${gigabytes(row.peakMemoryBytes)} GB of this process so far\n`);
}

export function gigabytes(bytes: number): string {
  return (bytes / 1e9).toFixed(bytes < 1e8 ? 3 : 2);
}
