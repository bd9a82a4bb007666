/** A model that several windows use: loaded once, moved when its backend fails, and unloaded with its last user. */
import { BackendLost, OutOfMemory } from '../../kernels/ops.ts';
import { DocumentSession } from '../document/documentSession.ts';
import { PrefillSpeed } from '../document/prefillSpeed.ts';
import type { ModelSession } from '../inference/modelSession.ts';
import { PRIORITY, type Priority, type Scheduler } from '../inference/scheduler.ts';
import type { LoadedModel } from '../load/loadedModel.ts';
import { loadModel, type LoadOptions } from '../load/loadModel.ts';
import { fallbackFor } from '../load/openBackend.ts';
import type { LoadParams, LoadProgress, ModelInfo, ModelReference } from '../wire/protocol.ts';
import { SessionPool } from './sessionPool.ts';

/** A loaded model as the server uses it. */
export type ServedModel = Omit<LoadedModel, 'createSession'> & { createSession(priority?: Priority): ModelSession };

export type ModelLoader = (model: ModelReference, options: LoadOptions) => Promise<ServedModel>;

export interface LiveModel {
  readonly model: ServedModel;
  readonly info: ModelInfo;
  readonly documents: SessionPool<DocumentSession>;
  readonly chats: SessionPool<ModelSession>;
}

/** Number of documents whose KV caches are kept, since people switch between a few. */
const DOCUMENTS = 4;
/** The same for conversations, whose caches are longer. */
const CHATS = 2;

export interface SharedModelOptions {
  /** Shared by all models of the process, so that one step at a time runs. */
  readonly scheduler: Scheduler;
  /** The KV disk cache; off when absent. */
  readonly diskCache?: LoadOptions['diskCache'];
  readonly log: (message: string) => void;
  /** Tells the users, once per move. */
  readonly onMoved: (info: ModelInfo, reason: string) => void;
  /** loadModel when absent; a test may let it fail. */
  readonly loadModel?: ModelLoader | undefined;
}

export class SharedModel<User extends object> {
  readonly users = new Set<User>();
  readonly #progress = new Set<(progress: LoadProgress) => void>();
  readonly #abort = new AbortController();
  #live: Promise<LiveModel> | undefined;
  #current: LiveModel | undefined;
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
   * After `error` on `failed`: the model on the fallback backend, loaded once however many calls ask for it. Rejects
   * with `error` when the backend was not at fault, or when it has no fallback; then the next call loads again.
   */
  async recover(failed: LiveModel, error: unknown): Promise<LiveModel> {
    if (this.#abort.signal.aborted || !isBackendFailure(error)) throw error;
    if (this.#current !== failed) return this.live();
    this.#current = undefined;
    const fallback = fallbackFor(failed.info.backend);
    if (!fallback) {
      this.#live = undefined;
      await end(failed);
      throw error;
    }
    this.#backend = fallback;
    this.#movedBecause = `${failed.info.device} failed: ${error.message}`;
    this.#live = end(failed).then(() => this.#load());
    const moved = await this.#live;
    this.#options.onMoved(moved.info, this.#movedBecause);
    return moved;
  }

  /** The model if it is loaded now; does not wait for a load. */
  get current(): LiveModel | undefined {
    return this.#current;
  }

  async dispose(): Promise<void> {
    this.#abort.abort();
    const live = this.#live?.catch(() => undefined);
    this.#live = undefined;
    this.#current = undefined;
    const loaded = await live;
    if (loaded) await end(loaded);
  }

  async #load(): Promise<LiveModel> {
    try {
      const model = await this.#loadOrMove();
      const notes = this.#movedBecause ? [...model.info.notes, this.#movedBecause] : model.info.notes;
      const info = { ...model.info, modelId: this.id, notes };
      const speed = new PrefillSpeed();
      const { log } = this.#options;
      const tokensFree = (): number => model.tokensFree();
      const documents: LiveModel['documents'] = new SessionPool(
        () => new DocumentSession(model, speed, { log, tokensFree }),
        DOCUMENTS,
        () => [chats],
      );
      const chats: LiveModel['chats'] = new SessionPool(
        () => model.createSession(PRIORITY.chat),
        CHATS,
        () => [documents],
      );
      return (this.#current = { model, info, documents, chats });
    } catch (error) {
      this.#live = undefined;
      throw error;
    }
  }

  async #loadOrMove(): Promise<ServedModel> {
    try {
      return await this.#loadOn(this.#backend);
    } catch (error) {
      const fallback = fallbackFor(this.#backend);
      if (this.#backend !== 'auto' || !fallback || !isBackendFailure(error)) throw error;
      this.#backend = fallback;
      this.#movedBecause = `The model does not fit in GPU memory: ${error.message}`;
      return this.#loadOn(fallback);
    }
  }

  #loadOn(backend: LoadParams['backend']): Promise<ServedModel> {
    const { model, allowSoftwareGpu } = this.#params;
    const { scheduler, diskCache, loadModel: load = loadModel } = this.#options;
    return load(model, {
      backend,
      ...(allowSoftwareGpu === undefined ? {} : { allowSoftwareGpu }),
      ...(diskCache ? { diskCache } : {}),
      scheduler,
      signal: this.#abort.signal,
      onProgress: (progress) => {
        for (const listener of this.#progress) listener(progress);
      },
    });
  }
}

async function end(live: LiveModel): Promise<void> {
  await Promise.all([live.documents.dispose(), live.chats.dispose()]);
  await live.model.dispose();
}

function isBackendFailure(error: unknown): error is BackendLost | OutOfMemory {
  return error instanceof BackendLost || error instanceof OutOfMemory;
}
