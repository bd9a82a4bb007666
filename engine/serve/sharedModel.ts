/**
 * A model that several windows use: loaded once, moved when its backend fails, unloaded where another model needs its
 * memory, and in any case with its last user.
 */
import { BackendLost, OutOfMemory } from '../../kernels/ops.ts';
import { errorMessage } from '../errors.ts';
import { DocumentSession } from '../document/documentSession.ts';
import { PrefillSpeed } from '../document/prefillSpeed.ts';
import type { ModelSession } from '../inference/modelSession.ts';
import { PRIORITY, type Priority, type Scheduler } from '../inference/scheduler.ts';
import { TRIAL_CONTEXT } from '../load/compareBackends.ts';
import type { LoadedModel } from '../load/loadedModel.ts';
import type { MemoryLedger } from '../load/memoryLedger.ts';
import type { LoadOptions } from '../load/loadModel.ts';
import { fallbackFor, fallbackForLoad, reopened } from '../load/openBackend.ts';
import type { LoadParams, LoadProgress, ModelInfo, ModelReference } from '../wire/protocol.ts';
import { BackendTrial, type BackendTrialOptions } from './backendTrial.ts';
import { collectGarbage } from './collectGarbage.ts';
import { IdleTuning, type IdleTuningOptions } from './idleTuning.ts';
import { loadInUse } from './loadInUse.ts';
import { SessionPool } from './sessionPool.ts';

/** A loaded model as the server uses it. */
export type ServedModel = Omit<LoadedModel, 'createSession'> & { createSession(priority?: Priority): ModelSession };

export type ModelLoader = (model: ModelReference, options: LoadOptions) => Promise<ServedModel>;

export interface LiveModel {
  readonly model: ServedModel;
  readonly info: ModelInfo;
  readonly documents: SessionPool<DocumentSession>;
  readonly chats: SessionPool<ModelSession>;
  readonly speed: PrefillSpeed;
  readonly tuning: IdleTuning | undefined;
  readonly trial: BackendTrial | undefined;
}

/** So often a lost backend is opened again without a call that ends well; then the fallback takes over. */
const MOST_REOPENED = 2;
/** Backends that a call tries: the one that it finds, that one opened again, and the fallback. */
const MOST_TRIES = 3;
/** Number of documents whose KV caches are kept, since people switch between a few. */
const DOCUMENTS = 4;
/** The same for conversations, whose caches are longer. */
const CHATS = 2;

export interface SharedModelOptions {
  /** Shared by all models of the process, so that one step at a time runs. */
  readonly scheduler: Scheduler;
  /** Shared likewise, so that models that load at once do not count on the same memory. */
  readonly ledger: MemoryLedger;
  /** The KV disk cache; off when absent. */
  readonly diskCache?: LoadOptions['diskCache'];
  readonly log: (message: string) => void;
  readonly knownTuning?: LoadOptions['knownTuning'];
  /** A GPU's kernels are not chosen in idle time where absent. */
  readonly idleTuning?: IdleTuningOptions | undefined;
  /** A model on a GPU is not compared with the CPU where absent. */
  readonly backendTrial?: BackendTrialOptions | undefined;
  /** Tells the users, once per move. */
  readonly onMoved: (info: ModelInfo, reason: string) => void;
  /** Tells the users that the model was unloaded; the next call loads it again. */
  readonly onUnloaded: () => void;
  /** Takes memory from other models; resolves false where there is none to take. */
  readonly makeRoom: () => Promise<boolean>;
  /** Bytes that other models hold. */
  readonly heldByOthers: () => number;
  /** loadInUse when absent; a test may let it fail. */
  readonly loadModel?: ModelLoader | undefined;
}

export class SharedModel<User extends object> {
  readonly users = new Set<User>();
  readonly #progress = new Set<(progress: LoadProgress) => void>();
  readonly #abort = new AbortController();
  #live: Promise<LiveModel> | undefined;
  #current: LiveModel | undefined;
  /** Resolves when the memory of former loads is free. */
  #ended: Promise<void> = Promise.resolve();
  #calls = 0;
  /** Losses since a call has ended well. */
  #losses = 0;
  #usedAt = 0;
  /** Why the model is to be loaded again once no call runs. */
  #reloadBecause: string | undefined;
  /** The backend that the next load requests: the fallback once a backend has failed. */
  #backend: LoadParams['backend'];
  #movedBecause = '';

  readonly #params: LoadParams;
  readonly #options: SharedModelOptions;

