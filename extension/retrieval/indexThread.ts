/** The host's end of the thread that keeps the index. No vscode. */
import { join } from 'node:path';
import { Worker } from 'node:worker_threads';
import {
  CancellationTokenSource,
  createMessageConnection,
  type MessageConnection,
  PortMessageReader,
  PortMessageWriter,
} from 'vscode-jsonrpc/node';
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
  /** It ended, and nobody asked for that. */
  onCrash(reason: string): void;
}

/** After this a thread that was asked to keep its index is ended. */
const CLOSE_MS = 2000;

export class IndexThread {
  readonly #worker: Worker;
  readonly #connection: MessageConnection;
  readonly #ended: Promise<never>;
  #closing = false;
  /** Why it ended. */
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
    this.#ended = new Promise((_, reject) => {
      this.#worker.on('error', (error) => (this.#reason = String(error)));
      this.#worker.on('exit', (code) => {
        this.#reason ||= `The index ended with code ${code}.`;
        // First, so that open calls fail for this reason and not for the connection's.
        reject(new Error(this.#reason));
        this.#connection.dispose();
        if (!this.#closing) host.onCrash(this.#reason);
      });
    });
    // Calls race with it; alone it is no fault.
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
      // Where another of the three came first.
      answer.catch(() => {});
      return await Promise.race([answer, stopped, this.#ended]);
    } finally {
      signal?.removeEventListener('abort', onAbort);
      source.dispose();
    }
  }

  /** Ends the thread and those that it started; first it keeps what it read. */
  async dispose(): Promise<void> {
    if (this.#closing || this.#reason) return;
    this.#closing = true;
    const late = new Promise((resolve) => setTimeout(resolve, CLOSE_MS).unref());
    await Promise.race([this.#connection.sendRequest('close').catch(() => {}), this.#ended.catch(() => {}), late]);
    await this.#worker.terminate();
  }
}
