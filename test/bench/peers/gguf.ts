/** Writes phi-3-mini with random weights for llama.cpp: GGUF 3, every matrix in Q4_0, split into several files. */
import { type FileHandle, open } from 'node:fs/promises';
import { join } from 'node:path';
import { BLOCK, DEVIATION, LARGEST_FILE, MINI, randomWords } from './shape.ts';

/** GGUF's ids of tensor types and of metadata types, and the alignment of tensors. */
const [F32, Q4_0] = [0, 2];
const [U16, U32, I32, FLOAT, BOOL, STRING, ARRAY] = [2, 4, 5, 6, 7, 8, 9];
const ALIGNMENT = 32;
/** Bytes of a block: an f16 scale, and two weights per byte. */
const Q4_BLOCK_BYTES = 2 + BLOCK / 2;
/** Number of blocks that are generated and then repeated, since speed does not depend on the values. */
const BLOCKS_MADE = 1 << 16;

interface Tensor {
  name: string;
  /** Innermost dimension first. */
  shape: number[];
  type: number;
  bytes: number;
}

/** Writes a model of `layers` layers into `folder` as model-00001-of-0000N.gguf and so on. */
export async function writeGguf(folder: string, layers: number, signal: AbortSignal): Promise<void> {
  const tensors = listTensors(layers);
  const shards: Tensor[][] = [[]];
  let bytes = 0;
  for (const tensor of tensors) {
    if (bytes + tensor.bytes > LARGEST_FILE) {
      shards.push([]);
      bytes = 0;
    }
    shards.at(-1)!.push(tensor);
    bytes += tensor.bytes;
  }
  for (const [i, shard] of shards.entries()) {
    signal.throwIfAborted();
    const split = [
      pair('split.no', U16, i),
      pair('split.count', U16, shards.length),
      pair('split.tensors.count', I32, tensors.length),
    ];
    const number = (value: number): string => String(value).padStart(5, '0');
    const path = join(folder, `model-${number(i + 1)}-of-${number(shards.length)}.gguf`);
    await writeShard(path, i === 0 ? [...metadata(layers), ...split] : split, shard);
  }
}

function listTensors(layers: number): Tensor[] {
  const { hidden, feedForward, vocabulary } = MINI;
  const matrix = (name: string, columns: number, rows: number): Tensor => {
    const bytes = ((columns * rows) / BLOCK) * Q4_BLOCK_BYTES;
    return { name: `${name}.weight`, shape: [columns, rows], type: Q4_0, bytes };
  };
  const norm = (name: string): Tensor => ({ name: `${name}.weight`, shape: [hidden], type: F32, bytes: 4 * hidden });
  const layer = (i: number): Tensor[] => [
    norm(`blk.${i}.attn_norm`),
    matrix(`blk.${i}.attn_qkv`, hidden, 3 * hidden),
    matrix(`blk.${i}.attn_output`, hidden, hidden),
    norm(`blk.${i}.ffn_norm`),
    matrix(`blk.${i}.ffn_up`, hidden, 2 * feedForward),
    matrix(`blk.${i}.ffn_down`, feedForward, hidden),
  ];
  return [
    matrix('token_embd', hidden, vocabulary),
    ...Array.from({ length: layers }, (_, i) => layer(i)).flat(),
    norm('output_norm'),
    matrix('output', hidden, vocabulary),
  ];
}

function metadata(layers: number): Buffer[] {
  const { hidden, feedForward, heads, headDim, normEpsilon } = MINI;
  const { tokens, types, scores } = makeVocabulary();
  return [
    pair('general.architecture', STRING, 'phi3'),
    pair('general.name', STRING, 'phi-3-mini with random weights'),
    pair('general.file_type', U32, 2), // Mostly Q4_0.
    pair('general.quantization_version', U32, 2),
    pair('phi3.context_length', U32, 4096),
    pair('phi3.rope.scaling.original_context_length', U32, 4096),
    pair('phi3.embedding_length', U32, hidden),
    pair('phi3.feed_forward_length', U32, feedForward),
    pair('phi3.block_count', U32, layers),
    pair('phi3.attention.head_count', U32, heads),
    pair('phi3.attention.head_count_kv', U32, heads),
    pair('phi3.attention.layer_norm_rms_epsilon', FLOAT, normEpsilon),
    pair('phi3.rope.dimension_count', U32, headDim),
    pair('phi3.rope.freq_base', FLOAT, 10000),
    pair('tokenizer.ggml.model', STRING, 'llama'),
    pair('tokenizer.ggml.pre', STRING, 'default'),
    list('tokenizer.ggml.tokens', STRING, tokens),
    list('tokenizer.ggml.scores', FLOAT, scores),
    list('tokenizer.ggml.token_type', I32, types),
    pair('tokenizer.ggml.bos_token_id', U32, 1),
    pair('tokenizer.ggml.eos_token_id', U32, 32000),
    pair('tokenizer.ggml.unknown_token_id', U32, 0),
    pair('tokenizer.ggml.padding_token_id', U32, 32000),
    pair('tokenizer.ggml.add_bos_token', BOOL, 1),
    pair('tokenizer.ggml.add_eos_token', BOOL, 0),
  ];
}

