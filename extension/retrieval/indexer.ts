/**
 * Opens or builds the index, follows changes, and answers questions. Runs in a thread of its own (indexerThread.ts). No
 * vscode.
 */
import { createHash } from 'node:crypto';
import { setImmediate } from 'node:timers/promises';
import { errorMessage } from '../common/errorMessage.ts';
import { type FileSystem, isWithin } from '../files/fileSystem.ts';
import type { Analysers } from './fileAnalyser.ts';
import { type IndexedFile, ProjectIndex } from './projectIndex.ts';
import type { FoundChunk, OpenParams, Progress, SearchParams, SkippedFile, Stats } from './protocol.ts';
import { rank, type Ranked } from './rank.ts';
import { linesWithoutSecrets } from '../reading/secrets.ts';
import { loadIndex, saveIndex } from './savedIndex.ts';
import { type FoundFile, ReadableFiles, readText } from './readableFiles.ts';

export interface IndexerHost {
  readonly files: FileSystem;
  readonly analysers: Analysers;
  onProgress(progress: Progress): void;
  /** Logs what the user need not see, such as an index that could not be saved. */
  log(message: string): void;
}

/** Number of files that are analysed together; between batches progress is reported and questions are answered. */
const BATCH_FILES = 120;
/** The time after which a changed index is saved. */
const SAVE_MS = 60_000;
/** After more changes than this at once (a checkout), comparing everything costs less than looking at each. */
const MANY_CHANGES = 2000;

export class Indexer {
  #index = new ProjectIndex();
  #files: ReadableFiles;
  readonly #key: string;
  /** Changes of the index run one after the other. */
  #work: Promise<unknown> = Promise.resolve();
  #read = 0;
  #unsaved = false;
  #save: NodeJS.Timeout | undefined;
  #disposed = false;

  readonly #params: OpenParams;
  readonly #host: IndexerHost;

  constructor(params: OpenParams, host: IndexerHost) {
    this.#params = params;
    this.#host = host;

    this.#files = new ReadableFiles(host.files, params.folders, params);
    const { folders, exclude, include, encoding } = params;
    this.#key = createHash('sha256')
      .update(JSON.stringify([folders, exclude, include, encoding]))
      .digest('hex');
  }

