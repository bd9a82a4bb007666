import { createHash, randomBytes } from 'node:crypto';
import { type FileHandle, mkdir, open, readdir, rename, rm, stat, utimes } from 'node:fs/promises';
import { join } from 'node:path';
import { PAGE_TOKENS } from '../../kernels/ops.ts';
import { Cancelled, throwIfAborted } from '../errors.ts';
import { DamagedKvFile, readPage, readTokens, kvFileBytes, writeKvFile } from './kvFile.ts';

export interface DiskCacheLocation {
  readonly folder: string;
  /** Limit of all files together. The least recently used files are evicted first. */
  readonly maxBytes: number;
}

/** Everything beside the tokens that the bytes of a page depend on. */
export interface PageKind {
  readonly identity: string;
  readonly pageBytes: number;
}

/** A stored sequence that shares a prefix with a prompt. */
export interface StoredPrefix {
  /** Number of tokens in common with the prompt. */
  readonly length: number;
  /** The verified pages that hold these tokens, from page `first` on. Ends early where the file is damaged. */
  pages(first: number, signal: AbortSignal | undefined): AsyncIterable<Uint8Array>;
}

/** Restoring fewer tokens from disk is not worth its cost. */
export const MIN_DISK_TOKENS = 256;

const FINISHED = '.kv';
const UNFINISHED = '.tmp';
/** Hashes of page kind and tokens, and of the writer while it is unfinished. Other files in the folder are left alone. */
const OUR_NAME = /^[0-9a-f]{16}-[0-9a-f]{16}\.kv(\.[0-9a-f]{12}\.tmp)?$/;
/** An unfinished file that did not change for this long was left by a process that died. */
const ABANDONED_MS = 10 * 60_000;

interface Candidate {
  readonly path: string;
  readonly tokens: Int32Array;
}

/**
 * Stores keys and values of prompts on disk, so that a large file that is opened again is not computed again. Opt-in: the
 * caller chooses a folder that only the user can read, since tokens are text.
 */
export class KvDiskCache {
  /** Settles when the current file is written. Files are written one at a time, so that the limit holds. */
  #writing: Promise<unknown> = Promise.resolve();
  #place: DiskCacheLocation | undefined;

  /** Receives the reason when a file is removed or not written. */
  readonly #log: (message: string) => void;

  constructor(log: (message: string) => void) {
    this.#log = log;
  }

  /** Uses this location from now on; undefined, as at first, turns the cache off. */
  keepIn(place: DiskCacheLocation | undefined): this {
    this.#place = place;
    return this;
  }

  /** Finds the stored sequence with the longest prefix of the first `limit` tokens; undefined where none has a prefix. */
  async find(tokens: ArrayLike<number>, limit: number, kind: PageKind): Promise<StoredPrefix | undefined> {
    if (!this.#place) return undefined;
    const found = (await this.#candidates(this.#place.folder, kind)).map((candidate) => ({
      candidate,
      length: commonLength(candidate.tokens, tokens, limit),
    }));
    const best = found.sort((a, b) => b.length - a.length)[0];
    if (!best || best.length === 0) return undefined;
    const { candidate, length } = best;
    return { length, pages: (first, signal) => this.#pages(candidate, kind, { first, length }, signal) };
  }

  /**
   * Writes a sequence, and removes those that it continues. Resolves with false where the cache is off, or where the
   * sequence is too short or too large. Rejects with Cancelled, with what `read` rejects with, or with the system's
   * error, and then leaves no file behind.
   */
  save(
    tokens: Int32Array,
    kind: PageKind,
    read: (page: number) => Promise<Uint8Array>,
    signal?: AbortSignal,
  ): Promise<boolean> {
    const result = this.#writing.then(() => this.#save(tokens, kind, read, signal));
    this.#writing = result.catch(() => {});
    return result;
  }

