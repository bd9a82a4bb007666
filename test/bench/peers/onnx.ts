/**
 * phi-3-mini with random weights as onnxruntime-genai lays it out for CPUs: MatMulNBits (4 bits, blocks of 32, int8
 * activations), one product for q, k and v into GroupQueryAttention with rotary embedding, SkipSimplifiedLayerNormalization,
 * the head for the last position only. It starts from embeddings: the look-up, which costs nothing, is left out.
 */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { FLOAT, Graph, INT32, INT64, UINT8, WeightFiles } from './onnxGraph.ts';
import { BLOCK, DEVIATION, MINI, randomWords } from './shape.ts';

/** Accuracy level that rounds activations to 8 bits for the product, which is fastest on CPUs. */
const ACCURACY_INT8 = 4;
const POSITIONS = 4096;
const WORDS_MADE = 1 << 18;

/** Writes model.onnx with `layers` layers and its weights0.bin, weights1.bin, … into `folder`. */
export async function writeOnnx(folder: string, layers: number, signal: AbortSignal): Promise<void> {
  const graph = new Graph('phi-3-mini with random weights', new WeightFiles(folder));
  graph.input('inputs_embeds', FLOAT, [1, 'sequence', MINI.hidden]);
  graph.input('seqlens_k', INT32, [1]);
  graph.input('total_sequence_length', INT32, []);
  addRopeTables(graph);
  graph.floats('gamma', [MINI.hidden], new Float32Array(MINI.hidden).fill(1));
  graph.node('SimplifiedLayerNormalization', ['inputs_embeds', 'gamma'], ['n1.0'], { axis: -1, ...EPSILON }, '');
  let state = { skip: 'inputs_embeds', normed: 'n1.0' };
  for (let i = 0; i < layers; i++) {
    signal.throwIfAborted();
    state = await addLayer(graph, i, state);
  }
  for (const [name, value] of [
    ['last', -1],
    ['end', 2 ** 31],
    ['axis', 1],
  ] as const) {
    graph.raw(name, INT64, [1], Buffer.from(BigInt64Array.of(BigInt(value)).buffer));
  }
  graph.node('Slice', [state.normed, 'last', 'end', 'axis'], ['x'], {}, '');
  graph.node('Identity', [await product(graph, 'x', 'head', MINI.hidden, MINI.vocabulary)], ['logits'], {}, '');
  graph.output('logits', FLOAT, [1, 1, MINI.vocabulary]);
  await graph.weights.close();
  await writeFile(join(folder, 'model.onnx'), graph.model());
}

const EPSILON = { epsilon: { float: MINI.normEpsilon } };

function addRopeTables(graph: Graph): void {
  const half = MINI.headDim / 2;
  const angle = (i: number): number => Math.floor(i / half) / 10000 ** ((i % half) / half);
  for (const [name, f] of Object.entries({ cos: Math.cos, sin: Math.sin })) {
    const table = Float32Array.from({ length: POSITIONS * half }, (_, i) => f(angle(i)));
    graph.floats(name, [POSITIONS, half], table);
  }
}

interface LayerState {
  skip: string;
  normed: string;
}

async function addLayer(graph: Graph, i: number, { skip, normed }: LayerState): Promise<LayerState> {
  const { hidden, feedForward, heads, headDim } = MINI;
  const name = (part: string, layer = i): string => `${part}.${layer}`;
  const past = [name('past_key'), name('past_value')];
  const present = [name('present_key'), name('present_value')];
  for (const each of past) graph.input(each, FLOAT, [1, heads, 'past', headDim]);
  for (const each of present) graph.output(each, FLOAT, [1, heads, 'total', headDim]);
  const qkv = await product(graph, normed, name('qkv'), hidden, 3 * hidden);
  const attentionInputs = [qkv, '', '', ...past, 'seqlens_k', 'total_sequence_length', 'cos', 'sin'];
  graph.node('GroupQueryAttention', attentionInputs, [name('attention'), ...present], {
    num_heads: heads,
    kv_num_heads: heads,
    do_rotary: 1,
    scale: { float: 1 / Math.sqrt(headDim) },
  });
  const projected = await product(graph, name('attention'), name('o'), hidden, hidden);
  const addNorm = (inputs: string[], outputs: string[]): void =>
    graph.node('SkipSimplifiedLayerNormalization', [...inputs, 'gamma'], [outputs[0]!, '', '', outputs[1]!], EPSILON);
  addNorm([skip, projected], [name('n2'), name('r2')]);
  const up = await product(graph, name('n2'), name('up'), hidden, 2 * feedForward);
  graph.node('Split', [up], [name('gate'), name('value')], { axis: -1, num_outputs: 2 }, '');
  graph.node('QuickGelu', [name('gate')], [name('silu')], { alpha: { float: 1 } });
  graph.node('Mul', [name('silu'), name('value')], [name('product')], {}, '');
  const down = await product(graph, name('product'), name('down'), feedForward, hidden);
  addNorm([name('r2'), down], [name('n1', i + 1), name('r1', i + 1)]);
  return { skip: name('r1', i + 1), normed: name('n1', i + 1) };
}

/** Adds y = x · Wᵀ with random weights, columns -> rows, and returns the name of y. */
async function product(graph: Graph, x: string, name: string, columns: number, rows: number): Promise<string> {
  const [values, scales] = [`${name}.values`, `${name}.scales`];
  const blocks = columns / BLOCK;
  await graph.repeated(values, UINT8, [rows, blocks, BLOCK / 2], RANDOM_WORDS);
  await graph.repeated(scales, FLOAT, [rows, blocks], RANDOM_SCALES);
  const attributes = { K: columns, N: rows, bits: 4, block_size: BLOCK, accuracy_level: ACCURACY_INT8 };
  graph.node('MatMulNBits', [x, values, scales], [`${name}.y`], attributes); // Zero is 8 where none is given.
  return `${name}.y`;
}

const RANDOM_WORDS = new Uint8Array(words((word) => word, Uint32Array).buffer);
/** Random blocks, w = scale · (q - 8), as in gguf.ts. */
const RANDOM_SCALES = new Uint8Array(
  words((word) => (DEVIATION / 4.61) * (0.75 + 0.5 * (word / 2 ** 32)), Float32Array).buffer,
);

function words<T>(
  value: (word: number) => number,
  Kind: { from(source: { length: number }, map: () => number): T },
): T {
  const next = randomWords(2);
  return Kind.from({ length: WORDS_MADE }, () => value(next()));
}
