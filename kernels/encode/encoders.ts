import { availableParallelism } from 'node:os';
import { Worker } from 'node:worker_threads';
import workerSource from 'thread:./worker.ts';
import kernels from 'wasm-kernels:plain';
import type { EncodedRows } from './plainRows.ts';
import type { EncodeAnswer, EncodeMessage } from './worker.ts';

/** One for each core would not help: a disk gives what a few threads encode. */
const MOST_THREADS = 8;

interface Job {
  readonly message: EncodeMessage;
  readonly resolve: (rows: EncodedRows) => void;
  readonly reject: (error: Error) => void;
}

/** Threads that encode rows as stored types. They start with the first rows, and end when disposed. */
export class Encoders {
  readonly threads = Math.min(MOST_THREADS, availableParallelism());
  readonly #idle: Worker[] = [];
  readonly #busy = new Map<Worker, Job>();
  readonly #waiting: Job[] = [];
  #lost: Error | undefined;
  /** Buffers of rows that have been encoded. Fresh memory costs about as much as reading a file into it. */
  readonly #free: ArrayBuffer[] = [];

  /** Room for rows that are to be encoded; its bytes are arbitrary. */
  room(bytes: number): Uint8Array<ArrayBuffer> {
    const index = this.#free.findIndex((buffer) => buffer.byteLength === bytes);
    return new Uint8Array(index < 0 ? new ArrayBuffer(bytes) : this.#free.splice(index, 1)[0]!);
  }

  /** Encodes rows, whose buffer it takes over. Rejects when a thread fails or the threads are disposed. */
  encode(message: EncodeMessage): Promise<EncodedRows> {
    return new Promise((resolve, reject) => {
      if (this.#lost) return reject(this.#lost);
      this.#waiting.push({ message, resolve, reject });
      this.#next();
    });
  }

  async dispose(): Promise<void> {
    this.#lose(new Error('The threads that encode weights were disposed.'));
    const workers = [...this.#idle.splice(0), ...this.#busy.keys()];
    this.#busy.clear();
    await Promise.all(workers.map((worker) => worker.terminate()));
  }

  #next(): void {
    while (this.#waiting.length > 0) {
      const worker = this.#idle.pop() ?? (this.#busy.size < this.threads ? this.#start() : undefined);
      if (!worker) return;
      const job = this.#waiting.shift()!;
      this.#busy.set(worker, job);
      worker.postMessage(job.message, [job.message.bytes.buffer]);
    }
  }

  #start(): Worker {
    const worker = new Worker(workerSource, { eval: true, name: 'airgap-encode', execArgv: [], workerData: kernels });
    worker.on('message', ({ stored, ...rows }: EncodeAnswer) => {
      this.#free.unshift(stored);
      this.#free.length = Math.min(this.#free.length, this.threads);
      const job = this.#busy.get(worker);
      this.#busy.delete(worker);
      this.#idle.push(worker);
      job?.resolve(rows);
      this.#next();
    });
    worker.on('error', ({ message }) => this.#lose(new Error(`A thread that encodes weights failed: ${message}`)));
    worker.on('exit', () => {
      if (this.#busy.has(worker)) this.#lose(new Error('A thread that encodes weights ended.'));
    });
    return worker;
  }

  #lose(reason: Error): void {
    this.#lost ??= reason;
    for (const { reject } of [...this.#busy.values(), ...this.#waiting.splice(0)]) reject(this.#lost);
  }
}
