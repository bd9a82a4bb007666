import { writeFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';

/** Ids of tensor types, from ggml.h. */
export const GGML_TYPE = {
  ...{ F32: 0, F16: 1, Q4_0: 2, Q4_1: 3, Q5_0: 6, Q5_1: 7, Q8_0: 8, Q2_K: 10, Q3_K: 11, Q4_K: 12, Q5_K: 13, Q6_K: 14 },
  ...{ IQ4_NL: 20, IQ4_XS: 23, BF16: 30 },
};

const VALUE_TYPE = { u8: 0, i8: 1, u16: 2, i16: 3, u32: 4, i32: 5, f32: 6, bool: 7, u64: 10, i64: 11, f64: 12 };
const [STRING, ARRAY] = [8, 9];

type NumberType = keyof typeof VALUE_TYPE;
type Plain = string | number | boolean;
/** A number or list of numbers that is stored as the given type. */
export interface Typed {
  readonly type: NumberType;
  readonly value: number | readonly number[];
}
/**
 * Strings and booleans are stored as such; whole numbers as u32 (negative ones as i32), other numbers as f32. `f32` and
 * `typed` choose another type.
 */
export type MetadataValue = Plain | readonly Plain[] | Typed;

export const typed = (type: NumberType, value: number | readonly number[]): Typed => ({ type, value });
export const f32 = (value: number | readonly number[]): Typed => typed('f32', value);

export interface GgufTensor {
  readonly name: string;
  /** (out, in) as everywhere in the product; the file stores the reverse. */
  readonly shape: readonly number[];
  readonly type: keyof typeof GGML_TYPE | number;
  readonly bytes: Uint8Array;
}

export interface GgufContent {
  readonly metadata: Readonly<Record<string, MetadataValue>>;
  readonly tensors: readonly GgufTensor[];
}

export interface GgufOptions {
  /** Of tensor data, in bytes; stored as general.alignment where it is not 32. */
  readonly alignment?: number;
  readonly version?: number;
  /** Number of files among which the tensors are divided; the first one has the metadata. */
  readonly splits?: number;
}

/**
 * Writes a model as a GGUF file, or as NAME-00001-of-0000N.gguf and so on where it is split; returns the path of the
 * first file. Format: github.com/ggml-org/ggml/blob/master/docs/gguf.md.
 */
export function writeGguf(path: string, content: GgufContent, { splits = 1, ...options }: GgufOptions = {}): string {
  if (splits === 1) {
    writeFileSync(path, ggufBytes(content, options));
    return path;
  }
  const { metadata, tensors } = content;
  const perShard = Math.ceil(tensors.length / splits);
  const paths = Array.from({ length: splits }, (_, i) => {
    const split = {
      'split.no': typed('u16', i),
      'split.count': typed('u16', splits),
      'split.tensors.count': typed('i32', tensors.length),
    };
    const shard = {
      metadata: i === 0 ? { ...metadata, ...split } : split,
      tensors: tensors.slice(i * perShard, (i + 1) * perShard),
    };
    const shardPath = join(dirname(path), shardName(basename(path, '.gguf'), i + 1, splits));
    writeFileSync(shardPath, ggufBytes(shard, options));
    return shardPath;
  });
  return paths[0]!;
}

export function shardName(stem: string, number: number, count: number): string {
  const digits = (value: number): string => String(value).padStart(5, '0');
  return `${stem}-${digits(number)}-of-${digits(count)}.gguf`;
}

/** The bytes of one GGUF file. */
export function ggufBytes(
  { metadata, tensors }: GgufContent,
  { alignment = 32, version = 3 }: Omit<GgufOptions, 'splits'> = {},
): Uint8Array {
  const padded = (length: number): number => Math.ceil(length / alignment) * alignment;
  const entries = Object.entries(alignment === 32 ? metadata : { 'general.alignment': alignment, ...metadata });
  let dataAt = 0;
  const infos = tensors.map(({ name, shape, type, bytes }) => {
    const offset = dataAt;
    dataAt += padded(bytes.length);
    const typeId = typeof type === 'number' ? type : GGML_TYPE[type];
    const dimensions = [...shape].reverse().map((size) => number('u64', size));
    return [text(name), number('u32', shape.length), ...dimensions, number('u32', typeId), number('u64', offset)];
  });
  const header = Buffer.concat([
    Buffer.from('GGUF'),
    number('u32', version),
    number('u64', tensors.length),
    number('u64', entries.length),
    ...entries.flatMap(([key, value]) => [text(key), ...typedValue(value)]),
    ...infos.flat(),
  ]);
  const pieces = [header, ...tensors.map(({ bytes }) => bytes)];
  return Buffer.concat(pieces.flatMap((piece) => [piece, Buffer.alloc(padded(piece.length) - piece.length)]));
}

/** The id of a value's type and its bytes. */
function typedValue(value: MetadataValue): Buffer[] {
  if (isList(value)) {
    const type = numberType(value);
    const elements = value.map((each) => typedValue(typeof each === 'number' ? typed(type, each) : each));
    const elementType = elements[0]?.[0] ?? number('u32', STRING);
    return [
      number('u32', ARRAY),
      elementType,
      number('u64', value.length),
      ...elements.flatMap(([, ...bytes]) => bytes),
    ];
  }
  if (typeof value === 'string') return [number('u32', STRING), text(value)];
  if (typeof value === 'boolean') return [number('u32', VALUE_TYPE.bool), Buffer.from([Number(value)])];
  if (typeof value === 'number') return typedValue(typed(numberType([value]), value));
  const { type, value: numbers } = value;
  const id = number('u32', VALUE_TYPE[type]);
  if (typeof numbers === 'number') return [id, number(type, numbers)];
  return [number('u32', ARRAY), id, number('u64', numbers.length), ...numbers.map((each) => number(type, each))];
}

/** The type that holds all of the numbers. */
function numberType(numbers: readonly Plain[]): NumberType {
  if (!numbers.every((each) => Number.isInteger(each))) return 'f32';
  return numbers.some((each) => typeof each === 'number' && each < 0) ? 'i32' : 'u32';
}

function isList(value: MetadataValue): value is readonly Plain[] {
  return Array.isArray(value);
}

function text(value: string): Buffer {
  const bytes = Buffer.from(value);
  return Buffer.concat([number('u64', bytes.length), bytes]);
}

function number(type: NumberType, value: number): Buffer {
  const bytes = Buffer.alloc(
    { u8: 1, i8: 1, bool: 1, u16: 2, i16: 2, u32: 4, i32: 4, f32: 4, u64: 8, i64: 8, f64: 8 }[type],
  );
  const view = new DataView(bytes.buffer, bytes.byteOffset);
  const write: Record<NumberType, () => void> = {
    u8: () => view.setUint8(0, value),
    i8: () => view.setInt8(0, value),
    bool: () => view.setUint8(0, value),
    u16: () => view.setUint16(0, value, true),
    i16: () => view.setInt16(0, value, true),
    u32: () => view.setUint32(0, value, true),
    i32: () => view.setInt32(0, value, true),
    f32: () => view.setFloat32(0, value, true),
    u64: () => view.setBigUint64(0, BigInt(value), true),
    i64: () => view.setBigInt64(0, BigInt(value), true),
    f64: () => view.setFloat64(0, value, true),
  };
  write[type]();
  return bytes;
}
