/** Loads real tiny models for a server, counts what exists of them, and lets a test say what fails. */
import { setTimeout as delay } from 'node:timers/promises';
import { throwIfAborted } from '../../../engine/errors.ts';
import type { GeneratedToken, Generation } from '../../../engine/inference/generation.ts';
import type { SnapshotStore } from '../../../engine/inference/kvDiskCache.ts';
import type { ModelSession } from '../../../engine/inference/modelSession.ts';
import type { loadModel } from '../../../engine/load/loadModel.ts';
import type { ModelLoader } from '../../../engine/serve/sharedModel.ts';
import type { Backend } from '../../../engine/wire/protocol.ts';

interface Failing {
  readonly backend: Backend;
  readonly error: Error;
  /** Tokens that the generation gives before. */
  readonly after?: number;
}

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
  /** Thrown by the next generation on that backend, once per entry. */
  failing: Failing[] = [];
  failingLoads: Error[] = [];
  /** Loads wait until they are cancelled. */
  hangingLoads = false;
  /** Awaited when a session ends. */
  ending: Promise<void> = Promise.resolve();
  store: SnapshotStore | undefined;

  readonly #loadReal: typeof loadModel;

  /** `loadReal` may give the same model again; whoever loads it disposes it. */
  constructor(loadReal: typeof loadModel) {
    this.#loadReal = loadReal;
  }

  /** Whatever the backend is called, the same one computes. A prompt that contains "hang" never ends; a completion may drop the last word. */
  readonly load: ModelLoader = async (reference, options) => {
    this.loads.push(options.backend);
    this.store = options.snapshots?.store;
    if (this.hangingLoads) await forever(options.signal);
    const error = this.failingLoads.shift();
    if (error) throw error;
    const model = await this.#loadReal(reference, options);
    this.models++;
    const backend = options.backend === 'auto' ? 'webgpu' : options.backend;
    const { config, tokenizer, stopIds, stopStrings, weights, kv } = model;
    return {
      ...{ config, tokenizer, stopIds, stopStrings, weights, kv },
      info: { ...model.info, backend, device: `a ${backend}` },
      createSession: (priority) =>
        this.#session(model.createSession(priority), backend, (ids) => tokenizer!.decode(ids)),
      bytesHeld: () => model.bytesHeld(),
      kvBytes: () => model.kvBytes(),
      tokensFree: () => model.tokensFree(),
      startProfile: () => undefined,
      dispose: async () => {
        this.models--;
        this.orphans += this.sessions;
      },
    };
  };

  #session(session: ModelSession, backend: Backend, decode: (ids: readonly number[]) => string): ModelSession {
    this.sessions++;
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
      saveSnapshot: (...call) => session.saveSnapshot(...call),
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

/** Rejects with Cancelled. */
async function forever(signal: AbortSignal | undefined): Promise<void> {
  await delay(600_000, undefined, signal ? { signal } : {}).catch(() => throwIfAborted(signal));
}
