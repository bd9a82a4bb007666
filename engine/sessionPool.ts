/** The sessions of one model, one per open document of a window; the least recently used one makes room. */
import { BackendLost, OutOfMemory } from '../kernels/ops.ts';
import type { CoreSession } from './core.ts';
import { throwIfAborted } from './errors.ts';

/** Documents a person goes back and forth between; each holds the KV cache of its prompt. */
const CAPACITY = 4;

interface Entry {
  readonly session: CoreSession;
  /** Cancels the newest job. */
  abort: AbortController;
  /** Settles when the last job asked for has ended. */
  idle: Promise<void>;
  jobs: number;
}

export class SessionPool {
  /** In order of last use. */
  readonly #entries = new Map<string, Entry>();
  /** The ends of sessions that hold memory until then, and the backend. */
  readonly #ending = new Set<Promise<void>>();
  #disposed = false;

  constructor(
    private readonly createSession: () => CoreSession,
    private readonly capacity = CAPACITY,
  ) {}

  get size(): number {
    return this.#entries.size;
  }

  /**
   * Runs `job` on the session named `key`. A newer job of the same key cancels the older and follows it. Where memory
   * runs out the idle sessions make room, and `job` runs once more. Rejects with BackendLost where the pool was disposed
   * meanwhile: the caller finds the model elsewhere.
   */
  async run<T>(
    key: string,
    signal: AbortSignal,
    job: (session: CoreSession, signal: AbortSignal) => Promise<T>,
  ): Promise<T> {
    const entry = this.#use(key);
    entry.abort.abort();
    entry.abort = new AbortController();
    const either = AbortSignal.any([signal, entry.abort.signal]);
    entry.jobs++;
    const result = entry.idle.then(async () => {
      throwIfAborted(either);
      try {
        return await job(entry.session, either);
      } catch (error) {
        // The caches of other documents go before the model does.
        if (!(error instanceof OutOfMemory) || !(await this.#endIdle())) throw error;
        return await job(entry.session, either);
      }
    });
    entry.idle = result.then(
      () => {},
      () => {},
    );
    try {
      return await result;
    } catch (error) {
      throw this.#disposed && !signal.aborted ? modelMoved() : error;
    } finally {
      entry.jobs--;
      this.#shrink();
    }
  }

  /** Ends the sessions whose key starts with `prefix`. */
  async release(prefix: string): Promise<void> {
    const gone = [...this.#entries].filter(([key]) => key.startsWith(prefix));
    await Promise.all(gone.map(([key, entry]) => this.#end(key, entry)));
  }

  /** Resolves when all sessions have ended, those too that were ending before. */
  async dispose(): Promise<void> {
    this.#disposed = true;
    for (const [key, entry] of this.#entries) void this.#end(key, entry);
    await Promise.all(this.#ending);
  }

  #use(key: string): Entry {
    if (this.#disposed) throw modelMoved();
    const entry = this.#entries.get(key) ?? {
      session: this.createSession(),
      abort: new AbortController(),
      idle: Promise.resolve(),
      jobs: 0,
    };
    this.#entries.delete(key);
    this.#entries.set(key, entry);
    return entry;
  }

  #shrink(): void {
    for (const [key, entry] of this.#entries) {
      if (this.#entries.size <= this.capacity) return;
      if (entry.jobs === 0) void this.#end(key, entry);
    }
  }

  /** False where there is none. */
  async #endIdle(): Promise<boolean> {
    for (const [key, entry] of this.#entries) if (entry.jobs === 0) void this.#end(key, entry);
    const ending = [...this.#ending];
    await Promise.all(ending);
    return ending.length > 0;
  }

  #end(key: string, entry: Entry): Promise<void> {
    this.#entries.delete(key);
    entry.abort.abort();
    const ended = entry.idle.then(() => entry.session.dispose()).finally(() => this.#ending.delete(ended));
    this.#ending.add(ended);
    return ended;
  }
}

const modelMoved = (): BackendLost => new BackendLost('The model moved to another backend.');
