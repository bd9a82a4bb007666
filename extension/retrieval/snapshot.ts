/** The index on disk: one file, replaced as a whole, so that two windows never see half of it. No vscode. */
import { createHash, randomUUID } from 'node:crypto';
import { mkdirSync, readdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { deserialize, serialize } from 'node:v8';
import type { IndexData } from './projectIndex.ts';

/** Raise it with every change of chunks, terms, segments or this file: an index of another version is made anew. */
const VERSION = 1;
const MAGIC = `airgap index ${VERSION}\n`;
const HASH_BYTES = 32;

export const snapshotFile = (storageFolder: string): string => join(storageFolder, 'index', 'project.idx');

/** Nothing where there is none, or it is damaged, of another version, or of other folders and rules (`key`). */
export function loadSnapshot(storageFolder: string, key: string): IndexData | undefined {
  const file = snapshotFile(storageFolder);
  removeLeftovers(dirname(file));
  try {
    const bytes = readFileSync(file);
    const head = MAGIC.length + HASH_BYTES;
    if (bytes.subarray(0, MAGIC.length).toString('latin1') !== MAGIC) return undefined;
    const body = bytes.subarray(head);
    if (!hashOf(body).equals(bytes.subarray(MAGIC.length, head))) return undefined;
    const { key: madeFor, data } = deserialize(body) as { key: string; data: IndexData };
    return madeFor === key ? data : undefined;
  } catch {
    // Unreadable counts as absent: it is made anew from the project.
    return undefined;
  }
}

/** Returns the size in bytes. */
export function saveSnapshot(storageFolder: string, key: string, data: IndexData): number {
  const file = snapshotFile(storageFolder);
  mkdirSync(dirname(file), { recursive: true, mode: 0o700 });
  const body = serialize({ key, data });
  const temporary = `${file}.${randomUUID()}.tmp`;
  try {
    writeFileSync(temporary, Buffer.concat([Buffer.from(MAGIC, 'latin1'), hashOf(body), body]), { mode: 0o600 });
    renameSync(temporary, file);
  } catch (error) {
    rmSync(temporary, { force: true });
    throw error;
  }
  return MAGIC.length + HASH_BYTES + body.length;
}

export function removeSnapshot(storageFolder: string): void {
  rmSync(snapshotFile(storageFolder), { force: true });
}

function hashOf(bytes: Uint8Array): Buffer {
  return createHash('sha256').update(bytes).digest();
}

/** What a window left that ended while it wrote. */
const LEFTOVER_MS = 10 * 60_000;

function removeLeftovers(folder: string): void {
  let names: string[];
  try {
    names = readdirSync(folder);
  } catch {
    // Not there yet.
    return;
  }
  for (const name of names.filter((each) => each.endsWith('.tmp'))) {
    const file = join(folder, name);
    const age = Date.now() - (statSync(file, { throwIfNoEntry: false })?.mtimeMs ?? 0);
    if (age > LEFTOVER_MS) rmSync(file, { force: true });
  }
}
