import { type StoredType, STORED, isStoredType, storedBytes } from '../../../kernels/stored/storedTypes.ts';
import { BadModel } from '../../errors.ts';
import { quoted } from '../quoted.ts';
import { HeaderReader } from './headerReader.ts';
import type { GgufMetadata, GgufValue } from './metadata.ts';
import { TENSOR_TYPES } from './tensorTypes.ts';

/** What stands before the tensors' data in a GGUF file. */
export interface GgufHeader {
  readonly metadata: GgufMetadata;
  readonly tensors: readonly GgufTensor[];
}

export interface GgufTensor {
  readonly name: string;
  readonly type: StoredType;
  /** (out, in), the reverse of the order in the file. */
  readonly shape: readonly number[];
  /** Position of the data in the file, and its size. */
  readonly start: number;
  readonly bytes: number;
}

/**
 * Limits above what the largest released models need, so that a damaged or hostile file cannot take much memory. Gemma 3,
 * which is not supported, would have 16 MB, 0.8 million texts and 0.5 million numbers.
 */
const MAX_HEADER_BYTES = 40 << 20;
const MAX_ENTRIES = 1 << 16;
const MAX_TEXTS = 1 << 20;
const MAX_NUMBERS = 1 << 21;

/** Least bytes that a metadata entry and the description of a tensor take. */
const ENTRY_BYTES = 8 + 4 + 1;
const TENSOR_BYTES = 8 + 4 + 8 + 4 + 8;

/**
 * Reads the header from the first bytes of a file. Format: github.com/ggml-org/ggml/blob/master/docs/gguf.md. Throws
 * BadModel in one sentence, and HeaderIncomplete where `bytes` end before the header does.
 */
export function parseHeader(name: string, bytes: Buffer, fileSize: number): GgufHeader {
  checkVersion(name, bytes);
  const reader: HeaderReader = new HeaderReader(name, bytes, Math.min(fileSize, MAX_HEADER_BYTES));
  reader.u64(); // Magic and version.
  const tensorCount = atMost(reader, MAX_ENTRIES, reader.count(TENSOR_BYTES, 'the number of tensors'), 'tensors');
  const entryCount = atMost(reader, MAX_ENTRIES, reader.count(ENTRY_BYTES, 'the number of entries'), 'entries');
  const metadata = readMetadata(reader, entryCount);
  const alignment = metadata.get('general.alignment') ?? 32;
  if (typeof alignment !== 'number' || !Number.isInteger(alignment) || alignment < 1 || alignment > 1 << 20) {
    reader.fail('general.alignment is not a number of bytes up to one million');
  }
  const infos = Array.from({ length: tensorCount }, () => readTensorInfo(reader));
  const dataStart = Math.ceil(reader.position / alignment) * alignment;
  const tensors = infos.map((info) => place(name, info, { alignment, dataStart, fileSize }));
  checkApart(name, tensors);
  return { metadata, tensors };
}

/** Refuses files that are not GGUF 2 or 3 in little-endian order. */
function checkVersion(name: string, bytes: Buffer): void {
  const magic = bytes.toString('latin1', 0, 4);
  if (magic !== 'GGUF') {
    const ggml = ['lmgg', 'fmgg', 'tjgg', 'algg'].includes(magic);
    throw new BadModel(
      ggml
        ? `${name} is in a format that came before GGUF; convert it with llama.cpp, or download a GGUF file.`
        : `${name} is not a GGUF file.`,
    );
  }
  if (bytes.length < 8) throw new BadModel(`${name} is incomplete: it has ${bytes.length} bytes.`);
  const version = bytes.readUInt32LE(4);
  if (version === 2 || version === 3) return;
  const swapped = bytes.readUInt32BE(4);
  throw new BadModel(
    swapped >= 1 && swapped <= 16
      ? `${name} is a big-endian GGUF file; only little-endian files are supported.`
      : `${name} has GGUF version ${version}; versions 2 and 3 are supported.`,
  );
}

function readMetadata(reader: HeaderReader, count: number): Map<string, GgufValue> {
  const metadata = new Map<string, GgufValue>();
  const left = { texts: MAX_TEXTS, numbers: MAX_NUMBERS };
  for (let i = 0; i < count; i++) {
    const key = reader.string();
    if (metadata.has(key)) reader.fail(`the entry ${quoted(key)} stands there twice`);
    metadata.set(key, readValue(reader, key, left));
  }
  return metadata;
}

const [STRING, ARRAY] = [8, 9];

