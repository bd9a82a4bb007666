/** Analyses files in this thread, and where there are many in another one, which ends when it has no work. No vscode. */
import { availableParallelism } from 'node:os';
import { Worker } from 'node:worker_threads';
import { addressElsewhere } from '../files/elsewhere.ts';
import type { FileSystem } from '../files/fileSystem.ts';
import { type Analysers, FileAnalyser, type FileToAnalyse } from './fileAnalyser.ts';
import type { ThreadData } from './protocol.ts';
import type { Segment } from './segment.ts';

/** Without limits V8 prefers taking memory to collecting garbage: they save 50 MB per thread (measured). */
const THREAD_LIMITS = { maxYoungGenerationSizeMb: 8, maxOldGenerationSizeMb: 512 };

/** The least number of files that is worth a thread. */
const WORTH_A_THREAD = 60;
const IDLE_MS = 2000;

interface AnalysisThread {
  readonly worker: Worker;
  idle: NodeJS.Timeout | undefined;
}

export class ThreadedAnalysers implements Analysers {
  /** At most two busy threads; their priority is low where the system allows it (indexerThread.ts). */
  readonly width = process.platform === 'linux' || availableParallelism() > 2 ? 2 : 1;
  readonly #own: FileAnalyser;
  #ownIsBusy = false;
  readonly #free: AnalysisThread[] = [];
  readonly #all = new Set<AnalysisThread>();

  readonly #script: string;
  readonly #grammarFolder: string;

  /** `files` serves this thread; the others use this computer's file system. */
  constructor(files: FileSystem, script: string, grammarFolder: string) {
    this.#script = script;
    this.#grammarFolder = grammarFolder;

    this.#own = new FileAnalyser(files, grammarFolder);
  }

  async analyse(files: readonly FileToAnalyse[]): Promise<Segment> {
    // Another thread takes 60 MB, so this one works first.
    const here = files.length < WORTH_A_THREAD || !this.#ownIsBusy || files.some(({ file }) => addressElsewhere(file));
    if (here) return this.#analyseHere(files);
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

  async #analyseHere(files: readonly FileToAnalyse[]): Promise<Segment> {
    this.#ownIsBusy = true;
    try {
      return await this.#own.analyse(files);
    } finally {
      this.#ownIsBusy = false;
    }
  }

  #start(): AnalysisThread {
    const workerData: ThreadData = { role: 'analyse', script: this.#script, grammarFolder: this.#grammarFolder };
    const thread: AnalysisThread = {
      worker: new Worker(this.#script, { workerData, resourceLimits: THREAD_LIMITS }),
      idle: undefined,
    };
    this.#all.add(thread);
    return thread;
  }

  async #end(thread: AnalysisThread): Promise<void> {
    clearTimeout(thread.idle);
    this.#all.delete(thread);
    const at = this.#free.indexOf(thread);
    if (at >= 0) this.#free.splice(at, 1);
    await thread.worker.terminate();
  }
}

async function ask(worker: Worker, files: readonly FileToAnalyse[]): Promise<Segment> {
  let resolve!: (segment: Segment) => void;
  let reject!: (error: Error) => void;
  const promise = new Promise<Segment>((...settle) => ([resolve, reject] = settle));
  const onMessage = ({ segment, problem }: { segment?: Segment; problem?: string }): void =>
    segment ? resolve(segment) : reject(new Error(problem));
  const onError = (error: unknown): void => reject(error as Error);
  const onExit = (): void => reject(new Error('A thread that analyses files ended.'));
  worker.on('message', onMessage).on('error', onError).on('exit', onExit);
  try {
    worker.postMessage(files);
    return await promise;
  } finally {
    worker.off('message', onMessage).off('error', onError).off('exit', onExit);
  }
}
