/**
 * `npm run bench -- --peers [--gpu]`: our engine beside others, on the CPU or the GPU, in one run on this machine. Each engine
 * has a process of its own, so that its peak memory is its own and its failure costs only its row.
 */
import { availableParallelism, cpus, loadavg } from 'node:os';
import { basename, join } from 'node:path';
import { CommanderError } from 'commander';
import { build } from 'esbuild';
import { bench } from '../../../.ci/bundles.ts';
import { findChromium } from '../../../.ci/chromium.ts';
import { cacheDir, root } from '../../../.ci/nodeBinary.mjs';
import { measureBandwidth, median } from '../../../engine/discovery/memoryBandwidth.ts';
import { VERSIONS, installPeers } from './install.ts';
import { type Format, modelFiles, readThrough } from './modelFiles.ts';
import type { GpuLimits, Job } from './measure.ts';
import { type EngineName, type PeerOptions, parsePeerOptions } from './options.ts';
import { runMeasurement } from './run.ts';
import { MINI } from './shape.ts';
import { type Row, formatTable, speedKey } from './table.ts';

interface Setting {
  readonly engine: EngineName;
  readonly title: string;
  readonly script: string;
  readonly npmName?: string;
  readonly format?: Format;
  readonly flashAttention?: boolean;
}

const here = import.meta.dirname;
const OURS = 'airgap';
const SETTINGS: readonly Setting[] = [
  { engine: OURS, title: 'airgap', script: join(root, 'dist/bench/peers/airgap.mjs') },
  ...[true, false].map((flashAttention) => ({
    ...rival('node-llama-cpp', 'node-llama-cpp', 'nodeLlama.ts', 'gguf'),
    title: `node-llama-cpp ${VERSIONS['node-llama-cpp']}, ${flashAttention ? '' : 'no '}flash attention`,
    flashAttention,
  })),
  rival('onnxruntime-node', 'onnxruntime-node', 'onnxRuntime.ts', 'onnx'),
  rival('wllama', '@wllama/wllama', 'wllama.ts', 'gguf'),
];
/** The engines that compute on a GPU, and by what. */
const ON_GPU: Partial<Record<EngineName, string>> = {
  [OURS]: 'WebGPU',
  'node-llama-cpp': process.platform === 'darwin' ? 'Metal' : 'Vulkan',
  'onnxruntime-node': 'WebGPU',
};

const interrupted = new AbortController();
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => interrupted.abort());
try {
  await comparePeers(parsePeerOptions(process.argv.slice(2), availableParallelism()), interrupted.signal);
} catch (error) {
  const told = error instanceof CommanderError;
  if (!told) console.error(interrupted.signal.aborted ? 'Interrupted.' : (error as Error).message);
  process.exitCode = told ? error.exitCode : 1;
}

async function comparePeers(options: PeerOptions, signal: AbortSignal): Promise<void> {
  const cache = join(cacheDir, 'peers');
  const notes: string[] = [];
  const settings = (await withPackages(cache, options, notes, signal)).filter(
    ({ format }) => options.model === undefined || format !== 'onnx',
  );
  if (settings.some(({ engine }) => engine === OURS)) await build(bench('peers/airgap'));
  const files: string[][] = [];
  for (const { format } of settings) files.push(await filesFor(format, cache, options, signal));
  console.log(describeMachine(options));
  const rows: Row[] = [];
  const ends = performance.now() + options.minutes * 60_000;
  try {
    for (const [i, setting] of settings.entries()) {
      const seconds = (ends - performance.now()) / 1000 / (settings.length - i);
      const job = { ...options, packages: cache, files: files[i]!, seconds };
      const by = options.gpu ? ON_GPU[setting.engine] : setting.engine === OURS ? 'WASM' : undefined;
      const title = by === undefined ? setting.title : `${setting.title}, ${by}`;
      rows.push(await measureRow({ ...setting, title }, job, notes, signal));
    }
  } finally {
    // After an interruption, the figures so far are still printed.
    if (rows.length > 0)
      console.log(`\n${formatTable(rows, OURS)}\n\n${[...describeTable(options), ...notes].join('\n')}`);
  }
}

async function measureRow(
  { engine, title, script, flashAttention }: Setting,
  job: Job,
  notes: string[],
  signal: AbortSignal,
): Promise<Row> {
  const started = performance.now();
  await readThrough(job.files);
  console.log(`Measuring ${title} ...`);
  const before = await measureBandwidth(job.threads);
  const seconds = job.seconds - (performance.now() - started) / 1000;
  const own = { ...job, seconds, flashAttention, chromium: findChromium() };
  const { figures, bytesPerToken, limits, notes: told } = await runMeasurement(script, own, signal);
  const bandwidth = Math.max(before, await measureBandwidth(job.threads));
  notes.push(...told.map((note) => `${title}: ${note}`));
  const decode = figures[speedKey('decode at', 16)];
  if (bytesPerToken && decode) {
    const readable = limits?.bytesPerSecond ?? bandwidth;
    notes.push(describeReading(title, bytesPerToken * median(decode), readable, limits && "the GPU's copies"));
  }
  if (limits) notes.push(...describePrefill(title, figures, limits));
  return { engine, title, figures, bandwidth };
}

