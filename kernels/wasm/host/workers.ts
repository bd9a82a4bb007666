/// <reference lib="es2024.sharedmemory" />
import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import workerSource from 'thread:./worker.ts';
import { BackendLost } from '../../ops.ts';
import {
  CONTROL,
  CONTROL_BANKS,
  CONTROL_BARRIER,
  CONTROL_DONE,
  CONTROL_ENTRIES,
  CONTROL_GENERATION,
  CONTROL_PLAN,
  CONTROL_TIMES,
} from '../opcodes.ts';
import type { PlacedProgram } from './program.ts';
import type { WorkerData } from './worker.ts';

/** The threads that run programs. They sleep between steps and keep the process alive only during one. */
export class Workers {
  readonly #control: Int32Array<SharedArrayBuffer>;
  #lost: BackendLost | undefined;
  #failStep: ((error: BackendLost) => void) | undefined;

  private constructor(
    memory: WebAssembly.Memory,
    readonly threads: readonly Worker[],
  ) {
    this.#control = new Int32Array(memory.buffer as unknown as SharedArrayBuffer, CONTROL, CONTROL_BARRIER);
    threads.forEach((worker, thread) => {
      worker.on('error', (error) => this.#lose(`A worker of the WASM backend failed: ${error.message}.`));
      worker.on('exit', () => this.#lose(`Worker ${thread} of the WASM backend ended unexpectedly.`));
      worker.unref();
    });
  }

  /** Resolves when every thread is ready. Rejects with BackendLost when one cannot start. */
  static async start(module: WebAssembly.Module, memory: WebAssembly.Memory, count: number): Promise<Workers> {
    const threads = Array.from({ length: count }, (_, thread) => {
      const workerData: WorkerData = { module, memory, thread, threads: count };
      return new Worker(workerSource, { eval: true, workerData, name: `airgap-wasm-${thread}`, execArgv: [] });
    });
    try {
      await Promise.all(threads.map((worker) => once(worker, 'message')));
    } catch (error) {
      await Promise.all(threads.map((worker) => worker.terminate()));
      throw new BackendLost(`The WASM backend could not start its workers: ${(error as Error).message}.`);
    }
    return new Workers(memory, threads);
  }

  /** Makes another memory known to the threads, for the programs that follow. */
  add(memory: WebAssembly.Memory): void {
    for (const worker of this.threads) worker.postMessage(memory);
  }

  /** Runs a program on all threads; this thread only waits for an event. Rejects with BackendLost. */
  async run(program: PlacedProgram): Promise<void> {
    this.throwIfLost();
    const control = this.#control;
    control[CONTROL_PLAN] = program.address;
    control[CONTROL_ENTRIES] = program.entries;
    control[CONTROL_BANKS] = program.banks;
    control[CONTROL_TIMES] = program.times;
    for (const worker of this.threads) worker.ref();
    try {
      await new Promise<void>((resolve, reject) => {
        this.#failStep = reject;
        const before = Atomics.load(control, CONTROL_DONE);
        Atomics.add(control, CONTROL_GENERATION, 1);
        Atomics.notify(control, CONTROL_GENERATION);
        // Looks again after each notice: that of the step before may come late, when its result has long been seen.
        const look = (): void => {
          const waiting = Atomics.waitAsync(control, CONTROL_DONE, before);
          if (waiting.async) waiting.value.then(look, reject);
          else resolve();
        };
        look();
      });
      this.throwIfLost();
    } finally {
      this.#failStep = undefined;
      for (const worker of this.threads) worker.unref();
    }
  }

  throwIfLost(): void {
    if (this.#lost) throw this.#lost;
  }

  async dispose(): Promise<void> {
    this.#lose('The WASM backend was disposed.');
    await Promise.all(this.threads.map((worker) => worker.terminate()));
  }

  #lose(reason: string): void {
    this.#lost ??= new BackendLost(reason);
    this.#failStep?.(this.#lost);
    // No caller may wait forever for a step that no thread will finish.
    Atomics.add(this.#control, CONTROL_DONE, 1);
    Atomics.notify(this.#control, CONTROL_DONE);
  }
}
