/** CLIP ViT-L/14-336 up to its layer before the last, with random weights, in ONNX Runtime. */
import { existsSync } from 'node:fs';
import { mkdir, rename, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { importPackage } from './install.ts';
import { secondsOf } from './measure.ts';
import type { OnnxRuntime } from './onnxRuntimeTypes.ts';
import { FLOAT, Graph, WeightFiles } from './onnxGraph.ts';
import { randomWords } from './shape.ts';

const [WIDTH, INNER, HEADS, TOKENS, PATCH_VALUES] = [1024, 4096, 16, 577, 588];
const NORM = { epsilon: { float: 1e-5 }, axis: -1 };

/** Seconds of each of `repeat` crops in ONNX Runtime with f32, after one that is not counted. */
export async function clipSeconds(
  cache: string,
  { layers, repeat, threads, signal }: { layers: number; repeat: number; threads: number; signal: AbortSignal },
): Promise<number[]> {
  const { InferenceSession, Tensor } = await importPackage<OnnxRuntime>(cache, 'onnxruntime-node');
  const session = await InferenceSession.create(await clipFile(cache, layers, signal), {
    executionProviders: ['cpu'],
    intraOpNumThreads: threads,
    interOpNumThreads: 1,
    graphOptimizationLevel: 'all',
  });
  const values = Float32Array.from({ length: TOKENS * PATCH_VALUES }, (_, i) => Math.sin(i));
  const patches = new Tensor('float32', values, [1, TOKENS, PATCH_VALUES]);
  const seconds: number[] = [];
  for (let run = 0; run <= repeat; run++) {
    signal.throwIfAborted();
    seconds.push(await secondsOf(() => session.run({ patches })));
  }
  await session.release();
  return seconds.slice(1);
}

/** Made once, and kept in the cache: 50 MB for each layer. */
async function clipFile(cache: string, layers: number, signal: AbortSignal): Promise<string> {
  const folder = join(cache, 'models', `clip-${layers}-layers-onnx`);
  const file = join(folder, 'model.onnx');
  if (existsSync(file)) return file;
  await mkdir(dirname(folder), { recursive: true });
  const unfinished = `${folder}.${process.pid}`;
  try {
    await mkdir(unfinished);
    await writeClip(unfinished, layers, signal);
    await rename(unfinished, folder);
  } finally {
    await rm(unfinished, { recursive: true, force: true });
  }
  return file;
}

async function writeClip(folder: string, layers: number, signal: AbortSignal): Promise<void> {
  const graph = new Graph('CLIP with random weights', new WeightFiles(folder));
  graph.input('patches', FLOAT, [1, TOKENS, PATCH_VALUES]);
  graph.floats('one', [WIDTH], new Float32Array(WIDTH).fill(1));
  for (const [name, size] of Object.entries({ bias: WIDTH, innerBias: INNER, qkvBias: 3 * WIDTH }))
    graph.floats(name, [size], new Float32Array(size));
  await graph.repeated('positions', FLOAT, [1, TOKENS, WIDTH], RANDOM);
  const embedded = await product(graph, 'patches', 'patch', [PATCH_VALUES, WIDTH], 'positions');
  let x = norm(graph, embedded, 'pre');
  for (let i = 0; i < layers; i++) {
    signal.throwIfAborted();
    x = await addLayer(graph, x, `${i}.`);
  }
  graph.node('Identity', [x], ['features'], {}, '');
  graph.output('features', FLOAT, [1, TOKENS, WIDTH]);
  await graph.weights.close();
  await writeFile(join(folder, 'model.onnx'), graph.model());
}

async function addLayer(graph: Graph, x: string, at: string): Promise<string> {
  const normed = norm(graph, x, `${at}norm1`);
  const inputs: string[] = [];
  for (const name of ['q', 'k', 'v']) inputs.push(await product(graph, normed, at + name, [WIDTH, WIDTH]));
  graph.node('MultiHeadAttention', [...inputs, 'qkvBias'], [`${at}attention`], { num_heads: HEADS });
  const out = await product(graph, `${at}attention`, `${at}out`, [WIDTH, WIDTH], 'bias');
  const attended = add(graph, [x, out], `${at}attended`);
  const wide = await product(graph, norm(graph, attended, `${at}norm2`), `${at}fc1`, [WIDTH, INNER], 'innerBias');
  graph.node('QuickGelu', [wide], [`${at}gelu`], { alpha: { float: 1.702 } });
  const narrow = await product(graph, `${at}gelu`, `${at}fc2`, [INNER, WIDTH], 'bias');
  return add(graph, [attended, narrow], `${at}end`);
}

async function product(
  graph: Graph,
  x: string,
  name: string,
  [inputs, outputs]: readonly [number, number],
  bias?: string,
): Promise<string> {
  await graph.repeated(`${name}.weight`, FLOAT, [inputs, outputs], RANDOM);
  graph.node('MatMul', [x, `${name}.weight`], [`${name}.y`], {}, '');
  return bias === undefined ? `${name}.y` : add(graph, [`${name}.y`, bias], `${name}.biased`);
}

function add(graph: Graph, terms: readonly [string, string], name: string): string {
  graph.node('Add', [...terms], [name], {}, '');
  return name;
}

function norm(graph: Graph, x: string, name: string): string {
  graph.node('LayerNormalization', [x, 'one', 'bias'], [name], NORM, '');
  return name;
}

/** Small values, whose products stay of the size of what is multiplied. */
const RANDOM = new Uint8Array(
  ((next) => Float32Array.from({ length: 1 << 16 }, () => (next() / 2 ** 31 - 1) / 20))(randomWords(3)).buffer,
);
