/** Writes ONNX models: graphs in protobuf's wire format, with their weights in files beside them. */
import { type FileHandle, open } from 'node:fs/promises';
import { join } from 'node:path';
import { writeRepeated } from './gguf.ts';
import { LARGEST_FILE } from './shape.ts';

/** TensorProto.DataType. */
export const [FLOAT, UINT8, INT32, INT64] = [1, 2, 6, 7];
/** The domain of ONNX Runtime's own operations. */
export const CONTRIB = 'com.microsoft';
const PAGE = 4096;

export type Attributes = Record<string, number | { float: number }>;

/** Builds a ModelProto in protobuf's wire format from nodes, initialisers, inputs and outputs. */
export class Graph {
  readonly weights: WeightFiles;
  readonly #nodes: Buffer[] = [];
  readonly #initializers: Buffer[] = [];
  readonly #inputs: Buffer[] = [];
  readonly #outputs: Buffer[] = [];
  readonly #name: string;

  constructor(name: string, weights: WeightFiles) {
    this.#name = name;
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

  model(): Buffer {
    const opset = (domain: string, version: number): Buffer => message(8, bytes(1, domain), ...int(2, version));
    const name = bytes(2, this.#name);
    const graph = message(7, ...this.#nodes, name, ...this.#initializers, ...this.#inputs, ...this.#outputs);
    return Buffer.concat([...int(1, 10), graph, opset('', 18), opset(CONTRIB, 1)]);
  }

  /** Adds an initialiser whose bytes are those of `block` again and again. */
  async repeated(name: string, type: number, shape: number[], block: Uint8Array): Promise<void> {
    const length = shape.reduce((a, b) => a * b, type === FLOAT ? 4 : 1);
    const place = Object.entries({ ...(await this.weights.append(block, length)), length });
    const entries = place.map(([key, value]) => message(13, bytes(1, key), bytes(2, String(value))));
    this.#initializers.push(message(5, ...tensorHead(name, type, shape), ...entries, ...int(14, 1)));
  }
}

/** Writes the weights beside the graph: weights0.bin and so on, each tensor aligned to a page. */
export class WeightFiles {
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