/** A SentencePiece vocabulary of the real size: control tokens, bytes, printable characters and invented words. */
function makeVocabulary(): { tokens: string[]; types: number[]; scores: number[] } {
  const [normal, unknown, control, byte] = [1, 2, 3, 6];
  const entries: [text: string, type: number][] = [
    ['<unk>', unknown],
    ['<s>', control],
    ['</s>', control],
  ];
  for (let i = 0; i < 256; i++) entries.push([`<0x${i.toString(16).toUpperCase().padStart(2, '0')}>`, byte]);
  entries.push(['\u2581', normal]);
  for (let code = 33; code < 127; code++) entries.push([String.fromCharCode(code), normal]);
  while (entries.length < 32000) entries.push([`\u2581w${entries.length}`, normal]);
  entries.push(['<|endoftext|>', control]);
  while (entries.length < MINI.vocabulary) entries.push([`<|placeholder${entries.length}|>`, control]);
  return {
    tokens: entries.map(([text]) => text),
    types: entries.map(([, type]) => type),
    scores: entries.map(([, type], i) => (type === normal ? -i : 0)),
  };
}

async function writeShard(path: string, pairs: Buffer[], tensors: Tensor[]): Promise<void> {
  const blocks = randomBlocks();
  const file = await open(path, 'w');
  try {
    let offset = 0;
    const infos = tensors.map(({ name, shape, type, bytes }) => {
      const place = u64(offset);
      offset += bytes + padding(bytes);
      return Buffer.concat([string(name), u32(shape.length), ...shape.map(u64), u32(type), place]);
    });
    const counts = [u64(tensors.length), u64(pairs.length)];
    const header = Buffer.concat([Buffer.from('GGUF'), u32(3), ...counts, ...pairs, ...infos]);
    await file.writeFile(Buffer.concat([header, Buffer.alloc(padding(header.length))]));
    for (const { type, bytes } of tensors) {
      if (type === F32) await file.writeFile(new Float32Array(bytes / 4).fill(1));
      else await writeRepeated(file, blocks, bytes);
      await file.writeFile(Buffer.alloc(padding(bytes)));
    }
  } finally {
    await file.close();
  }
}

/** Repeats `block` up to a length of `bytes` bytes. */
export async function writeRepeated(file: FileHandle, block: Uint8Array, bytes: number): Promise<void> {
  for (let written = 0; written < bytes; written += block.length) {
    await file.writeFile(block.subarray(0, Math.min(block.length, bytes - written)));
  }
}

/** Random blocks, w = scale · (q - 8), with scales between 3/4 and 5/4 of the one that gives the deviation. */
function randomBlocks(): Uint8Array {
  const next = randomWords(1);
  const bytes = new Uint8Array(BLOCKS_MADE * Q4_BLOCK_BYTES);
  new Uint32Array(bytes.buffer).forEach((_, i, words) => (words[i] = next()));
  const view = new DataView(bytes.buffer);
  for (let at = 0; at < bytes.length; at += Q4_BLOCK_BYTES) {
    view.setUint16(at, toHalf((DEVIATION / 4.61) * (0.75 + 0.5 * (next() / 2 ** 32))), true);
  }
  return bytes;
}

/** Bits of the largest f16 value up to `value`, which lies in the range of positive normal f16 values. */
function toHalf(value: number): number {
  const exponent = Math.floor(Math.log2(value));
  return ((exponent + 15) << 10) | Math.floor((value / 2 ** exponent - 1) * 1024);
}

function pair(key: string, type: number, value: number | string): Buffer {
  return Buffer.concat([string(key), u32(type), scalar(type, value)]);
}

function list(key: string, type: number, values: readonly (number | string)[]): Buffer {
  const head = [string(key), u32(ARRAY), u32(type), u64(values.length)];
  return Buffer.concat([...head, ...values.map((value) => scalar(type, value))]);
}

function scalar(type: number, value: number | string): Buffer {
  if (typeof value === 'string') return string(value);
  if (type === BOOL) return Buffer.from([value]);
  const bytes = Buffer.alloc(type === U16 ? 2 : 4);
  if (type === FLOAT) bytes.writeFloatLE(value);
  else if (type === I32) bytes.writeInt32LE(value);
  else bytes.writeUIntLE(value, 0, bytes.length);
  return bytes;
}

function string(text: string): Buffer {
  const bytes = Buffer.from(text);
  return Buffer.concat([u64(bytes.length), bytes]);
}

function u32(value: number): Buffer {
  return scalar(U32, value);
}

function u64(value: number): Buffer {
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64LE(BigInt(value));
  return bytes;
}

function padding(bytes: number): number {
  return (ALIGNMENT - (bytes % ALIGNMENT)) % ALIGNMENT;
}
