import { BadRequest } from '../../errors.ts';
import type { LoadedModel } from '../../load/loadedModel.ts';
import type { LoadOptions } from '../../load/loadModel.ts';
import { measureGpu } from '../../load/openBackend.ts';
import { textPrompt } from '../../prompt/prompt.ts';
import type { LoadProgress } from '../../wire/protocol.ts';
import { median } from '../../discovery/memoryBandwidth.ts';
import type { BenchContext, Measurement } from './backends.ts';
import { MemoryWatch, PauseWatch, PeakWatch } from './watches.ts';
import type { Column } from '../table.ts';

/** How much is measured. */
export interface Effort {
  promptTokens: number;
  /** Number of tokens to decode after the prompt. */
  tokens: number;
  /** Number of runs, of which medians are taken. */
  repeat: number;
}

export interface ModelBenchOptions extends Effort {
  /** Prompt and decoding are shortened where either would take longer. */
  maxSeconds: number;
}

/** Figures of one model on one backend, all of them measured in the run that prints them. */
export interface ModelRow extends Omit<Effort, 'repeat'> {
  device: string;
  /** Format of the weights, and their size in bytes. */
  weights: string;
  bytes: number;
  layers: number;
  loadSeconds: number;
  /** Longest time for which the event loop was blocked while the device was opened, and then while weights were loaded. */
  deviceMs: number;
  longestPauseMs: number;
  prefillPerSecond: number;
  firstTokenMs: number;
  decodePerSecond: number;
  /** Dispatches of a GPU for a decoded token, as counted while they were submitted; undefined on a CPU. */
  dispatchesPerToken?: number | undefined;
  /** Bytes per second that the device's memory gives, and the share of it that reading weights takes while decoding. */
  bandwidth: number;
  ofBandwidth: number;
  /** The share of a GPU's multiply-adds in f32 that the matrices take in prefill. */
  ofMultiplyAdds?: number | undefined;
  /** Format of the KV cache, its largest size, and the largest scratch memory of a step. */
  kv: string;
  kvBytes: number;
  scratchBytes: number;
  /** Most memory that the process took beyond what it had before, while it loaded the model and then until the end. */
  loadingMemoryBytes: number;
  peakMemoryBytes: number;
}

export const MODEL_COLUMNS: readonly Column<ModelRow>[] = [
  { title: 'device', text: ({ device }) => device },
  { title: 'weights', text: ({ weights, bytes }) => `${weights}, ${gigabytes(bytes)} GB` },
  { title: 'load', text: ({ loadSeconds }) => `${loadSeconds.toFixed(1)} s` },
  { title: 'longest pause while opening the device', text: ({ deviceMs }) => `${deviceMs.toFixed(0)} ms` },
  { title: 'longest pause while loading', text: ({ longestPauseMs }) => `${longestPauseMs.toFixed(0)} ms` },
  { title: 'prefill', text: (row) => `${row.prefillPerSecond.toFixed(1)} tokens/s (prompt of ${row.promptTokens})` },
  {
    title: 'multiply-adds of prefill',
    text: ({ ofMultiplyAdds: share }) => (share ? `${percent(share)} of what the GPU does in f32` : ''),
  },
  { title: 'first token', text: ({ firstTokenMs }) => `${firstTokenMs.toFixed(0)} ms` },
  { title: 'decode', text: (row) => `${row.decodePerSecond.toFixed(2)} tokens/s (${row.tokens} tokens)` },
  {
    title: 'dispatches',
    text: ({ dispatchesPerToken: count }) => (count ? `${Number(count.toFixed(1))} for a decoded token` : ''),
  },
  { title: 'weights read', text: (row) => `${percent(row.ofBandwidth)} of ${gigabytes(row.bandwidth)} GB/s` },
  { title: 'KV cache', text: ({ kv, kvBytes }) => `${kv}, at most ${gigabytes(kvBytes)} GB` },
  { title: 'scratch memory', text: ({ scratchBytes }) => `at most ${gigabytes(scratchBytes)} GB` },
  {
    title: 'peak memory',
    text: (row) =>
      `${gigabytes(row.loadingMemoryBytes)} GB while loading, ${gigabytes(row.peakMemoryBytes)} GB in all, beside the bare process`,
  },
];

/** Load, prefill, decode and memory of the model that `open` loads. */
export function modelSpeed(
  open: (load: LoadOptions) => Promise<LoadedModel>,
  options: ModelBenchOptions,
): Measurement<ModelRow> {
  return {
    subject: 'speed and memory',
    columns: MODEL_COLUMNS,
    layout: 'list',
    async *rows(context) {
      const peak = new PeakWatch();
      try {
        yield await benchModel(open, options, context, peak);
      } finally {
        peak.stop();
      }
    },
  };
}

