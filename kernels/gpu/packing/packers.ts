import { availableParallelism } from 'node:os';
import { Worker } from 'node:worker_threads';
import workerSource from 'thread:./worker.ts';
import { BackendLost } from '../../ops.ts';
import { type PackedRows, type StoredRows, packedBytes } from './packRows.ts';
import type { PackAnswer, PackMessage } from './worker.ts';

/** The loader has about as many pieces under way. */
const MOST_THREADS = 6;
/** After so long without work the threads end; a model is loaded once. */
const IDLE_MS = 2000;
/** Free buffers that are kept: those of six pieces under way. Allocating megabytes for each would keep the collector busy. */
const MOST_FREE = 18;

interface Job {
  readonly rows: StoredRows;
  readonly resolve: (packed: PackedRows) => void;
  readonly reject: (error: Error) => void;
}

/** Threads that pack weights, so that the event loop stays free. They start with the first rows. */
export class Packers {
  readonly #idle: Worker[] = [];
  readonly #busy = new Map<Worker, Job>();
  readonly #waiting: Job[] = [];
  #free: ArrayBuffer[] = [];
  #idleTimer: NodeJS.Timeout | undefined;
  #lost: BackendLost | undefined;

  /** A buffer for stored rows, or for what they are packed into; its bytes are arbitrary. */
  buffer(bytes: number): ArrayBuffer {
    const index = this.#free.findIndex((buffer) => buffer.byteLength === bytes);
    return index < 0 ? new ArrayBuffer(bytes) : this.#free.splice(index, 1)[0]!;
  }

  /** Lets others use the buffers of packed rows. */
  recycle({ blocks, scales }: PackedRows): void {
    this.#keep(blocks, scales);
  }

  /** Packs rows, whose buffer it takes over; the result is to be recycled. Rejects with BackendLost when a thread fails or the backend is disposed. */
  pack(rows: StoredRows): Promise<PackedRows> {
    return new Promise((resolve, reject) => {
      if (this.#lost) return reject(this.#lost);
      this.#waiting.push({ rows, resolve, reject });
      this.#next();
    });
  }

  /** Ends the threads; jobs under way reject with BackendLost. */
  async dispose(): Promise<void> {
    await this.#lose(new BackendLost('The GPU backend was disposed.'));
  }

  #next(): void {
    clearTimeout(this.#idleTimer);
    while (this.#waiting.length > 0) {
      const worker = this.#idle.pop() ?? this.#start();
      if (!worker) return;
      const job = this.#waiting.shift()!;
      this.#busy.set(worker, job);
      worker.ref();
      const { rows } = job;
      const sizes = packedBytes(rows);
      const message: PackMessage = { rows, blocks: this.buffer(sizes.blocks), scales: this.buffer(sizes.scales) };
      worker.postMessage(message, [rows.bytes.buffer, message.blocks, message.scales]);
    }
    if (this.#busy.size === 0) this.#idleTimer = setTimeout(() => void this.#end(), IDLE_MS).unref();
  }

  /** One thread more, or undefined where there are enough. */
  #start(): Worker | undefined {
    if (this.#busy.size >= Math.min(MOST_THREADS, availableParallelism())) return undefined;
    const worker = new Worker(workerSource, { eval: true, name: 'airgap-pack', execArgv: [] });
    worker.on('message', (answer: PackAnswer) => {
      const job = this.#busy.get(worker);
      this.#busy.delete(worker);
      this.#idle.push(worker);
      worker.unref();
      this.#keep(answer.stored);
      job?.resolve(answer);
      this.#next();
    });
    worker.on('error', ({ message }) => {
      void this.#lose(new BackendLost(`A thread that packs weights for the GPU failed: ${message}.`));
    });
    worker.on('exit', () => {
      if (this.#busy.has(worker)) void this.#lose(new BackendLost('A thread that packs weights for the GPU ended.'));
    });
    return worker;
  }

  #keep(...buffers: ArrayBuffer[]): void {
    this.#free = [...buffers.filter(({ byteLength }) => byteLength > 0), ...this.#free].slice(0, MOST_FREE);
  }

  async #lose(reason: BackendLost): Promise<void> {
    this.#lost ??= reason;
    for (const { reject } of [...this.#busy.values(), ...this.#waiting.splice(0)]) reject(this.#lost);
    await this.#end();
  }

  async #end(): Promise<void> {
    clearTimeout(this.#idleTimer);
    const workers = [...this.#idle.splice(0), ...this.#busy.keys()];
    this.#busy.clear();
    this.#free = [];
    await Promise.all(workers.map((worker) => worker.terminate()));
  }
}
