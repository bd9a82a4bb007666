/** A model that several windows use: loaded once, moved to WASM where its backend fails, gone with its last user. */
import { BackendLost, OutOfMemory } from '../../kernels/ops.ts';
import type { CoreLoadOptions, CoreModel, EngineCore, ModelSession } from './core.ts';
import { DocumentSession } from '../document/documentSession.ts';
import { PrefillSpeed } from '../document/prefillSpeed.ts';
import type { LoadParams, LoadProgress, ModelInfo } from '../wire/protocol.ts';
import { PRIORITY, type Scheduler } from '../inference/scheduler.ts';
import { SessionPool } from './sessionPool.ts';

export interface LiveModel {
  readonly model: CoreModel;
  readonly info: ModelInfo;
  readonly documents: SessionPool<DocumentSession>;
  readonly chats: SessionPool<ModelSession>;
}

/** Documents a person goes back and forth between; each holds the KV cache of its prompt. */
const DOCUMENTS = 4;
/** Conversations, whose caches are longer. */
const CHATS = 2;

export interface SharedModelOptions {
  readonly scheduler: Scheduler;
  /** Where what was read of files is kept, if anywhere. */
  readonly snapshots?: CoreLoadOptions['snapshots'];
  readonly log: (message: string) => void;
  /** Tells the users, once per move. */
  readonly onMoved: (info: ModelInfo, reason: string) => void;
}

export class SharedModel<User extends object> {
  readonly users = new Set<User>();
  readonly #progress = new Set<(progress: LoadProgress) => void>();
  readonly #abort = new AbortController();
  #live: Promise<LiveModel> | undefined;
  #current: LiveModel | undefined;
  /** What the next load asks for; 'wasm' once another backend has failed. */
  #backend: LoadParams['backend'];
  #movedBecause = '';

  readonly #core: EngineCore;
  readonly #params: LoadParams;
  readonly #options: SharedModelOptions;

  constructor(
    readonly id: string,
    core: EngineCore,
    params: LoadParams,
    options: SharedModelOptions,
  ) {
    this.#core = core;
    this.#params = params;
    this.#options = options;

    this.#backend = params.backend;
  }

  /** The loaded model; loads it where it is not. Rejects with what loadModel rejects with. */
  async live(onProgress?: (progress: LoadProgress) => void): Promise<LiveModel> {
    if (onProgress) this.#progress.add(onProgress);
    try {
      return await (this.#live ??= this.#load());
    } finally {
      if (onProgress) this.#progress.delete(onProgress);
    }
  }

  /**
   * After `error` on `failed`: the model on WASM, loaded once however many calls ask. Rejects with `error` where it was
   * not the backend that failed, or where WASM itself did; the next call loads again then.
   */
  async recover(failed: LiveModel, error: unknown): Promise<LiveModel> {
    if (this.#abort.signal.aborted || !isBackendFailure(error)) throw error;
    if (this.#current !== failed) return this.live();
    this.#current = undefined;
    if (failed.info.backend === 'wasm') {
      this.#live = undefined;
      await end(failed);
      throw error;
    }
    this.#backend = 'wasm';
    this.#movedBecause = `${failed.info.device} failed: ${error.message}`;
    this.#live = end(failed).then(() => this.#load());
    const moved = await this.#live;
    this.#options.onMoved(moved.info, this.#movedBecause);
    return moved;
  }

  /** What is loaded now, without waiting for a load. */
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

  async #loadOrMove(): Promise<CoreModel> {
    try {
      return await this.#loadOn(this.#backend);
    } catch (error) {
      if (this.#backend !== 'auto' || !isBackendFailure(error)) throw error;
      this.#backend = 'wasm';
      this.#movedBecause = `The model does not fit in GPU memory: ${error.message}`;
      return this.#loadOn('wasm');
    }
  }

  #loadOn(backend: LoadParams['backend']): Promise<CoreModel> {
    const { model, allowSoftwareGpu } = this.#params;
    const { scheduler, snapshots } = this.#options;
    return this.#core.loadModel(model, {
      backend,
      ...(allowSoftwareGpu === undefined ? {} : { allowSoftwareGpu }),
      ...(snapshots ? { snapshots } : {}),
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