async function filesFor(
  format: Format | undefined,
  cache: string,
  { model, layers }: PeerOptions,
  signal: AbortSignal,
): Promise<string[]> {
  if (model !== undefined) return [model];
  return format === undefined ? [] : modelFiles(cache, format, layers, signal);
}

/** Selects the requested settings whose packages are available, and adds a note for each of the others. */
async function withPackages(
  cache: string,
  { only, gpu }: PeerOptions,
  notes: string[],
  signal: AbortSignal,
): Promise<Setting[]> {
  const wanted = SETTINGS.filter(({ engine }) => only.includes(engine) && (!gpu || ON_GPU[engine]));
  const onCpu = gpu ? only.filter((engine) => !ON_GPU[engine]) : [];
  notes.push(...onCpu.map((engine) => `${engine} is not measured, because it computes on the CPU only.`));
  const names = [...new Set(wanted.flatMap(({ npmName }) => npmName ?? []))];
  const browserless = findChromium() === undefined && wanted.some(({ engine }) => engine === 'wllama');
  if (browserless) notes.push('wllama is not measured, because it needs Chromium, which CHROMIUM can name.');
  try {
    await installPeers(cache, names, signal);
  } catch {
    signal.throwIfAborted();
    notes.push(
      `Other engines are not measured, because npm could not install ${names.join(', ')}; is there a network?`,
    );
    return wanted.filter(({ npmName }) => npmName === undefined);
  }
  return wanted.filter(({ engine }) => engine !== 'wllama' || !browserless);
}

function rival(engine: EngineName, npmName: string, script: string, format: Format): Setting {
  return { engine, title: `${npmName} ${VERSIONS[npmName]}`, script: join(here, script), npmName, format };
}

function describeMachine({ threads }: PeerOptions): string {
  const busy =
    loadavg()[0]! > 0.5 ? `; other programs are busy (load ${loadavg()[0]!.toFixed(1)}): figures are low` : '';
  const model = cpus()[0]?.model ?? 'unknown processor';
  return `${model}, ${availableParallelism()} cores, ${threads} threads, Node ${process.version}${busy}`;
}

function describeReading(title: string, perSecond: number, bandwidth: number, ofWhat = 'the bandwidth'): string {
  const share = ((100 * perSecond) / bandwidth).toFixed(0);
  return `${title}: decoding at 16 reads ${(perSecond / 1e9).toFixed(1)} GB/s of weights, ${share} % of ${ofWhat}.`;
}

/** The share of a GPU's multiply-adds, and the time to the first token, for the longest prompt that was measured. */
function describePrefill(title: string, figures: Row['figures'], { macsPerSecond, macsPerToken }: GpuLimits): string[] {
  const length = [2048, 512, 64, 16].find((tokens) => figures[speedKey('prefill', tokens)]);
  if (length === undefined) return [];
  const perSecond = median(figures[speedKey('prefill', length)]!);
  const share = ((100 * macsPerToken * perSecond) / macsPerSecond).toFixed(0);
  const seconds = (length / perSecond).toPrecision(2);
  return [
    `${title}: the first token behind ${length} takes ${seconds} s; ${share} % of the GPU's multiply-adds in f32.`,
  ];
}

function describeTable({ model, layers, repeat, tokens, gpu }: PeerOptions): string[] {
  return [
    ...(layers < MINI.layers ? [`Measured with ${layers} of ${MINI.layers} layers: the figures are of these.`] : []),
    `Tokens per second, medians of up to ${repeat} runs; ${tokens} tokens are decoded after a prompt of the length above.`,
    model === undefined
      ? 'Random phi-3-mini of 4 bits: Q4_0 for llama.cpp, blocks of 32 for ONNX Runtime, which starts from embeddings.'
      : `${basename(model)}, its weights as they are stored. ONNX Runtime cannot open it.`,
    'Bandwidth: plain reads by WebAssembly before and after the row, the faster. Ratios are to the better of several settings.',
    'Load: files are in the system’s cache. We pack weights; random ones we make instead of reading them.',
    'Memory: the most that was resident, mapped files included; of wllama, the page’s process.',
    ...(gpu ? ['A GPU’s own memory is not counted. Kernels of Airgap were tuned before, for 20 s at most.'] : []),
  ];
}
