/** The sessions of a model, one per open document or conversation of a window. The least recently used are evicted. */
import { BackendLost, OutOfMemory } from '../../kernels/ops.ts';
import { throwIfAborted } from '../errors.ts';

interface Disposable {
  /** Resolves when the memory is free. */
  dispose(): Promise<void>;
}

interface Entry<Session> {
  readonly session: Session;
  /** Aborts the newest job, and those behind it that yield. */
  abort: AbortController;
  /** Resolves when the last requested job has ended. */
  idle: Promise<void>;
  jobs: number;
}

export class SessionPool<Session extends Disposable> {
  /** In order of last use. */
  readonly #entries = new Map<string, Entry<Session>>();
  /** Sessions being disposed: they hold memory, and need the backend, until their promise resolves. */
  readonly #ending = new Set<Promise<void>>();
  #disposed = false;

  readonly #createSession: () => Session;
  readonly #capacity: number;
  readonly #makeRoom: () => Promise<boolean>;
  readonly #onEnd: (session: Session) => Promise<void>;

  /**
   * `makeRoom` frees memory that is used less than this pool's; resolves false where there is none. `onEnd` frees what
   * belongs to a session and is not its own.
   */
  constructor(
    createSession: () => Session,
    capacity: number,
    makeRoom: () => Promise<boolean>,
    onEnd: (session: Session) => Promise<void> = async () => {},
  ) {
    this.#onEnd = onEnd;
    this.#createSession = createSession;
    this.#capacity = capacity;
    this.#makeRoom = makeRoom;
  }

  get size(): number {
    return this.#entries.size;
  }

  /**
   * Runs `job` on the session of `key`. A newer job of the same key aborts the older one and runs after it; one that
   * `yields` waits for the older one instead. When memory runs out, `job` runs again as long as makeRoom finds some.
   * Rejects with BackendLost when the pool was disposed in the meantime: the model runs on another backend then.
   */
  async run<T>(
    key: string,
    signal: AbortSignal,
    job: (session: Session, signal: AbortSignal) => Promise<T>,
    { yields = false }: { readonly yields?: boolean } = {},
  ): Promise<T> {
    const entry = this.#use(key);
    if (!yields) {
      entry.abort.abort();
      entry.abort = new AbortController();
    }
    const either = AbortSignal.any([signal, entry.abort.signal]);
    entry.jobs++;
    const result = entry.idle.then(async () => {
      for (;;) {
        throwIfAborted(either);
        try {
          return await job(entry.session, either);
        } catch (error) {
          if (!(error instanceof OutOfMemory) || !(await this.#makeRoom())) throw error;
        }
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

  /** Disposes the sessions whose key starts with `prefix`. */
  async release(prefix: string): Promise<void> {
    const gone = [...this.#entries].filter(([key]) => key.startsWith(prefix));
    await Promise.all(gone.map(([key, entry]) => this.#end(key, entry)));
  }

  /** Resolves when all sessions are disposed, including those whose disposal has begun before. */
  async dispose(): Promise<void> {
    this.#disposed = true;
    for (const [key, entry] of this.#entries) void this.#end(key, entry);
    await Promise.all(this.#ending);
  }

  #use(key: string): Entry<Session> {
    if (this.#disposed) throw modelMoved();
    const entry = this.#entries.get(key) ?? {
      session: this.#createSession(),
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
      if (this.#entries.size <= this.#capacity) return;
      if (entry.jobs === 0) void this.#end(key, entry);
    }
  }

  /** Disposes the sessions without a job. Resolves false when there is none. */
  async evictIdle(): Promise<boolean> {
    for (const [key, entry] of this.#entries) if (entry.jobs === 0) void this.#end(key, entry);
    const ending = [...this.#ending];
    await Promise.all(ending);
    return ending.length > 0;
  }

  #end(key: string, entry: Entry<Session>): Promise<void> {
    this.#entries.delete(key);
    entry.abort.abort();
    const end = async (): Promise<void> => {
      await entry.session.dispose();
      await this.#onEnd(entry.session);
    };
    const ended = entry.idle.then(end).finally(() => this.#ending.delete(ended));
    this.#ending.add(ended);
    return ended;
  }
}

const modelMoved = (): BackendLost => new BackendLost('The model moved to another backend.');
