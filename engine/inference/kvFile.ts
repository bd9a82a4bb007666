/**
 * The format of a file with the keys and values of a sequence:
 *
 *   magic, version, tokens, bytes per page (u32 each), identity (32 bytes), SHA-256 of all this and of the token ids
 *   the token ids (i32)
 *   for each page its bytes and their SHA-256
 *
 * Numbers are little-endian, as on every platform that we support. A page of phi-3-mini takes 24 MB, so pages are read
 * and written in pieces that block neither memory nor the event loop.
 */
import { createHash } from 'node:crypto';
import { type FileHandle, open } from 'node:fs/promises';
import { PAGE_TOKENS } from '../../kernels/ops.ts';
import { throwIfAborted } from '../errors.ts';

export interface KvFileHeader {
  /** SHA-256 of everything beside the tokens that the bytes of a page depend on. */
  readonly identity: Buffer;
  readonly tokens: Int32Array;
  readonly pageBytes: number;
}

/** The file is not valid; the message says why. */
export class DamagedKvFile extends Error {
  override name = 'DamagedKvFile';
}

const MAGIC = 0x564b4741; // "AGKV"
const VERSION = 1;
const HASH_BYTES = 32;
const FIELDS_BYTES = 4 * 4 + HASH_BYTES;
/** Hashing this much takes a millisecond or two. */
const PIECE_BYTES = 1 << 20;

/** Size of a complete file in bytes. */
export function kvFileBytes(tokenCount: number, pageBytes: number): number {
  return pageOffset(tokenCount, pageBytes, Math.ceil(tokenCount / PAGE_TOKENS));
}

/**
 * Writes a new file that only the user can read. Rejects with Cancelled or the system's error, and may then leave an
 * incomplete file.
 */
export async function writeKvFile(
  path: string,
  header: KvFileHeader,
  readPage: (index: number) => Promise<Uint8Array>,
  signal: AbortSignal | undefined,
): Promise<void> {
  const file = await open(path, 'wx', 0o600);
  try {
    const fields = encodeFields(header);
    await file.writeFile(Buffer.concat([fields, headerHash(fields, header.tokens), bytesOf(header.tokens)]));
    for (let page = 0; page < Math.ceil(header.tokens.length / PAGE_TOKENS); page++) {
      const bytes = await readPage(page);
      const hash = createHash('sha256');
      for (let at = 0; at < bytes.length; at += PIECE_BYTES) {
        throwIfAborted(signal);
        const piece = bytes.subarray(at, at + PIECE_BYTES);
        hash.update(piece);
        await file.writeFile(piece);
      }
      await file.writeFile(hash.digest());
    }
  } finally {
    await file.close();
  }
}

/** Reads a file's tokens. Rejects with DamagedKvFile where it is not a complete file of this identity and page size. */
export async function readTokens(file: FileHandle, wanted: Omit<KvFileHeader, 'tokens'>): Promise<Int32Array> {
  const head = await read(file, 0, FIELDS_BYTES + HASH_BYTES);
  const count = head.readUInt32LE(8);
  const { size } = await file.stat();
  const fields = head.subarray(0, FIELDS_BYTES);
  const expected = encodeFields({ ...wanted, tokens: { length: count } });
  if (!fields.equals(expected)) throw new DamagedKvFile('it is of another format, version or model');
  const length = kvFileBytes(count, wanted.pageBytes);
  if (size !== length) throw new DamagedKvFile(`it has ${size} bytes instead of ${length}`);
  const ids = await read(file, FIELDS_BYTES + HASH_BYTES, 4 * count);
  const tokens = new Int32Array(ids.buffer, ids.byteOffset, count);
  if (!headerHash(fields, tokens).equals(head.subarray(FIELDS_BYTES)))
    throw new DamagedKvFile('the checksum of its header is wrong');
  return tokens;
}

/** Reads the bytes of a page. Rejects with DamagedKvFile where they are not those that were written. */
export async function readPage(
  file: FileHandle,
  { tokens, pageBytes }: Omit<KvFileHeader, 'identity'>,
  page: number,
  signal: AbortSignal | undefined,
): Promise<Uint8Array> {
  const start = pageOffset(tokens.length, pageBytes, page);
  const bytes = Buffer.allocUnsafeSlow(pageBytes);
  const hash = createHash('sha256');
  for (let at = 0; at < pageBytes; at += PIECE_BYTES) {
    throwIfAborted(signal);
    const piece = bytes.subarray(at, at + PIECE_BYTES);
    await readInto(file, start + at, piece);
    hash.update(piece);
  }
  const written = await read(file, start + pageBytes, HASH_BYTES);
  if (!hash.digest().equals(written)) throw new DamagedKvFile(`the checksum of its page ${page} is wrong`);
  return bytes;
}

function encodeFields(header: { identity: Buffer; tokens: { length: number }; pageBytes: number }): Buffer {
  const numbers = new Uint32Array([MAGIC, VERSION, header.tokens.length, header.pageBytes]);
  return Buffer.concat([bytesOf(numbers), header.identity]);
}

function headerHash(fields: Buffer, tokens: Int32Array): Buffer {
  return createHash('sha256').update(fields).update(bytesOf(tokens)).digest();
}

function pageOffset(tokenCount: number, pageBytes: number, page: number): number {
  return FIELDS_BYTES + HASH_BYTES + 4 * tokenCount + page * (pageBytes + HASH_BYTES);
}

function bytesOf(values: Int32Array | Uint32Array): Buffer {
  return Buffer.from(values.buffer, values.byteOffset, values.byteLength);
}

async function read(file: FileHandle, position: number, length: number): Promise<Buffer> {
  const bytes = Buffer.allocUnsafeSlow(length); // Memory of its own, which is aligned and not pooled.
  await readInto(file, position, bytes);
  return bytes;
}

async function readInto(file: FileHandle, position: number, bytes: Buffer): Promise<void> {
  for (let at = 0; at < bytes.length;) {
    const { bytesRead } = await file.read(bytes, at, bytes.length - at, position + at);
    if (bytesRead === 0) throw new DamagedKvFile('it is cut off');
    at += bytesRead;
  }
}