/** Loads the model, measures it and disposes it. */
async function benchModel(
  open: (load: LoadOptions) => Promise<LoadedModel>,
  options: ModelBenchOptions,
  { load, bandwidth, signal }: BenchContext,
  peak: PeakWatch,
): Promise<ModelRow> {
  const started = performance.now();
  const pauses = new PauseWatch();
  let deviceMs = 0;
  const onProgress = ({ loadedBytes }: LoadProgress): void => {
    if (loadedBytes === 0) deviceMs = pauses.take();
  };
  const model = await open({ ...load, onProgress }).finally(() => pauses.stop());
  const longestPauseMs = pauses.take();
  const loadingMemoryBytes = peak.bytes;
  peak.slowDown();
  const loadSeconds = (performance.now() - started) / 1000;
  try {
    const { promptTokens, tokens, repeat } = await affordable(model, options, signal);
    const runs = [];
    const memory = new MemoryWatch(model);
    for (let run = 0; run < repeat; run++) runs.push(await measureRun(model, promptTokens, tokens, signal));
    memory.stop();
    const decodePerSecond = median(runs.map((run) => run.decodePerSecond));
    const prefillPerSecond = median(runs.map((run) => run.prefillPerSecond));
    const gpu = model.info.backend === 'webgpu' ? await measureGpu(load) : undefined;
    const readable = gpu?.copyBytesPerSecond ?? bandwidth;
    return {
      device: model.info.device,
      weights: model.weights,
      bytes: model.info.bytes,
      layers: model.config.layers,
      loadSeconds,
      deviceMs,
      longestPauseMs,
      promptTokens,
      tokens,
      prefillPerSecond,
      ofMultiplyAdds: gpu && (matrixWeights(model) * prefillPerSecond) / gpu.f32MacsPerSecond,
      firstTokenMs: median(runs.map((run) => run.firstTokenMs)),
      decodePerSecond,
      dispatchesPerToken: runs.at(-1)!.dispatchesPerToken,
      bandwidth: readable,
      ofBandwidth: (model.bytesPerToken * decodePerSecond) / readable,
      kv: model.kv,
      kvBytes: memory.kvBytes,
      scratchBytes: memory.scratchBytes,
      loadingMemoryBytes,
      peakMemoryBytes: peak.bytes,
    };
  } finally {
    await model.dispose();
  }
}

/** Weights of the matrices that each token of a prompt goes through: all but embedding and head. */
export function matrixWeights({ parameters, config: { vocabSize, hiddenSize, tied } }: LoadedModel): number {
  return parameters - vocabSize * hiddenSize * (tied ? 1 : 2);
}

/** The effort asked for, or what fits into maxSeconds by the speed of short runs. These also warm up the kernels. */
async function affordable(model: LoadedModel, options: ModelBenchOptions, signal: AbortSignal): Promise<Effort> {
  const { maxSeconds, repeat, tokens } = options;
  const wanted = Math.min(options.promptTokens, model.info.contextLength - tokens);
  if (wanted < 1) throw new BadRequest(`${tokens} tokens do not fit into a context of ${model.info.contextLength}.`);
  const prompt = Math.min(wanted, 2);
  await measureRun(model, prompt, 2, signal); // Compiles pipelines.
  const probe = await measureRun(model, prompt, 2, signal);
  const decodable = Math.floor(probe.decodePerSecond * maxSeconds);
  if (decodable < tokens) {
    // A large model on a software GPU is this slow. One short run is enough then.
    const fitting = Math.floor(probe.prefillPerSecond * maxSeconds);
    return { promptTokens: clamp(fitting, prompt, wanted), tokens: clamp(decodable, 2, tokens), repeat: 1 };
  }
  const { prefillPerSecond } = await measureRun(model, Math.min(wanted, 32), 2, signal);
  return { promptTokens: clamp(Math.floor((prefillPerSecond * maxSeconds) / repeat), prompt, wanted), tokens, repeat };
}

function clamp(value: number, least: number, most: number): number {
  return Math.max(least, Math.min(most, value));
}

/** Prefills a prompt in a new session, then decodes without speculation. */
export async function measureRun(
  model: LoadedModel,
  promptTokens: number,
  tokens: number,
  signal: AbortSignal,
): Promise<Pick<ModelRow, 'prefillPerSecond' | 'firstTokenMs' | 'decodePerSecond' | 'dispatchesPerToken'>> {
  const session = model.createSession();
  const prompt = benchPrompt(promptTokens, model.config.vocabSize);
  const generation = session.generate(textPrompt(prompt), {
    maxTokens: tokens,
    stopIds: new Set(),
    signal,
    speculation: 'off',
  });
  const iterator = generation[Symbol.asyncIterator]();
  await iterator.next();
  const atFirst = model.dispatches();
  while (!(await iterator.next()).done);
  const atLast = model.dispatches();
  await session.dispose();
  const { prefillMs, decodeMs } = generation.stats;
  return {
    prefillPerSecond: promptTokens / (prefillMs / 1000),
    firstTokenMs: prefillMs,
    decodePerSecond: (tokens - 1) / (decodeMs / 1000),
    dispatchesPerToken: atFirst === undefined ? undefined : (atLast! - atFirst) / (tokens - 1),
  };
}

/** Token ids without a pattern that speculation or caches could use. */
export function benchPrompt(length: number, vocabSize: number): number[] {
  return Array.from({ length }, (_, i) => (i * 7919 + 11) % vocabSize);
}

export function gigabytes(bytes: number): string {
  return (bytes / 1e9).toFixed(bytes < 1e8 ? 3 : 2);
}

function percent(share: number): string {
  return `${(share * 100).toFixed(0)} %`;
}
