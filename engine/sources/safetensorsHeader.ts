import { type StoredType, storedBytes } from '../../kernels/stored/storedTypes.ts';
import { BadModel } from '../errors.ts';
import { packedTypes, unpackedShape } from './packedTypes.ts';
import { quoted } from './quoted.ts';

/** One tensor of a safetensors file. Its data lies at [start, start + bytes) of the file. */
export interface StoredTensor {
  readonly name: string;
  readonly dtype: StoredType;
  readonly shape: readonly number[];
  readonly start: number;
  readonly bytes: number;
}

/** Number formats of the file format that are supported. */
const SUPPORTED: readonly StoredType[] = ['F32', 'F16', 'BF16'];

/** What a model is that stores its weights in another number format, by the format's name. */
const QUANTISED: readonly [pattern: RegExp, what: string][] = [
  [/^F8_/, 'FP8 weights'],
  [/^F[46]_/, 'FP4 weights'],
  [/^(I8|U8)$/, 'weights quantised by bitsandbytes or a similar library'],
  [/^(I32|U32)$/, 'packed weights, as GPTQ, AWQ and MLX store them'],
];

/**
 * Checks the header of a safetensors file and gives its tensors in the order of the file. `text` stands before
 * `dataStart`. Format: github.com/huggingface/safetensors. Throws BadModel, in one sentence, when the header does not
 * describe the file.
 */
export function parseSafetensorsHeader(
  file: string,
  text: string,
  dataStart: number,
  fileSize: number,
): StoredTensor[] {
  const { __metadata__: metadata, ...entries } = parseObject(file, text);
  const types = packedTypes(metadata);
  if (typeof types === 'string') throw new BadModel(`${file} ${types}.`);
  const tensors = Object.entries(entries).map(([name, entry]) =>
    place({ file, name: quoted(name) }, { name, packed: types.get(name) }, entry, dataStart, fileSize),
  );
  tensors.sort((a, b) => a.start - b.start || a.bytes - b.bytes);
  for (const [i, { name, start }] of tensors.entries()) {
    const before = tensors[i - 1];
    if (before && before.start + before.bytes > start) {
      throw new BadModel(`${file}: ${quoted(before.name)} and ${quoted(name)} overlap.`);
    }
  }
  return tensors;
}

/** Levels of lists and objects in a valid header: the header, a tensor, its shape. */
const DEPTH = 3;

function parseObject(file: string, text: string): Record<string, unknown> {
  const { depth, members } = measure(text);
  if (depth > DEPTH)
    throw new BadModel(`${file}: the header has more than ${DEPTH} levels; this is not a safetensors file.`);
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch {
    throw new BadModel(`${file}: the header is not valid JSON. This is not a safetensors file.`);
  }
  if (!isObject(json)) throw new BadModel(`${file}: the header is not an object. This is not a safetensors file.`);
  // JSON.parse takes the last of several members of one name.
  const parsed = Object.values(json).reduce<number>(
    (sum, value) => sum + (isObject(value) ? Object.keys(value).length : 0),
    Object.keys(json).length,
  );
  if (parsed !== members) throw new BadModel(`${file}: the header names a tensor, or a part of its entry, twice.`);
  return json;
}

/** Levels of a JSON text, and the number of members of its objects; of any kind of nonsense where it is not JSON. */
function measure(text: string): { depth: number; members: number } {
  let depth = 0;
  let deepest = 0;
  let members = 0;
  for (let i = 0; i < text.length; i++) {
    const mark = text[i]!;
    if (mark === '"') {
      for (i++; i < text.length && text[i] !== '"'; i++) if (text[i] === '\\') i++;
    } else if (mark === '{' || mark === '[') deepest = Math.max(deepest, ++depth);
    else if (mark === '}' || mark === ']') depth--;
    else if (mark === ':') members++;
  }
  return { depth: deepest, members };
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** Checks that a tensor lies inside the file and has the size that its shape requires. */
function place(
  shown: { file: string; name: string },
  { name, packed }: { name: string; packed: StoredType | undefined },
  entry: unknown,
  dataStart: number,
  fileSize: number,
): StoredTensor {
  const bad = (problem: string): BadModel => new BadModel(`${shown.file}: ${shown.name} ${problem}.`);
  if (!isObject(entry)) throw bad('has an entry that is not an object');
  const { shape: sizes, data_offsets: offsets } = entry;
  const dtype = storedType(entry['dtype'], packed);
  if (!dtype) throw bad(notSupported(entry['dtype']));
  if (!isSizes(sizes) || sizes.length > 8) throw bad('has no valid shape');
  const shape = dtype === packed ? unpackedShape(sizes, dtype) : sizes;
  if (!shape) throw bad(`has no whole blocks of ${dtype} in its rows`);
  if (!isSizes(offsets) || offsets.length !== 2) throw bad('has no valid data_offsets');
  const [from, to] = offsets as [number, number];
  // Products beyond 2^53 are not exact, but larger than any file.
  const bytes = storedBytes(
    shape.reduce((a, b) => a * b, 1),
    dtype,
  );
  if (to - from !== bytes) {
    throw bad(`(${shape.join(', ')}) needs ${bytes} bytes, but the header assigns ${to - from}`);
  }
  if (dataStart + to > fileSize) {
    throw new BadModel(
      `${shown.file} is truncated: ${shown.name} ends at byte ${dataStart + to}, but the file has ${fileSize}.`,
    );
  }
  return { name, dtype, shape, start: dataStart + from, bytes };
}

function storedType(dtype: unknown, packed: StoredType | undefined): StoredType | undefined {
  return packed && dtype === 'U8' ? packed : SUPPORTED.find((type) => type === dtype);
}

function notSupported(dtype: unknown): string {
  if (typeof dtype !== 'string') return 'has no dtype';
  const what = QUANTISED.find(([pattern]) => pattern.test(dtype))?.[1];
  const stored = `is stored as ${quoted(dtype, 20)}`;
  return what
    ? `${stored}: these are ${what}, which are not supported; use the model's bf16 or f16 folder, or a GGUF file`
    : `${stored}; only ${SUPPORTED.join(', ').replace(/, (?=[^,]*$)/, ' and ')} are supported`;
}

function isSizes(value: unknown): value is number[] {
  return Array.isArray(value) && value.every((size) => Number.isSafeInteger(size) && size >= 0);
}
