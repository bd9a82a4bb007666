/**
 * phi-3-mini with random weights as onnxruntime-genai lays it out for CPUs: MatMulNBits (4 bits, blocks of 32, int8
 * activations), one product for q, k and v into GroupQueryAttention with rotary embedding, SkipSimplifiedLayerNormalization,
 * the head for the last position only. It starts from embeddings: the look-up, which costs nothing, is left out.
 */
import { type FileHandle, open, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { writeRepeated } from './gguf.ts';
import { BLOCK, DEVIATION, LARGEST_FILE, MINI, randomWords } from './shape.ts';

/** TensorProto.DataType. */
const [FLOAT, UINT8, INT32, INT64] = [1, 2, 6, 7];
const CONTRIB = 'com.microsoft';
/** Accuracy level that rounds activations to 8 bits for the product, which is fastest on CPUs. */
const ACCURACY_INT8 = 4;
const PAGE = 4096;
const POSITIONS = 4096;
const WORDS_MADE = 1 << 18;

/** Writes model.onnx with `layers` layers and its weights0.bin, weights1.bin, … into `folder`. */
export async function writeOnnx(folder: string, layers: number, signal: AbortSignal): Promise<void> {
  const graph = new Graph(new WeightFiles(folder));
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
  graph.node('Identity', [await graph.product('x', 'head', MINI.hidden, MINI.vocabulary)], ['logits'], {}, '');
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
  const qkv = await graph.product(normed, name('qkv'), hidden, 3 * hidden);
  const attentionInputs = [qkv, '', '', ...past, 'seqlens_k', 'total_sequence_length', 'cos', 'sin'];
  graph.node('GroupQueryAttention', attentionInputs, [name('attention'), ...present], {
    num_heads: heads,
    kv_num_heads: heads,
    do_rotary: 1,
    scale: { float: 1 / Math.sqrt(headDim) },
  });
  const projected = await graph.product(name('attention'), name('o'), hidden, hidden);
  const addNorm = (inputs: string[], outputs: string[]): void =>
    graph.node('SkipSimplifiedLayerNormalization', [...inputs, 'gamma'], [outputs[0]!, '', '', outputs[1]!], EPSILON);
  addNorm([skip, projected], [name('n2'), name('r2')]);
  const up = await graph.product(name('n2'), name('up'), hidden, 2 * feedForward);
  graph.node('Split', [up], [name('gate'), name('value')], { axis: -1, num_outputs: 2 }, '');
  graph.node('QuickGelu', [name('gate')], [name('silu')], { alpha: { float: 1 } });
  graph.node('Mul', [name('silu'), name('value')], [name('product')], {}, '');
  const down = await graph.product(name('product'), name('down'), feedForward, hidden);
  addNorm([name('r2'), down], [name('n1', i + 1), name('r1', i + 1)]);
  return { skip: name('r1', i + 1), normed: name('n1', i + 1) };
}

type Attributes = Record<string, number | { float: number }>;

/** Builds a ModelProto in protobuf's wire format from nodes, initialisers, inputs and outputs. */
class Graph {
  readonly weights: WeightFiles;
  readonly #nodes: Buffer[] = [];
  readonly #initializers: Buffer[] = [];
  readonly #inputs: Buffer[] = [];
  readonly #outputs: Buffer[] = [];

  constructor(weights: WeightFiles) {
    this.weights = weights;
  }

  node(op: string, inputs: string[], outputs: string[], attributes: Attributes, domain = CONTRIB): void {
    const encoded = Object.entries(attributes).map(([key, value]) =>
      message(5, bytes(1, key), ...(typeof value === 'number' ? int(3, value, 2) : float(2, value.float, 1))),
    );
    const names = [...inputs.map((each) => bytes(1, each)), ...outputs.map((each) => bytes(2, each))];
    this.#nodes.push(message(1, ...names, bytes(3, outputs[0]!), bytes(4, op), ...encoded, bytes(7, domain)));
  }

  input(name: string, type: number, shape: (number | string)[]): void {
    this.#inputs.push(message(11, ...valueInfo(name, type, shape)));
  }

  output(name: string, type: number, shape: (number | string)[]): void {
    this.#outputs.push(message(12, ...valueInfo(name, type, shape)));
  }

  floats(name: string, shape: number[], values: Float32Array): void {
    this.raw(name, FLOAT, shape, Buffer.from(values.buffer));
  }

  raw(name: string, type: number, shape: number[], content: Buffer): void {
    this.#initializers.push(message(5, ...tensorHead(name, type, shape), bytes(9, content)));
  }

  /** Adds y = x · Wᵀ with random weights, columns -> rows, and returns the name of y. */
  async product(x: string, name: string, columns: number, rows: number): Promise<string> {
    const [values, scales] = [`${name}.values`, `${name}.scales`];
    const blocks = columns / BLOCK;
    await this.#external(values, UINT8, [rows, blocks, BLOCK / 2], RANDOM_WORDS);
    await this.#external(scales, FLOAT, [rows, blocks], RANDOM_SCALES);
    const attributes = { K: columns, N: rows, bits: 4, block_size: BLOCK, accuracy_level: ACCURACY_INT8 };
    this.node('MatMulNBits', [x, values, scales], [`${name}.y`], attributes); // Zero is 8 where none is given.
    return `${name}.y`;
  }

  model(): Buffer {
    const opset = (domain: string, version: number): Buffer => message(8, bytes(1, domain), ...int(2, version));
    const name = bytes(2, 'phi-3-mini with random weights');
    const graph = message(7, ...this.#nodes, name, ...this.#initializers, ...this.#inputs, ...this.#outputs);
    return Buffer.concat([...int(1, 10), graph, opset('', 18), opset(CONTRIB, 1)]);
  }

  async #external(name: string, type: number, shape: number[], block: Uint8Array): Promise<void> {
    const length = shape.reduce((a, b) => a * b, type === FLOAT ? 4 : 1);
    const place = Object.entries({ ...(await this.weights.append(block, length)), length });
    const entries = place.map(([key, value]) => message(13, bytes(1, key), bytes(2, String(value))));
    this.#initializers.push(message(5, ...tensorHead(name, type, shape), ...entries, ...int(14, 1)));
  }
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

/** Writes the weights beside the graph: weights0.bin and so on, each tensor aligned to a page. */
class WeightFiles {
  readonly #folder: string;
  #file: FileHandle | undefined;
  #count = 0;
  #offset = 0;

  constructor(folder: string) {
    this.#folder = folder;
  }

  /** Writes `block` repeatedly up to `length` bytes, and returns where. */
  async append(block: Uint8Array, length: number): Promise<{ location: string; offset: number }> {
    if (!this.#file || this.#offset + length > LARGEST_FILE) await this.#next();
    const place = { location: `weights${this.#count - 1}.bin`, offset: this.#offset };
    await writeRepeated(this.#file!, block, length);
    const end = Math.ceil((this.#offset + length) / PAGE) * PAGE;
    await this.#file!.writeFile(Buffer.alloc(end - this.#offset - length));
    this.#offset = end;
    return place;
  }

  async close(): Promise<void> {
    await this.#file?.close();
  }

  async #next(): Promise<void> {
    await this.close();
    this.#file = await open(join(this.#folder, `weights${this.#count++}.bin`), 'w');
    this.#offset = 0;
  }
}

function tensorHead(name: string, type: number, shape: number[]): Buffer[] {
  return [...shape.flatMap((size) => int(1, size)), ...int(2, type), bytes(8, name)];
}

function valueInfo(name: string, type: number, shape: (number | string)[]): Buffer[] {
  const sizes = shape.map((size) => message(1, ...(typeof size === 'string' ? [bytes(2, size)] : int(1, size))));
  return [bytes(1, name), message(2, message(1, ...int(1, type), message(2, ...sizes)))];
}

/** A field with an integer. In an attribute, its type follows in field 20. */
function int(field: number, value: number, attributeType?: number): Buffer[] {
  const own = Buffer.concat([varint(field << 3), varint(value)]);
  return attributeType === undefined ? [own] : [own, ...int(20, attributeType)];
}

function float(field: number, value: number, attributeType: number): Buffer[] {
  const content = Buffer.alloc(4);
  content.writeFloatLE(value);
  return [Buffer.concat([varint((field << 3) | 5), content]), ...int(20, attributeType)];
}

function message(field: number, ...parts: Buffer[]): Buffer {
  return bytes(field, Buffer.concat(parts));
}

function bytes(field: number, content: Buffer | string): Buffer {
  const own = Buffer.from(content as string);
  return Buffer.concat([varint((field << 3) | 2), varint(own.length), own]);
}

function varint(value: number): Buffer {
  const result: number[] = [];
  let rest = BigInt.asUintN(64, BigInt(value));
  for (; rest > 127n; rest >>= 7n) result.push(Number(rest & 127n) | 128);
  return Buffer.from([...result, Number(rest)]);
}
