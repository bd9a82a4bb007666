import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import workerSource from 'thread:./cutterThread.ts';
import kernels from 'wasm-kernels:plain';
import { BadRequest, Cancelled, errorMessage, throwIfAborted } from '../errors.ts';
import type { CutAnswer, CutRequest } from './cutterThread.ts';

/** How long the thread waits for the next picture. Starting it takes about as long as cutting a screenshot. */
const IDLE_MS = 20_000;
/** After a larger picture the thread ends at once, and its memory is freed. */
const KEPT_PIXELS = 16e6;

/** Decodes and cuts pictures, one at a time, in a thread of its own that starts with the first and ends when idle. */
export class PictureCutter {
  #worker: Promise<Worker> | undefined;
  #idle: NodeJS.Timeout | undefined;

  /**
   * The patches as cutIntoCrops gives them, which stay until the next picture. Rejects with BadRequest where the file is
   * damaged, or with Cancelled at once.
   */
  async cut(request: CutRequest, signal?: AbortSignal): Promise<Float32Array> {
    throwIfAborted(signal);
    clearTimeout(this.#idle);
    this.#worker ??= this.#start();
    const worker = await this.#worker;
    worker.ref();
    let answer: CutAnswer;
    try {
      answer = await answerOf(worker, request, signal);
    } catch (error) {
      await this.dispose();
      throw error;
    }
    worker.unref();
    const isLarge = request.width * request.height > KEPT_PIXELS;
    if (isLarge) await this.dispose();
    else this.#idle = setTimeout(() => void this.dispose(), IDLE_MS).unref();
    if ('refusal' in answer) throw new BadRequest(answer.refusal);
    return isLarge ? answer.patches.slice() : answer.patches;
  }

  /** Ends the thread; the next picture starts another. */
  async dispose(): Promise<void> {
    clearTimeout(this.#idle);
    const worker = this.#worker;
    this.#worker = undefined;
    await (await worker)?.terminate();
  }

  async #start(): Promise<Worker> {
    const workerData = await WebAssembly.compile(kernels);
    return new Worker(workerSource, { eval: true, name: 'airgap-cut', execArgv: [], workerData });
  }
}

async function answerOf(worker: Worker, request: CutRequest, signal: AbortSignal | undefined): Promise<CutAnswer> {
  const done = new AbortController();
  const until = { signal: signal ? AbortSignal.any([signal, done.signal]) : done.signal };
  const answered = once(worker, 'message', until) as Promise<[CutAnswer]>;
  const ended = once(worker, 'exit', until).then((): never => {
    throw new Error('it ended');
  });
  worker.postMessage(request);
  try {
    return (await Promise.race([answered, ended]))[0];
  } catch (error) {
    if (signal?.aborted) throw new Cancelled();
    throw new Error(`The thread that cuts pictures failed: ${errorMessage(error)}.`);
  } finally {
    done.abort();
  }
}
