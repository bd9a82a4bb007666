/** A model of the catalogue into the store: asked first, resumed, checked, and there completely or not at all. */
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { readdir, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Cancelled, DownloadFailed } from '../errors.ts';
import { Staging, type Store } from '../store/store.ts';
import type { StoreEntry } from '../store/entry.ts';
import type { CatalogueEntry } from './catalogue.ts';
import { findSource, type DownloadProgress, type FetchedFile, type Source, type SourceOptions } from './sources.ts';

/** What the user is told before anything large is downloaded. Sizes in bytes. */
export interface DownloadPlan {
  name: string;
  /** Where it comes from, for people. */
  address: string;
  /** Size of the model. */
  bytes: number;
  /** What is still to be downloaded; the rest is there from an earlier try. */
  neededBytes: number;
  freeBytes: number;
  licence: string;
  gated: boolean;
  /** `unchecked`: neither the catalogue nor the hub says which hash the files should have. */
  hash: Source['hash'];
}

export interface DownloadOptions extends SourceOptions {
  store: Store;
  /** Asks the user; false gives up. */
  confirm: (plan: DownloadPlan) => Promise<boolean>;
  onProgress: (progress: DownloadProgress) => void;
}

/**
 * Downloads a model into the store, or resolves at once with the entry if it is there. Asks the hub for sizes and hashes
 * first, and `confirm` before the download. Rejects with DownloadFailed or BadRequest (one sentence), or with Cancelled if the
 * signal fires or the user declines. What has arrived stays for the next try, unless its hash is wrong.
 */
export async function downloadModel(entry: CatalogueEntry, options: DownloadOptions): Promise<StoreEntry> {
  const { store, signal, confirm, onProgress } = options;
  const there = await store.find(entry.name);
  if (there?.origin === 'downloaded') return there;
  const source = await findSource(entry, options);
  const staging = await store.stage(entry.name, source.address, { signal, keep: true });
  if (!(staging instanceof Staging)) return staging;
  try {
    const plan = await planOf(entry, source, { store, folder: staging.folder });
    if (plan.neededBytes > plan.freeBytes) {
      throw new DownloadFailed(
        `${entry.name} needs ${gigabytes(plan.neededBytes)} on the disk of ${store.folder}; ${gigabytes(plan.freeBytes)} are free.`,
      );
    }
    if (!(await confirm(plan))) throw new Cancelled();
    const fetched = [
      ...(await source.bring(staging.folder, onProgress)),
      ...(await addGeneration(entry, staging.folder)),
    ];
    await removeOthers(staging.folder, fetched);
    const files = await Promise.all(fetched.map((file) => describe(staging.folder, file)));
    const { licence } = entry;
    const facts = {
      name: entry.name,
      origin: 'downloaded',
      files,
      hash: source.hash,
      licence,
      source: source.address,
    } as const;
    return await staging.publish(facts, entry.kind === 'folder' ? '.' : files[0]!.name);
  } finally {
    if ((await readdir(staging.folder).catch(() => [])).length === 0) await staging.discard();
    await staging.close();
  }
}

async function planOf(
  { name, licence, gated }: CatalogueEntry,
  { address, bytes, hash, ...source }: Source,
  { store, folder }: { store: Store; folder: string },
): Promise<DownloadPlan> {
  const [neededBytes, freeBytes] = [await source.neededBytes(folder), await store.freeBytes()];
  return { name, address, bytes, neededBytes, freeBytes, licence, gated, hash };
}

/** Writes how the makers sample answers beside a file that does not say so. Resolves with what it has written. */
async function addGeneration(entry: CatalogueEntry, folder: string): Promise<FetchedFile[]> {
  if (entry.kind === 'folder' || !entry.generation) return [];
  const name = 'generation_config.json';
  await writeFile(join(folder, name), JSON.stringify({ do_sample: true, ...entry.generation }), { mode: 0o600 });
  return [{ name, sha256: null }];
}

/** Removes what earlier tries have left of other files. */
async function removeOthers(folder: string, kept: readonly FetchedFile[]): Promise<void> {
  const names = new Set(kept.map(({ name }) => name));
  const others = (await readdir(folder)).filter((name) => !names.has(name));
  await Promise.all(others.map((name) => rm(join(folder, name), { recursive: true })));
}

async function describe(folder: string, { name, sha256 }: FetchedFile) {
  const path = join(folder, name);
  return { name, bytes: (await stat(path)).size, sha256: sha256 ?? (await sha256Of(path)) };
}

/** What is there is what a later check compares with, whether somebody vouched for it or not. */
async function sha256Of(path: string): Promise<string> {
  const hash = createHash('sha256');
  for await (const chunk of createReadStream(path) as AsyncIterable<Buffer>) hash.update(chunk);
  return hash.digest('hex');
}

function gigabytes(bytes: number): string {
  return `${(bytes / 1e9).toFixed(2)} GB`;
}