  get stats(): Stats {
    const { files, chunks, bytes } = this.#index;
    return { files: files.size, chunks, bytes, read: this.#read, skipped: this.#skipped() };
  }

  #skipped(): SkippedFile[] {
    const withoutText = this.#index.withoutText.map((file) => [file, 'noText'] as const);
    return [...this.#files.skipped, ...withoutText].map(([file, why]) => ({ path: this.#files.pathOf(file), why }));
  }

  /** Loads the saved index, and analyses what changed since. */
  open(): Promise<void> {
    return this.#queue(async () => {
      const { storageFolder } = this.#params;
      const kept = storageFolder === undefined ? undefined : loadIndex(storageFolder, this.#key);
      if (kept) this.#index = ProjectIndex.from(kept);
      await this.#compareAll();
      if (this.#disposed) throw new Error('The index was closed before it was complete.');
      await this.#saveNow();
    });
  }

  /** Drops everything and analyses the project again. */
  rebuild(): Promise<void> {
    return this.#queue(async () => {
      this.#index = new ProjectIndex();
      this.#unsaved = true;
      await this.#compareAll();
      await this.#saveNow();
    });
  }

  /** Takes absolute paths of files or folders that were created, saved, renamed or deleted. */
  changed(places: readonly string[]): Promise<void> {
    return this.#queue(async () => {
      const rulesChanged = places.some((place) => /\/(\.gitignore|exclude)$/.test(place));
      if (rulesChanged || places.length > MANY_CHANGES) return await this.#compareAll();
      const found = new Map<string, FoundFile>();
      for (const place of places) for await (const file of this.#files.at(place)) found.set(file.file, file);
      const gone = [...this.#index.files.keys()].filter(
        (file) => !found.has(file) && places.some((place) => isWithin(file, place)),
      );
      await this.#take([...found.values()], gone);
    });
  }

  /** Returns the best chunks first, with the text that is on disk now. */
  async search({ query, limit, recent }: SearchParams): Promise<FoundChunk[]> {
    await this.#work.catch(() => {});
    // A file may have changed unnoticed: it is analysed again, and the question asked again.
    for (let attempt = 0; attempt < 3; attempt++) {
      const pathOf = (file: string): string => this.#files.pathOf(file);
      const textOf = (file: string): Promise<Uint8Array | undefined> => this.#textOf(file);
      const ranked = await rank(this.#index, query, { limit, recent, pathOf, textOf });
      const stale = await this.#staleOf(new Set(ranked.map(({ file }) => file)));
      if (stale.length === 0) return (await Promise.all(ranked.map((found) => this.#chunkOf(found)))).flat();
      await this.changed(stale);
    }
    return [];
  }

  /** Saves what is not saved yet. */
  async dispose(): Promise<void> {
    this.#disposed = true;
    clearTimeout(this.#save);
    await this.#queue(() => this.#saveNow());
    await this.#host.analysers.dispose();
  }

  #queue<T>(task: () => Promise<T>): Promise<T> {
    const done = this.#work.then(task, task);
    this.#work = done.catch(() => {});
    return done;
  }

  /** Compares the project with the index, and analyses what differs. */
  async #compareAll(): Promise<void> {
    this.#files = new ReadableFiles(this.#host.files, this.#params.folders, this.#params);
    const found: FoundFile[] = [];
    for await (const file of this.#files.all()) {
      found.push(file);
      if (found.length % 500 === 0) await setImmediate();
      if (this.#disposed) return;
    }
    await this.#take(found, this.#missingFrom(found));
  }

  #missingFrom(found: readonly FoundFile[]): string[] {
    if (this.#index.files.size === 0) return [];
    const seen = new Set(found.map(({ file }) => file));
    return [...this.#index.files.keys()].filter((file) => !seen.has(file));
  }

  /** Analyses those files of `found` that differ from the index, and removes those that are gone. */
  async #take(found: readonly FoundFile[], gone: readonly string[]): Promise<void> {
    const changed = found.filter((file) => !isSame(file, this.#index.files.get(file.file)));
    const total = found.length;
    let done = total - changed.length;
    this.#host.onProgress({ done, total, ready: changed.length === 0 });
    this.#index.remove(gone);
    this.#unsaved ||= changed.length + gone.length > 0;
    const queue = batches(changed);
    const worker = async (): Promise<void> => {
      for (let batch = queue.shift(); batch && !this.#disposed; batch = queue.shift()) {
        await this.#readBatch(batch);
        done += batch.length;
        this.#host.onProgress({ done, total, ready: false });
      }
    };
    await Promise.all(Array.from({ length: this.#host.analysers.width }, worker));
    this.#host.onProgress({ done, total, ready: true });
    this.#saveSoon();
  }

  async #readBatch(batch: readonly FoundFile[]): Promise<void> {
    const entries = batch.map(
      ({ file, mtimeMs, size }) => [file, { id: this.#index.newId(), mtimeMs, size }] as [string, IndexedFile],
    );
    const { encoding } = this.#params;
    const files = entries.map(([file, { id }]) => ({ id, file, path: this.#files.pathOf(file), encoding }));
    const segment = await this.#host.analysers.analyse(files);
    this.#read += files.length;
    this.#index.commit(segment, entries);
  }

  /** The files that changed or went since they were indexed. */
  async #staleOf(files: Iterable<string>): Promise<string[]> {
    const stale: string[] = [];
    for (const file of files) {
      const { value: now } = await this.#files.at(file).next();
      if (!now || !isSame(now, this.#index.files.get(file))) stale.push(file);
    }
    return stale;
  }

  /** The chunk with its text; none if the file went meanwhile. */
  async #chunkOf({ file, first, last, names, score }: Ranked): Promise<FoundChunk[]> {
    const bytes = await this.#textOf(file);
    if (!bytes) return [];
    const whole = new TextDecoder('utf-8', { ignoreBOM: true }).decode(bytes);
    const text = linesWithoutSecrets(whole.replace(/\r\n/g, '\n'), first, last);
    const path = this.#files.pathOf(file);
    return [{ file, path, firstLine: first + 1, lastLine: last + 1, text, symbol: names, score }];
  }

  #textOf(file: string): Promise<Uint8Array | undefined> {
    return readText(this.#host.files, file, this.#params.encoding);
  }

  #saveSoon(): void {
    if (!this.#unsaved || this.#save || this.#disposed) return;
    this.#save = setTimeout(() => {
      this.#save = undefined;
      void this.#queue(() => this.#saveNow());
    }, SAVE_MS);
    // The thread may end before.
    this.#save.unref();
  }

  async #saveNow(): Promise<void> {
    const { storageFolder } = this.#params;
    if (!this.#unsaved || storageFolder === undefined) return;
    try {
      await saveIndex(storageFolder, this.#key, this.#index.data);
      this.#unsaved = false;
    } catch (error) {
      // Without a saved index the next start takes longer, nothing else.
      this.#host.log(`The index could not be saved: ${errorMessage(error)}`);
    }
  }
}

function isSame(found: FoundFile, known: IndexedFile | undefined): boolean {
  return known !== undefined && known.mtimeMs === found.mtimeMs && known.size === found.size;
}

function batches<T>(all: readonly T[]): T[][] {
  const cut: T[][] = [];
  for (let at = 0; at < all.length; at += BATCH_FILES) cut.push(all.slice(at, at + BATCH_FILES));
  return cut;
}
