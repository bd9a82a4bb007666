/** The host's end of the thread that holds the index. No vscode. */
import { join } from 'node:path';
import { Worker } from 'node:worker_threads';
import {
  CancellationTokenSource,
  createMessageConnection,
  type MessageConnection,
  PortMessageReader,
  PortMessageWriter,
} from 'vscode-jsonrpc/node';
import type { FileSystem } from '../files/fileSystem.ts';
import type { FileCall } from './hostFiles.ts';
import type { FoundChunk, OpenParams, Progress, SearchParams, Stats, ThreadData } from './protocol.ts';

interface Methods {
  open: { params: OpenParams; result: Stats };
  rebuild: { params: undefined; result: Stats };
  search: { params: SearchParams; result: FoundChunk[] };
  changed: { params: string[]; result: Stats };
  close: { params: undefined; result: null };
}

export interface IndexThreadHost {
  onProgress(progress: Progress): void;
  onLog(message: string): void;
  /** Serves what this computer's file system does not hold. */
  readonly files: FileSystem;
  /** The thread ended without being asked to. */
  onCrash(reason: string): void;
}

/** A thread that does not save its index within this time is terminated. */
const CLOSE_MS = 2000;

export class IndexThread {
  readonly #worker: Worker;
  readonly #connection: MessageConnection;
  readonly #ended: Promise<never>;
  #closing = false;
  /** The reason why the thread ended; empty while it runs. */
  #reason = '';

  /** `folder` holds indexer.cjs, tree-sitter.wasm and the grammars. */
  constructor(folder: string, host: IndexThreadHost) {
    const script = join(folder, 'indexer.cjs');
    const workerData: ThreadData = { role: 'index', script, grammarFolder: folder };
    this.#worker = new Worker(script, { workerData, resourceLimits: { maxYoungGenerationSizeMb: 8 } });
    this.#connection = createMessageConnection(
      new PortMessageReader(this.#worker),
      new PortMessageWriter(this.#worker),
    );
    this.#connection.onNotification('progress', (progress: Progress) => host.onProgress(progress));
    this.#connection.onNotification('log', (message: string) => host.onLog(message));
    this.#connection.onRequest('file', async ({ what, path }: FileCall) => (await host.files[what](path)) ?? null);
    this.#ended = new Promise((_, reject) => {
      this.#worker.on('error', (error) => (this.#reason = String(error)));
      this.#worker.on('exit', (code) => {
        this.#reason ||= `The index ended with code ${code}.`;
        // Before the connection is disposed, so that pending calls fail for this reason.
        reject(new Error(this.#reason));
        this.#connection.dispose();
        if (!this.#closing) host.onCrash(this.#reason);
      });
    });
    // Calls race with this promise; its rejection alone is no error.
    this.#ended.catch(() => {});
    this.#connection.listen();
  }

  async call<M extends keyof Methods>(
    method: M,
    params: Methods[M]['params'],
    signal?: AbortSignal,
  ): Promise<Methods[M]['result']> {
    signal?.throwIfAborted();
    if (this.#reason) throw new Error(this.#reason);
    const source = new CancellationTokenSource();
    let stop!: () => void;
    const stopped = new Promise<never>((_, reject) => (stop = () => reject(signal?.reason as Error)));
    const onAbort = (): void => {
      source.cancel();
      stop();
    };
    signal?.addEventListener('abort', onAbort, { once: true });
    try {
      const answer = this.#connection.sendRequest<Methods[M]['result']>(method, params, source.token);
      // The answer may fail after another promise has won the race.
      answer.catch(() => {});
      return await Promise.race([answer, stopped, this.#ended]);
    } finally {
      signal?.removeEventListener('abort', onAbort);
      source.dispose();
    }
  }

  /** Saves the index, then ends the thread and those that it started. */
  async dispose(): Promise<void> {
    if (this.#closing || this.#reason) return;
    this.#closing = true;
    const late = new Promise((resolve) => setTimeout(resolve, CLOSE_MS).unref());
    await Promise.race([this.#connection.sendRequest('close').catch(() => {}), this.#ended.catch(() => {}), late]);
    await this.#worker.terminate();
  }
}
