import { rename, rm, statfs } from 'node:fs/promises';
import { join } from 'node:path';
import { BadRequest } from '../errors.ts';
import { replaceFile, syncFolder } from './durable.ts';
import { type EntryFacts, type EntryFile, type StoreEntry, entryOf, idOf, isPlainName } from './entry.ts';
import { type LockOptions, takeLock } from './lock.ts';
import { makeFolder } from './makeFolder.ts';
import { type Mark, livingMarks } from './marks.ts';
import { checkPrivate, makePrivate } from './permissions.ts';
import type { StorePlaces } from './places.ts';
import { type Listing, ENTRY, readModels, sweep } from './readModels.ts';

/**
 * Opens the user's store, which need not exist yet, beside the administrator's. Rejects with BadRequest where others can
 * access the user's store.
 */
export async function openStore(places: StorePlaces): Promise<Store> {
  await checkPrivate(places.folder);
  return new Store(places);
}

/**
 * Models on this disk. Each has a folder models/ID with a file entry.json: there is no common index that two processes
 * could overwrite for each other, and a model appears in one step, when its finished folder gets its name.
 */
export class Store {
  readonly folder: string;
  readonly #sharedFolder: string;
  readonly #models: string;
  readonly #marks: string;

  constructor({ folder, sharedFolder }: StorePlaces) {
    this.folder = folder;
    this.#sharedFolder = sharedFolder;
    this.#models = join(folder, 'models');
    this.#marks = join(folder, 'marks');
  }

  /**
   * All models, the user's own first, and a sentence for each thing that was damaged and has been set aside. Of several
   * models with one name the user's own counts.
   */
  async entries(): Promise<Listing> {
    const own = await readModels(this.#models, { shared: false });
    const shared = await readModels(join(this.#sharedFolder, 'models'), { shared: true });
    return { entries: [...own.entries, ...shared.entries], problems: [...own.problems, ...shared.problems] };
  }

  /** The model with this name or id, in any case of letters; undefined where there is none. */
  async find(name: string): Promise<StoreEntry | undefined> {
    const { entries } = await this.entries();
    const same = (text: string): boolean => text.toLowerCase() === name.toLowerCase();
    return entries.find((entry) => same(entry.id)) ?? entries.find((entry) => same(entry.name));
  }

  /**
   * A hidden folder for the files of a model with this name, while no other process has it. Waits for one that does; where
   * it, or somebody before, added the model from the same `source`, resolves with that entry. Rejects with BadRequest
   * where the name belongs to another model, and with Cancelled. `keep` leaves what an interrupted process had written.
   */
  async stage(
    name: string,
    source: string | null,
    { keep = false, ...options }: LockOptions & { readonly keep?: boolean } = {},
  ): Promise<Staging | StoreEntry> {
    const id = idOf(name);
    await makePrivate(this.folder);
    await makePrivate(this.#models);
    const lock = await takeLock(this.#marks, id.toLowerCase(), options);
    try {
      await sweep(this.#models, this.#marks);
      const same = (await readModels(this.#models, { shared: false })).entries.find(
        (entry) => entry.id.toLowerCase() === id.toLowerCase(),
      );
      if (same && (source === null || same.source !== source)) {
        throw new BadRequest(`The store already has a model with the name ${same.name}; choose another name.`);
      }
      if (same) {
        await lock.remove();
        return same;
      }
      const folder = join(this.#models, keep ? `.${id}.partial` : `.${id}.unfinished`);
      if (!keep) await rm(folder, { recursive: true, force: true });
      await makeFolder(folder, 0o700);
      return new Staging(id, folder, { models: this.#models, lock });
    } catch (error) {
      await lock.remove();
      throw error;
    }
  }

  /** Changes what an entry says about its files. Rejects with BadRequest for one of the administrator's. */
  async update(
    entry: StoreEntry,
    change: Partial<Pick<EntryFacts, 'files' | 'hash' | 'licence'>>,
  ): Promise<StoreEntry> {
    this.#refuseShared(entry);
    const { id, path, added, name, origin, files, hash, licence, source } = { ...entry, ...change };
    const folder = join(this.#models, id);
    const kept = origin === 'reference' ? path : path === folder ? '.' : path.slice(folder.length + 1);
    const file: EntryFile = { version: 1, path: kept, name, origin, files, hash, licence, source, added };
    await replaceFile(join(folder, ENTRY), toText(file));
    return entryOf(folder, id, false, file);
  }

  /** Removes a model, but never a file that lies outside of the store. Rejects with BadRequest for the administrator's. */
  async remove(entry: StoreEntry, options: LockOptions = {}): Promise<void> {
    this.#refuseShared(entry);
    const lock = await takeLock(this.#marks, entry.id.toLowerCase(), options);
    try {
      // Renamed first: a model is there completely or not at all, also where removing is interrupted.
      const removed = join(this.#models, `.${entry.id}.removed`);
      await rm(removed, { recursive: true, force: true });
      await rename(join(this.#models, entry.id), removed);
      await syncFolder(this.#models);
      await rm(removed, { recursive: true, force: true });
    } finally {
      await lock.remove();
    }
  }

  /** Numbers of the other processes that have a model of this store loaded (see useModel.ts). */
  async usedBy(entry: StoreEntry): Promise<number[]> {
    const marks = await livingMarks(this.#marks, `${entry.id.toLowerCase()}.use`);
    return [...new Set(marks.map(({ pid }) => pid))].filter((pid) => pid !== process.pid);
  }

  /** Bytes that the user may still write on the store's disk. */
  async freeBytes(): Promise<number> {
    await makePrivate(this.folder);
    const { bavail, bsize } = await statfs(this.folder);
    return bavail * bsize;
  }

  #refuseShared({ shared, name }: StoreEntry): void {
    if (shared) throw new BadRequest(`${name} belongs to the administrator's store, which cannot be changed.`);
  }
}

/** A model that is being made. Nobody sees it before it is published. */
export class Staging {
  readonly #models: string;
  readonly #lock: Mark;

  constructor(
    readonly id: string,
    /** Where its files go. */
    readonly folder: string,
    { models, lock }: { readonly models: string; readonly lock: Mark },
  ) {
    this.#models = models;
    this.#lock = lock;
  }

  /**
   * Makes the model visible. Its files have been written and synced. `path`: of a reference; otherwise the file in the
   * folder that is the model, or "." for the folder itself.
   */
  async publish(facts: EntryFacts, path: string): Promise<StoreEntry> {
    if (this.#lock.lost) throw new BadRequest(`Another process has taken over the work on ${facts.name}.`);
    if ((facts.origin === 'reference') === (path === '.' || isPlainName(path)))
      throw new Error(`${path} is no path of a model that is ${facts.origin}.`);
    const file: EntryFile = { version: 1, path, added: new Date().toISOString(), ...facts };
    await replaceFile(join(this.folder, ENTRY), toText(file));
    const folder = join(this.#models, this.id);
    await rename(this.folder, folder);
    await syncFolder(this.#models);
    return entryOf(folder, this.id, false, file);
  }

  /** Ends the work. What was not published stays if it was staged with `keep`, for another try. */
  async close(): Promise<void> {
    if (!this.#lock.lost && this.folder.endsWith('.unfinished'))
      await rm(this.folder, { recursive: true, force: true });
    await this.#lock.remove();
  }

  /** Deletes what was written. */
  async discard(): Promise<void> {
    await rm(this.folder, { recursive: true, force: true });
  }
}

function toText(file: EntryFile): string {
  return `${JSON.stringify(file, null, 2)}\n`;
}
