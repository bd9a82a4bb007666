/** Who reads files into segments: this thread, and for many files another one that ends when it has no work. No vscode. */
import { availableParallelism } from 'node:os';
import { Worker } from 'node:worker_threads';
import { FileReader, type FileToRead } from './analyseFile.ts';
import type { Readers } from './indexer.ts';
import type { ThreadData } from './indexerThread.ts';
import type { Segment } from './segment.ts';

/** Reads in this thread: enough for small projects and for what changes. */
export class OwnReader implements Readers {
  readonly width = 1;
  readonly #reader: FileReader;

  constructor(grammarFolder: string) {
    this.#reader = new FileReader(grammarFolder);
  }

  read(files: readonly FileToRead[]): Promise<Segment> {
    return this.#reader.read(files);
  }

  dispose(): Promise<void> {
    return this.#reader.dispose();
  }
}

/** V8 would rather take memory than collect: measured, 50 MB less per thread. */
const THREAD_LIMITS = { maxYoungGenerationSizeMb: 8, maxOldGenerationSizeMb: 512 };

/** Fewer files than this are not worth a thread. */
const WORTH_A_THREAD = 60;
const IDLE_MS = 2000;

interface ReadingThread {
  readonly worker: Worker;
  idle: NodeJS.Timeout | undefined;
}

export class SharedReaders implements Readers {
  /** Two busy threads at most, which are behind everything else where the system lets them (indexerThread.ts). */
  readonly width = process.platform === 'linux' || availableParallelism() > 2 ? 2 : 1;
  readonly #own: OwnReader;
  #ownIsBusy = false;
  readonly #free: ReadingThread[] = [];
  readonly #all = new Set<ReadingThread>();

  readonly #script: string;
  readonly #grammarFolder: string;

  constructor(script: string, grammarFolder: string) {
    this.#script = script;
    this.#grammarFolder = grammarFolder;

    this.#own = new OwnReader(grammarFolder);
  }

  async read(files: readonly FileToRead[]): Promise<Segment> {
    // A thread of its own for each would take 60 MB more.
    if (files.length < WORTH_A_THREAD || !this.#ownIsBusy) return this.#readHere(files);
    const thread = this.#free.pop() ?? this.#start();
    clearTimeout(thread.idle);
    try {
      const segment = await ask(thread.worker, files);
      this.#free.push(thread);
      thread.idle = setTimeout(() => void this.#end(thread), IDLE_MS);
      return segment;
    } catch (error) {
      await this.#end(thread);
      throw error;
    }
  }

  async dispose(): Promise<void> {
    await Promise.all([...this.#all].map((thread) => this.#end(thread)));
    await this.#own.dispose();
  }

  async #readHere(files: readonly FileToRead[]): Promise<Segment> {
    this.#ownIsBusy = true;
    try {
      return await this.#own.read(files);
    } finally {
      this.#ownIsBusy = false;
    }
  }

  #start(): ReadingThread {
    const workerData: ThreadData = { role: 'read', script: this.#script, grammarFolder: this.#grammarFolder };
    const thread: ReadingThread = {
      worker: new Worker(this.#script, { workerData, resourceLimits: THREAD_LIMITS }),
      idle: undefined,
    };
    this.#all.add(thread);
    return thread;
  }

  async #end(thread: ReadingThread): Promise<void> {
    clearTimeout(thread.idle);
    this.#all.delete(thread);
    const at = this.#free.indexOf(thread);
    if (at >= 0) this.#free.splice(at, 1);
    await thread.worker.terminate();
  }
}

async function ask(worker: Worker, files: readonly FileToRead[]): Promise<Segment> {
  let resolve!: (segment: Segment) => void;
  let reject!: (error: Error) => void;
  const promise = new Promise<Segment>((...settle) => ([resolve, reject] = settle));
  const onMessage = ({ segment, problem }: { segment?: Segment; problem?: string }): void =>
    segment ? resolve(segment) : reject(new Error(problem));
  const onError = (error: unknown): void => reject(error as Error);
  const onExit = (): void => reject(new Error('A thread that reads files ended.'));
  worker.on('message', onMessage).on('error', onError).on('exit', onExit);
  try {
    worker.postMessage(files);
    return await promise;
  } finally {
    worker.off('message', onMessage).off('error', onError).off('exit', onExit);
  }
}
