/** The index on disk: one file, replaced as a whole, so that no window ever sees half of it. No vscode. */
import { createHash } from 'node:crypto';
import { closeSync, fstatSync, openSync, readdirSync, readSync, rmSync, statSync, writeSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { replaceFile, UNFINISHED } from '../files/replaceFile.ts';
import type { IndexData } from './projectIndex.ts';
import type { Segment } from './segment.ts';

/** Raise this with every change of chunks, terms, segments or this file: an index of another version is rebuilt. */
const VERSION = 2;
const MAGIC = `airgap index ${VERSION}\n`;
const HASH_BYTES = 32;

export const indexFile = (storageFolder: string): string => join(storageFolder, 'index', 'project.idx');

/** Undefined if there is no index, or if it is damaged, of another version, or for another `key` of folders and rules. */
export function loadIndex(storageFolder: string, key: string): IndexData | undefined {
  const file = indexFile(storageFolder);
  removeLeftovers(dirname(file));
  try {
    const opened = openSync(file, 'r');
    try {
      return read(opened, key);
    } finally {
      closeSync(opened);
    }
  } catch {
    // An index that cannot be read is rebuilt from the project.
    return undefined;
  }
}

/** Rejects if the index cannot be written. The data is written in one go: nothing can change it meanwhile. */
export function saveIndex(storageFolder: string, key: string, data: IndexData): Promise<void> {
  return replaceFile(indexFile(storageFolder), ({ fd }) => write(fd, key, data));
}

/** The head of the file. The list of files, and the names and arrays of each segment follow. */
interface Head {
  readonly key: string;
  readonly files: number;
  /** For each segment the lengths of its arrays. */
  readonly segments: readonly (readonly number[])[];
}

/** Number of files or names per list: a single JSON text would take as much memory as the index itself. */
const PART = 4000;

/** The arrays of a segment in the order in which they are written; one by one, so that no second copy is in memory. */
const ARRAYS = [
  ['files', Uint32Array],
  ['first', Uint32Array],
  ['last', Uint32Array],
  ['sizes', Uint16Array],
  ['dead', Uint8Array],
  ['terms', Uint32Array],
  ['offsets', Uint32Array],
  ['postings', Uint8Array],
] as const;

function write(file: number, key: string, { files, segments }: IndexData): void {
  const hash = createHash('sha256');
  const put = (bytes: Uint8Array): void => {
    hash.update(bytes);
    for (let at = 0; at < bytes.length;) at += writeSync(file, bytes, at);
  };
  const putJson = (value: unknown): void => {
    const text = Buffer.from(JSON.stringify(value));
    const size = Buffer.alloc(4);
    size.writeUInt32LE(text.length);
    put(size);
    put(text);
  };
  writeSync(file, Buffer.from(MAGIC, 'latin1'));
  writeSync(file, Buffer.alloc(HASH_BYTES));
  const lengths = segments.map((segment) => ARRAYS.map(([name]) => segment[name].length));
  putJson({ key, files: files.length, segments: lengths } satisfies Head);
  for (let at = 0; at < files.length; at += PART) putJson(files.slice(at, at + PART));
  for (const segment of segments) {
    for (let at = 0; at < segment.names.length; at += PART) putJson(segment.names.slice(at, at + PART));
    for (const [name] of ARRAYS) put(bytesOf(segment[name]));
  }
  writeSync(file, hash.digest(), 0, HASH_BYTES, MAGIC.length);
}

function read(file: number, key: string): IndexData | undefined {
  const hash = createHash('sha256');
  let left = fstatSync(file).size;
  const take = (bytes: Uint8Array): void => {
    if (bytes.length > left) throw new Error('The file ends too early.');
    for (let at = 0; at < bytes.length;) {
      const count = readSync(file, bytes, at, bytes.length - at, null);
      if (count === 0) throw new Error('The file ends too early.');
      at += count;
    }
    left -= bytes.length;
  };
  /** A damaged length must not lead to an allocation that is larger than the file. */
  const next = (length: number): Buffer => {
    if (length > left) throw new Error('The file ends too early.');
    const bytes = Buffer.alloc(length);
    take(bytes);
    return bytes;
  };
  const hashed = (bytes: Buffer): Buffer => (hash.update(bytes), bytes);
  if (next(MAGIC.length).toString('latin1') !== MAGIC) return undefined;
  const wanted = next(HASH_BYTES);
  const json = (): unknown => JSON.parse(hashed(next(hashed(next(4)).readUInt32LE())).toString());
  /** Reads and joins the lists of `length` entries. */
  const list = <T>(length: number): T[] => {
    const all: T[] = [];
    for (let at = 0; at < length; at += PART) all.push(...(json() as T[]));
    return all;
  };
  const head = json() as Head;
  if (head.key !== key) return undefined;
  const files = list<IndexData['files'][number]>(head.files);
  const segments = head.segments.map((lengths) => {
    // One name per entry of the first array.
    const names = list<string>(lengths[0]!);
    const arrays = ARRAYS.map(([name, Type], i) => {
      if (lengths[i]! * Type.BYTES_PER_ELEMENT > left) throw new Error('The file ends too early.');
      const array = new Type(lengths[i]!);
      take(bytesOf(array));
      hash.update(bytesOf(array));
      return [name, array] as const;
    });
    return { names, ...Object.fromEntries(arrays) } as unknown as Segment;
  });
  return left === 0 && hash.digest().equals(wanted) ? { files, segments } : undefined;
}

function bytesOf({ buffer, byteOffset, byteLength }: NodeJS.TypedArray): Uint8Array {
  return new Uint8Array(buffer as ArrayBuffer, byteOffset, byteLength);
}

/** The age from which on an unfinished file belongs to a window that ended while it wrote. */
const LEFTOVER_MS = 10 * 60_000;

function removeLeftovers(folder: string): void {
  let names: string[];
  try {
    names = readdirSync(folder);
  } catch {
    // The folder does not exist yet.
    return;
  }
  for (const name of names.filter((each) => each.endsWith(UNFINISHED))) {
    const file = join(folder, name);
    const age = Date.now() - (statSync(file, { throwIfNoEntry: false })?.mtimeMs ?? 0);
    if (age > LEFTOVER_MS) rmSync(file, { force: true });
  }
}