/** `left` is the number of values that all arrays together may still have. */
function readValue(reader: HeaderReader, key: string, left: { texts: number; numbers: number }): GgufValue {
  const type = reader.u32();
  if (type !== ARRAY) return valueType(reader, type, key).read();
  const elementType = reader.u32();
  const { bytes, read } = valueType(reader, elementType, key);
  const length = reader.count(bytes, `the length of ${quoted(key)}`);
  const kind = elementType === STRING ? 'texts' : 'numbers';
  left[kind] -= length;
  if (left[kind] < 0) reader.fail(`${quoted(key)} has ${length} ${kind}, which is more than is supported`);
  // Grows with what is read; nothing is reserved for a length that only the header claims.
  const values: (string | number | boolean)[] = [];
  for (let i = 0; i < length; i++) values.push(read());
  return values as GgufValue;
}

/** How a value of a metadata type is read, and the least bytes that it takes. */
function valueType(
  reader: HeaderReader,
  type: number,
  key: string,
): { bytes: number; read: () => string | number | boolean } {
  const { u8, i8, u16, i16, u32, i32, f32, bool, string, u64, i64, f64 } = reader;
  const reads = [u8, i8, u16, i16, u32, i32, f32, bool, string, undefined, u64, i64, f64];
  const read = reads[type];
  if (type === ARRAY) reader.fail(`${quoted(key)} is an array of arrays, which no model has`);
  if (!read) reader.fail(`${quoted(key)} has the unknown type ${type}`);
  return { bytes: type === STRING ? 8 : [1, 1, 2, 2, 4, 4, 4, 1, 8, 0, 8, 8, 8][type]!, read };
}

function atMost(reader: HeaderReader, most: number, count: number, what: string): number {
  if (count > most) reader.fail(`${what}: ${count} are more than the ${most} that are supported`);
  return count;
}

interface TensorInfo {
  readonly name: string;
  readonly type: number;
  readonly shape: readonly number[];
  readonly offset: number;
}

function readTensorInfo(reader: HeaderReader): TensorInfo {
  const name = reader.string();
  const rank = reader.u32();
  if (rank < 1 || rank > 4) reader.fail(`the tensor ${quoted(name)} has ${rank} dimensions`);
  const shape = Array.from({ length: rank }, reader.u64).reverse();
  if (shape.includes(0)) reader.fail(`the tensor ${quoted(name)} has a dimension of 0`);
  return { name, shape, type: reader.u32(), offset: reader.u64() };
}

/** Checks where a tensor lies and what it takes. */
function place(
  file: string,
  { name, type: id, shape, offset }: TensorInfo,
  { alignment, dataStart, fileSize }: { alignment: number; dataStart: number; fileSize: number },
): GgufTensor {
  const tensor = quoted(name);
  const type = TENSOR_TYPES.get(id) ?? `type ${id}`;
  if (!isStoredType(type)) {
    const supported = Object.keys(STORED).join(', ');
    throw new BadModel(`${file}: the tensor ${tensor} is stored as ${type}; supported are ${supported}.`);
  }
  const damaged = (problem: string): BadModel =>
    new BadModel(`${file} is damaged or incomplete: the tensor ${tensor} ${problem}.`);
  const { blockValues } = STORED[type];
  if (shape.at(-1)! % blockValues !== 0) {
    throw damaged(`has rows of ${shape.at(-1)} values, but ${type} stores blocks of ${blockValues}`);
  }
  if (offset % alignment !== 0) throw damaged(`starts at ${offset}, which is no multiple of ${alignment}`);
  // Products beyond 2^53 are not exact, but larger than any file.
  const bytes = storedBytes(
    shape.reduce((a, b) => a * b, 1),
    type,
  );
  const start = dataStart + offset;
  if (start + bytes > fileSize) {
    throw damaged(`ends at byte ${start + bytes}, but the file has ${fileSize}`);
  }
  return { name, type, shape, start, bytes };
}

/** Checks that no two tensors have one name or share bytes. */
function checkApart(file: string, tensors: readonly GgufTensor[]): void {
  const names = new Set<string>();
  for (const { name } of tensors) {
    if (names.has(name)) throw new BadModel(`${file} is damaged: the tensor ${quoted(name)} stands there twice.`);
    names.add(name);
  }
  const sorted = [...tensors].sort((a, b) => a.start - b.start);
  for (const [i, { name, start }] of sorted.entries()) {
    const before = sorted[i - 1];
    if (before && before.start + before.bytes > start) {
      throw new BadModel(`${file} is damaged: the tensors ${quoted(before.name)} and ${quoted(name)} overlap.`);
    }
  }
}
