import type { LoadedModel } from '../../load/loadedModel.ts';

/** Measures the longest time for which the event loop was busy and could serve nothing else. */
export class PauseWatch {
  #longestMs = 0;
  #last = performance.now();
  readonly #timer = setInterval(() => this.#tick(), 1);

  /** The longest pause so far, in milliseconds; the next call counts anew. */
  take(): number {
    this.#tick();
    const longestMs = this.#longestMs;
    this.#longestMs = 0;
    return longestMs;
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  #tick(): void {
    const now = performance.now();
    this.#longestMs = Math.max(this.#longestMs, now - this.#last);
    this.#last = now;
  }
}

/** Samples the memory of a model while steps run, which leave the event loop free, and keeps the largest values. */
export class MemoryWatch {
  kvBytes = 0;
  scratchBytes = 0;
  readonly #model: LoadedModel;
  readonly #timer = setInterval(() => this.#sample(), 20);

  constructor(model: LoadedModel) {
    this.#model = model;
  }

  stop(): void {
    clearInterval(this.#timer);
    this.#sample();
  }

  #sample(): void {
    const kvBytes = this.#model.kvBytes();
    this.kvBytes = Math.max(this.kvBytes, kvBytes);
    this.scratchBytes = Math.max(this.scratchBytes, this.#model.bytesHeld() - this.#model.info.bytes - kvBytes);
  }
}

/** Samples the memory of the process, and keeps the largest value. maxRSS would count what was freed before. */
export class PeakWatch {
  readonly #before = process.memoryUsage.rss();
  #peak = this.#before;
  #timer = setInterval(() => this.#sample(), 5);

  /** Bytes beyond those that the process had at the beginning, at most so far. */
  get bytes(): number {
    this.#sample();
    return this.#peak - this.#before;
  }

  /** Samples every tenth of a second only: a sample takes a tenth of a millisecond, which the steps would lack. */
  slowDown(): void {
    clearInterval(this.#timer);
    this.#timer = setInterval(() => this.#sample(), 100);
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  #sample(): void {
    this.#peak = Math.max(this.#peak, process.memoryUsage.rss());
  }
}
