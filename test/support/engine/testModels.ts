/** Loads real tiny models for a server, counts models and sessions, and fails where a test wants it. */
import { setTimeout as delay } from 'node:timers/promises';
import { throwIfAborted } from '../../../engine/errors.ts';
import type { GeneratedToken, Generation } from '../../../engine/inference/generationTypes.ts';
import type { KvDiskCache } from '../../../engine/inference/kvDiskCache.ts';
import type { ModelSession } from '../../../engine/inference/modelSession.ts';
import type { SpeedKey } from '../../../engine/load/loadedModel.ts';
import type { LoadOptions, loadModel } from '../../../engine/load/loadModel.ts';
import { type ModelSpeed, isCpuFaster } from '../../../engine/load/modelSpeed.ts';
import type { ModelLoader } from '../../../engine/serve/sharedModel.ts';
import type { Backend } from '../../../engine/wire/protocol.ts';

interface Failing {
  readonly backend: Backend;
  readonly error: Error;
  /** Number of tokens that the generation gives before it fails; 0 when absent. */
  readonly after?: number;
}

export const SPEED_KEY: SpeedKey = { adapter: 'a webgpu', model: 'a model' };

export class TestModels {
  /** The backend of each load that was asked for. */
  readonly loads: string[] = [];
  /** The backend of each generation that began. */
  readonly runs: Backend[] = [];
  models = 0;
  sessions = 0;
  /** Sessions that a model had left when it was disposed. */
  orphans = 0;
  running = 0;
  mostRunning = 0;
  /** Errors of the next generations; each is thrown once. */
  failing: Failing[] = [];
  failingLoads: Error[] = [];
  /** Whether loads wait until they are cancelled. */
  hangingLoads = false;
  /** Whether the backend gives the memory of evicted caches to other models. */
  freesKv = false;
  /** Sessions await this when they are disposed. */
  ending: Promise<void> = Promise.resolve();
  store: KvDiskCache | undefined;
  /** What measuring finds; a model is comparable where there is something. */
  speeds: Partial<Record<Backend, ModelSpeed>> = {};

  #holdsKv = false;

  readonly #loadReal: typeof loadModel;

  /** `loadReal` may return the same model several times, so its models are disposed by whoever passes it. */
  constructor(loadReal: typeof loadModel) {
    this.#loadReal = loadReal;
  }

  /**
   * Loads a model that calls its backend as asked for; the same one computes always. A generation whose prompt contains
   * "hang" never ends. (The prompt of a completion may lack the last word.)
   */
  readonly load: ModelLoader = async (reference, options) => {
    this.loads.push(options.backend);
    this.store = options.diskCache?.cache;
    if (this.hangingLoads) await forever(options.signal);
    const error = this.failingLoads.shift();
    if (error) throw error;
    const model = await this.#loadReal(reference, options);
    this.models++;
    const backend = options.backend === 'auto' ? await chosen(options) : options.backend;
    const { config, tokenizer, stopIds, stopStrings, weights, parameters, bytesPerToken, kv, images } = model;
    return {
      ...{ config, tokenizer, stopIds, stopStrings, weights, parameters, bytesPerToken, kv, images },
      info: { ...model.info, backend, device: `a ${backend}` },
      createSession: (priority) =>
        this.#session(model.createSession(priority), backend, (ids) => tokenizer!.decode(ids)),
      bytesHeld: () => model.bytesHeld(),
      kvBytes: () => model.kvBytes(),
      ...(this.freesKv ? { freeKv: () => this.#freeKv() } : {}),
      tokensFree: () => model.tokensFree(),
      startProfile: () => undefined,
      tuneWhenIdle: async () => undefined,
      measureSpeed: async () => this.speeds[backend]!,
      speedKey: () => (backend in this.speeds && backend === 'webgpu' ? SPEED_KEY : undefined),
      dispatches: () => undefined,
      dispose: async () => {
        this.models--;
        this.orphans += this.sessions;
      },
    };
  };

  #freeKv(): boolean {
    const frees = this.#holdsKv && this.sessions === 0;
    this.#holdsKv &&= !frees;
    return frees;
  }

  #session(session: ModelSession, backend: Backend, decode: (ids: readonly number[]) => string): ModelSession {
    this.sessions++;
    this.#holdsKv = true;
    return {
      get tokens() {
        return session.tokens;
      },
      generate: (prompt, options) => {
        const generation = session.generate(prompt, options);
        const hangs = decode([...prompt.ids]).includes('hang');
        const tokens = (): AsyncIterator<GeneratedToken> =>
          this.#run(generation, backend, hangs ? options.signal : null);
        return { stats: generation.stats, [Symbol.asyncIterator]: tokens };
      },
      prefill: (...call) => session.prefill(...call),
      run: (...call) => session.run(...call),
      saveToDisk: (...call) => session.saveToDisk(...call),
      dispose: async () => {
        await this.ending;
        await session.dispose();
        this.sessions--;
      },
    };
  }

  async *#run(
    generation: Generation,
    backend: Backend,
    hanging: AbortSignal | undefined | null,
  ): AsyncGenerator<GeneratedToken> {
    this.runs.push(backend);
    this.mostRunning = Math.max(this.mostRunning, ++this.running);
    try {
      if (hanging !== null) await forever(hanging);
      const failing = this.failing.find((one) => one.backend === backend);
      if (failing) this.failing.splice(this.failing.indexOf(failing), 1);
      if (failing && !failing.after) throw failing.error;
      let given = 0;
      for await (const token of generation) {
        yield token;
        if (++given === failing?.after) throw failing.error;
      }
    } finally {
      this.running--;
    }
  }
}

/** What `auto` takes. */
async function chosen({ knownSpeeds }: LoadOptions): Promise<Backend> {
  const speeds = await knownSpeeds?.(SPEED_KEY);
  return speeds && isCpuFaster(speeds) ? 'wasm' : 'webgpu';
}

/** Rejects with Cancelled. */
async function forever(signal: AbortSignal | undefined): Promise<void> {
  await delay(600_000, undefined, signal ? { signal } : {}).catch(() => throwIfAborted(signal));
}