  async #save(
    tokens: Int32Array,
    kind: PageKind,
    read: (page: number) => Promise<Uint8Array>,
    signal: AbortSignal | undefined,
  ): Promise<boolean> {
    throwIfAborted(signal);
    const place = this.#place;
    if (!place || tokens.length < MIN_DISK_TOKENS) return false;
    const { folder, maxBytes } = place;
    const bytes = kvFileBytes(tokens.length, kind.pageBytes);
    if (bytes > maxBytes) {
      this.#log(
        `A KV cache of ${tokens.length} tokens is not written: it takes ${bytes} bytes, the limit is ${maxBytes}.`,
      );
      return false;
    }
    const candidates = await this.#candidates(folder, kind);
    const there = candidates.find((other) => commonLength(other.tokens, tokens, tokens.length) === tokens.length);
    if (there) {
      await this.#touch(there.path);
      return true;
    }
    await mkdir(folder, { recursive: true, mode: 0o700 });
    await this.#makeRoom(place, bytes);
    const path = join(folder, fileName(kind, tokens));
    const unfinished = `${path}.${randomBytes(6).toString('hex')}${UNFINISHED}`;
    try {
      await writeKvFile(unfinished, { ...header(kind), tokens }, read, signal);
      if (this.#place?.folder !== folder) return false; // The cache was turned off meanwhile.
      await rename(unfinished, path);
    } finally {
      await rm(unfinished, { force: true });
    }
    for (const other of candidates) {
      if (commonLength(other.tokens, tokens, tokens.length) === other.tokens.length)
        await rm(other.path, { force: true });
    }
    return true;
  }

  /** The complete files of this kind. Damaged ones are removed. */
  async #candidates(folder: string, kind: PageKind): Promise<Candidate[]> {
    const candidates: Candidate[] = [];
    for (const name of await this.#names(folder)) {
      if (!name.startsWith(namePrefix(kind)) || !name.endsWith(FINISHED)) continue;
      const path = join(folder, name);
      const tokens = await this.#use(path, (file) => readTokens(file, header(kind)));
      if (tokens) candidates.push({ path, tokens });
    }
    return candidates;
  }

  async *#pages(
    { path, tokens }: Candidate,
    kind: PageKind,
    { first, length }: { first: number; length: number },
    signal: AbortSignal | undefined,
  ): AsyncGenerator<Uint8Array> {
    const { pageBytes } = kind;
    const pages = Math.ceil(length / PAGE_TOKENS);
    for (let page = first; page < pages; page++) {
      const bytes = await this.#use(path, (file) => readPage(file, { tokens, pageBytes }, page, signal));
      if (!bytes) return;
      yield bytes;
    }
    await this.#touch(path);
  }

  /** Marks a file as used now, so that it is evicted last. */
  async #touch(path: string): Promise<void> {
    const now = new Date();
    await this.#use(path, () => utimes(path, now, now));
  }

  /** Resolves with undefined where the file is missing, unreadable or damaged; a damaged file is removed. */
  async #use<T>(path: string, work: (file: FileHandle) => Promise<T>): Promise<T | undefined> {
    let file: FileHandle | undefined;
    try {
      file = await open(path, 'r');
      return await work(file);
    } catch (error) {
      if (error instanceof Cancelled) throw error;
      this.#log(`The KV cache file ${path} is not used: ${(error as Error).message}.`);
      if (error instanceof DamagedKvFile) await rm(path, { force: true });
      return undefined;
    } finally {
      await file?.close();
    }
  }

  /** Removes abandoned files, and evicts the oldest until `bytes` more stay within the limit. */
  async #makeRoom({ folder, maxBytes }: DiskCacheLocation, bytes: number): Promise<void> {
    const paths = (await this.#names(folder)).map((name) => join(folder, name));
    const files = await Promise.all(paths.map(async (path) => ({ path, ...(await ageAndSize(path)) })));
    files.sort((a, b) => a.modifiedMs - b.modifiedMs);
    let total = files.reduce((sum, { size }) => sum + size, bytes);
    for (const { path, size, modifiedMs } of files) {
      const abandoned = path.endsWith(UNFINISHED) && Date.now() - modifiedMs > ABANDONED_MS;
      if (!abandoned && total <= maxBytes) continue;
      this.#log(`The KV cache file ${path} is evicted.`);
      await rm(path, { force: true });
      total -= size;
    }
  }

  /** Names of our files; none where the folder does not exist yet or cannot be read. */
  async #names(folder: string): Promise<string[]> {
    const names = await readdir(folder).catch((error: NodeJS.ErrnoException) => {
      if (error.code !== 'ENOENT') this.#log(`The KV disk cache is not used: ${error.message}.`);
      return [];
    });
    return names.filter((name) => OUR_NAME.test(name));
  }
}

function header({ identity, pageBytes }: PageKind): { identity: Buffer; pageBytes: number } {
  return { identity: createHash('sha256').update(identity).digest(), pageBytes };
}

function namePrefix(kind: PageKind): string {
  return `${header(kind).identity.toString('hex', 0, 8)}-`;
}

function fileName(kind: PageKind, tokens: Int32Array): string {
  return `${namePrefix(kind)}${createHash('sha256').update(tokens).digest().toString('hex', 0, 8)}${FINISHED}`;
}

function commonLength(a: ArrayLike<number>, b: ArrayLike<number>, limit: number): number {
  const end = Math.min(a.length, b.length, limit);
  let common = 0;
  while (common < end && a[common] === b[common]) common++;
  return common;
}

/** Returns age 0 and size 0 for a file that was removed meanwhile. */
async function ageAndSize(path: string): Promise<{ modifiedMs: number; size: number }> {
  const { mtimeMs = 0, size = 0 } = (await stat(path).catch(() => undefined)) ?? {};
  return { modifiedMs: mtimeMs, size };
}