  constructor(
    readonly id: string,
    params: LoadParams,
    options: SharedModelOptions,
  ) {
    this.#params = params;
    this.#options = options;
    this.#backend = params.backend;
  }

  /** The loaded model; loads it first if necessary. Rejects as loadModel does. */
  async live(onProgress?: (progress: LoadProgress) => void): Promise<LiveModel> {
    if (onProgress) this.#progress.add(onProgress);
    try {
      return await (this.#live ??= this.#load());
    } finally {
      if (onProgress) this.#progress.delete(onProgress);
    }
  }

  /**
   * After `error` on `failed`: the model on that backend opened again, where it was lost and `again` is false, else on the
   * fallback backend; loaded once however many calls ask for it. Rejects with `error` when the backend was not at fault,
   * or when nothing else remains; then the next call loads again.
   */
  async recover(failed: LiveModel, error: unknown, again = false): Promise<LiveModel> {
    if (this.#abort.signal.aborted || !isBackendFailure(error)) throw error;
    if (this.#current !== failed) return this.live();
    const { backend } = failed.info;
    const fallback = (again ? undefined : this.#reopen(backend, error)) ?? fallbackFor(backend);
    const ended = this.#endCurrent();
    if (!fallback) {
      await ended;
      throw error;
    }
    this.#backend = fallback;
    this.#movedBecause = `${failed.info.device} failed: ${error.message}`;
    this.#live = this.#load();
    const moved = await this.#live;
    this.#options.onMoved(moved.info, this.#movedBecause);
    return moved;
  }

  /** The model if it is loaded now; does not wait for a load. */
  get current(): LiveModel | undefined {
    return this.#current;
  }

  get usedAt(): number {
    return this.#usedAt;
  }

  /** Calls `job` with the loaded model, which is not unloaded meanwhile. Again where its backend failed and it moved. */
  async use<T>(job: (live: LiveModel) => Promise<T>, signal: AbortSignal): Promise<T> {
    this.#calls++;
    try {
      let live = await this.live();
      for (let tries = 1; ; tries++) {
        try {
          const result = await job(live);
          this.#losses = 0;
          return result;
        } catch (error) {
          if (signal.aborted || tries === MOST_TRIES) throw error;
          live = await this.recover(live, error, tries > 1);
        }
      }
    } finally {
      this.#calls--;
      this.#usedAt = performance.now();
      this.#reloadAtRest();
    }
  }

  /** Where the model was found to be faster elsewhere. A failure shows in the next call, which loads again. */
  #reloadAtRest(): void {
    const because = this.#reloadBecause;
    if (because === undefined || this.#calls > 0 || !this.#current) return;
    this.#reloadBecause = undefined;
    void this.#endCurrent();
    this.#live = this.#load();
    this.#live.then(
      ({ info }) => this.#options.onMoved(info, because),
      (error: unknown) => this.#options.log(errorMessage(error)),
    );
  }

  async evictIdle(): Promise<boolean> {
    const live = this.#current;
    if (!live) return false;
    const unloaded = (await live.model.images?.unloadTower()) ?? false;
    if (!live.model.freeKv) return unloaded;
    await evictIdle(live);
    return live.model.freeKv() || unloaded;
  }

  async unload(): Promise<boolean> {
    if (!this.#current || this.#calls > 0) return false;
    const ended = this.#endCurrent();
    this.#options.onUnloaded();
    await ended;
    return true;
  }

  async dispose(): Promise<void> {
    this.#abort.abort();
    await this.#live?.catch(() => {});
    await this.#endCurrent();
  }

  /** The next call loads again. Nothing here may hold the model when it has ended, or its memory stays. */
  #endCurrent(): Promise<void> {
    const live = this.#current;
    this.#live = this.#current = this.#reloadBecause = undefined;
    if (live) this.#ended = Promise.all([this.#ended, end(live)]).then(collectGarbage);
    return this.#ended;
  }

  async #load(): Promise<LiveModel> {
    try {
      await this.#ended;
      const model = await this.#loadOrMove();
      const notes = [...model.info.notes, ...(this.#movedBecause ? [this.#movedBecause] : [])];
      const info = { ...model.info, modelId: this.id, notes };
      const speed = new PrefillSpeed();
      const { log, idleTuning } = this.#options;
      const tuning = idleTuning && new IdleTuning(model, idleTuning, { notes, log });
      const tokensFree = (): number => model.tokensFree();
      // Evicting caches is better than unloading another model, and that is better than moving this one.
      const makeRoom = async (): Promise<boolean> => (await evictIdle(live)) || this.#options.makeRoom();
      const live: LiveModel = {
        model,
        info,
        speed,
        tuning,
        trial: this.#tryOnCpu(model, tuning),
        documents: new SessionPool(() => new DocumentSession(model, speed, { log, tokensFree }), DOCUMENTS, makeRoom),
        chats: new SessionPool(
          () => model.createSession(PRIORITY.chat),
          CHATS,
          makeRoom,
          async (session) => model.images?.release(session),
        ),
      };
      return (this.#current = live);
    } catch (error) {
      this.#live = undefined;
      throw error;
    }
  }

  /** Compares the backends where the user left the choice. */
  #tryOnCpu(model: ServedModel, tuning: IdleTuning | undefined): BackendTrial | undefined {
    const { backendTrial, log } = this.#options;
    const cpu = fallbackForLoad(this.#backend);
    if (!backendTrial || !cpu) return undefined;
    const loadedAt = performance.now();
    const trial = {
      model,
      loadOnCpu: (signal: AbortSignal) => this.#loadOnce({ backend: cpu, contextLength: TRIAL_CONTEXT, signal }),
      after: tuning?.ended,
      restedMs: () => (this.#calls > 0 ? 0 : performance.now() - Math.max(loadedAt, this.#usedAt)),
      onCpuFaster: (because: string) => {
        this.#reloadBecause = because;
        this.#reloadAtRest();
      },
      log,
    };
    return new BackendTrial(trial, backendTrial);
  }

  async #loadOrMove(): Promise<ServedModel> {
    for (;;) {
      try {
        return await this.#loadOn(this.#backend);
      } catch (error) {
        if (this.#abort.signal.aborted || !isBackendFailure(error)) throw error;
        const next = this.#reopen(this.#backend, error) ?? fallbackForLoad(this.#backend);
        if (!next) throw error;
        const { log } = this.#options;
        this.#movedBecause =
          error instanceof OutOfMemory
            ? `The model does not fit in GPU memory: ${error.message}`
            : `The GPU failed while the model was loaded: ${error.message}`;
        log(this.#movedBecause);
        this.#backend = next;
      }
    }
  }

  /** What to load on after `error`, where the backend was lost and may come back. */
  #reopen(backend: LoadParams['backend'], error: Error): LoadParams['backend'] | undefined {
    const choice = reopened(backend, error);
    return choice && ++this.#losses <= MOST_REOPENED ? choice : undefined;
  }

  /** Loads again as long as other models have memory to give. */
  async #loadOn(backend: LoadParams['backend']): Promise<ServedModel> {
    const { makeRoom } = this.#options;
    const { signal } = this.#abort;
    const onProgress = (progress: LoadProgress): void => {
      for (const listener of this.#progress) listener(progress);
    };
    for (;;) {
      try {
        return await this.#loadOnce({ backend, signal, onProgress });
      } catch (error) {
        if (!(error instanceof OutOfMemory) || signal.aborted) throw error;
        if (!(await makeRoom())) throw besideOthers(error, this.#options.heldByOthers());
      }
    }
  }

  #loadOnce(how: LoadOptions): Promise<ServedModel> {
    const { model, allowSoftwareGpu } = this.#params;
    const { scheduler, diskCache, ledger, loadModel: load = loadInUse, knownTuning, backendTrial } = this.#options;
    return load(model, {
      ...(allowSoftwareGpu === undefined ? {} : { allowSoftwareGpu }),
      ...(diskCache ? { diskCache } : {}),
      knownTuning,
      knownSpeeds: backendTrial?.known,
      scheduler,
      ledger,
      ...how,
    });
  }
}

/** Says what else takes the memory. */
function besideOthers(error: OutOfMemory, held: number): OutOfMemory {
  if (held === 0) return error;
  return new OutOfMemory(
    error.neededBytes,
    `${error.message} Other models are in use and hold ${(held / 1e9).toFixed(1)} GB.`,
  );
}

/** Disposes the sessions without a job and an image encoder at rest; resolves false where there is none. */
async function evictIdle({ documents, chats, model }: LiveModel): Promise<boolean> {
  const evicted = await Promise.all([documents.evictIdle(), chats.evictIdle(), model.images?.unloadTower()]);
  return evicted.includes(true);
}

async function end(live: LiveModel): Promise<void> {
  await Promise.all([live.documents.dispose(), live.chats.dispose(), live.tuning?.stop(), live.trial?.stop()]);
  await live.model.dispose();
}

function isBackendFailure(error: unknown): error is BackendLost | OutOfMemory {
  return error instanceof BackendLost || error instanceof OutOfMemory;
}
