import { createHash } from 'node:crypto';
import { open, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { throwIfAborted } from '../errors.ts';
import type { StoreEntry, StoredFile } from './entry.ts';
import type { Store } from './store.ts';

export interface VerifyOptions {
  readonly signal?: AbortSignal | undefined;
  readonly onProgress?: ((doneBytes: number, totalBytes: number) => void) | undefined;
}

export interface Verified {
  /** The entry with the status and the hashes that are known now. */
  readonly entry: StoreEntry;
  /** For each file that is not as it was, what is wrong. */
  readonly changes: readonly string[];
  /** Number of files whose hash was not known before. */
  readonly news: number;
}

/** Bytes read at a time. */
const CHUNK_BYTES = 4 << 20;

/**
 * Compares the files of a model with the SHA-256 that are known of them, and stores those that are not known yet, except
 * in the administrator's store. Rejects with Cancelled.
 */
export async function verifyModel(
  entry: StoreEntry,
  store: Store,
  { signal, onProgress }: VerifyOptions = {},
): Promise<Verified> {
  const isFolder = await stat(entry.path).then(
    (info) => info.isDirectory(),
    () => false,
  );
  const folder = isFolder ? entry.path : dirname(entry.path);
  const files: StoredFile[] = [];
  const changes: string[] = [];
  let doneBytes = 0;
  const onBytes = (bytes: number): void => {
    throwIfAborted(signal);
    onProgress?.((doneBytes += bytes), entry.bytes);
  };
  for (const file of entry.files) {
    const found = await hashOf(join(folder, file.name), onBytes);
    if (typeof found === 'string') changes.push(`${file.name} ${found}`);
    else if (found.bytes !== file.bytes) changes.push(`${file.name} has ${found.bytes} bytes instead of ${file.bytes}`);
    else if (found.sha256 !== (file.sha256 ?? found.sha256)) changes.push(`${file.name} has another SHA-256`);
    else files.push({ ...file, sha256: found.sha256 });
    if (files.at(-1)?.name !== file.name) files.push(file);
  }
  const news = files.filter(({ sha256 }, i) => sha256 !== null && entry.files[i]!.sha256 === null).length;
  // What was verified or stated stays so; what had changed and is as before is not.
  const hash = changes.length > 0 ? 'changed' : entry.hash === 'changed' ? 'unchecked' : entry.hash;
  const isNew = news > 0 || hash !== entry.hash;
  return { entry: isNew && !entry.shared ? await store.update(entry, { files, hash }) : entry, changes, news };
}

/** The hash and size of a file, or what is wrong with it. */
async function hashOf(
  path: string,
  onBytes: (bytes: number) => void,
): Promise<{ sha256: string; bytes: number } | string> {
  const file = await open(path, 'r').catch((error: NodeJS.ErrnoException) => error);
  if (file instanceof Error) return file.code === 'ENOENT' ? 'is missing' : `cannot be read (${file.code})`;
  try {
    const hash = createHash('sha256');
    const buffer = Buffer.alloc(CHUNK_BYTES);
    let bytes = 0;
    for (;;) {
      const { bytesRead } = await file.read(buffer, 0, CHUNK_BYTES, bytes);
      if (bytesRead === 0) return { sha256: hash.digest('hex'), bytes };
      hash.update(buffer.subarray(0, bytesRead));
      bytes += bytesRead;
      onBytes(bytesRead);
    }
  } finally {
    await file.close();
  }
}
