import { clearTimeout, setTimeout } from 'node:timers';
import { OutOfMemory } from '../../kernels/ops.ts';
import { Cancelled } from '../errors.ts';
import type { ModelSession } from '../inference/modelSession.ts';
import type { FileSnapshot } from '../prompt/fileSnapshot.ts';
import type { Prompt } from '../prompt/prompt.ts';
import type { PrefillSpeed } from './prefillSpeed.ts';

export interface BackgroundPrefillOptions {
  /** Calls `run` when the user has made no request for PAUSE_MS; returns a function that cancels the call. */
  readonly afterPause?: (run: () => void) => () => void;
  /** Number of tokens that still fit into memory; no limit where absent. */
  readonly tokensFree?: () => number;
  /** Receives the reason when a prefilled file could not be written to disk. */
  readonly log?: (message: string) => void;
}

/** A snapshot of the file, and the prompt that begins with it. */
export interface PrefillPlan {
  readonly snapshot: FileSnapshot;
  readonly prompt: Prompt;
}

/** Limits the work of one pause. Completions go first, and the user may do anything meanwhile. */
const SECONDS_TO_PREFILL = 20;
const PAUSE_MS = 500;
/** Share of the free memory to use. The rest is for other documents and other programs. */
const SHARE_OF_FREE = 1 / 2;
/** The cache is written to disk when more than this share of a prompt had to be computed. */
const CHANGE_TO_SAVE = 1 / 2;

const afterPause = (run: () => void): (() => void) => {
  const timer = setTimeout(run, PAUSE_MS).unref();
  return () => clearTimeout(timer);
};

/** Prefills the file of an open document while the user pauses, so that prompts can begin with all of it. */
export class BackgroundPrefill {
  /** Called when a prefill begins and when it ends. */
  onActive: (active: boolean) => void = () => {};
  readonly #abort = new AbortController();
  readonly #afterPause: (run: () => void) => () => void;
  readonly #tokensFree: () => number;
  readonly #log: (message: string) => void;
  #snapshot: FileSnapshot | undefined;
  #session: ModelSession | undefined;
  #cancelPause = (): void => {};
  #plan: (() => Promise<PrefillPlan | undefined>) | undefined;
  #running = Promise.resolve();
  /** Lowered when memory has run out. */
  #mostTokens = Infinity;

  readonly #createSession: () => ModelSession;

  constructor(
    createSession: () => ModelSession,
    readonly speed: PrefillSpeed,
    options: BackgroundPrefillOptions = {},
  ) {
    this.#createSession = createSession;
    this.#afterPause = options.afterPause ?? afterPause;
    this.#tokensFree = options.tokensFree ?? (() => Infinity);
    this.#log = options.log ?? (() => {});
  }

  /** The snapshot whose ids are in the KV cache: a prompt that begins with it computes only what follows. */
  get snapshot(): FileSnapshot | undefined {
    return this.#snapshot;
  }

  /** Number of tokens that a prefill may compute. */
  get affordable(): number {
    // The memory of the current snapshot is free for the one that replaces it.
    const free = this.#tokensFree() + (this.#snapshot?.ids.length ?? 0);
    return Math.floor(Math.min(this.#mostTokens, this.speed.tokensIn(SECONDS_TO_PREFILL), free * SHARE_OF_FREE));
  }

  /** Runs `plan`, if it returns one, once the user pauses. A later call replaces an earlier one. */
  schedule(plan: () => Promise<PrefillPlan | undefined>): void {
    this.#cancelPause();
    if (this.#abort.signal.aborted) return;
    this.#plan = plan;
    this.#cancelPause = this.#afterPause(() => void this.runNow());
  }

  /** Runs the scheduled plan without waiting for the pause. Resolves when the prefill has ended. */
  async runNow(): Promise<void> {
    this.#cancelPause();
    await this.#running;
    const plan = this.#plan;
    this.#plan = undefined;
    if (!plan || this.#abort.signal.aborted) return;
    this.#running = this.#run(plan);
    await this.#running;
  }

  /** Drops the snapshot and its KV cache. */
  async drop(): Promise<void> {
    const session = this.#session;
    this.#session = undefined;
    this.#snapshot = undefined;
    await session?.dispose();
  }

  /** Drops the snapshot to free memory, and prefills less from now on. Resolves with false where there is nothing. */
  async makeRoom(): Promise<boolean> {
    if (!this.#session) return false;
    this.#mostTokens = (this.#snapshot?.ids.length ?? 0) / 2;
    await this.drop();
    return true;
  }

  /** Ends the prefill; resolves when its memory is free. */
  async dispose(): Promise<void> {
    this.#cancelPause();
    this.#abort.abort();
    await this.#running;
    await this.drop();
  }

  /** Never rejects: a completion will meet the same error, and report it. */
  async #run(plan: () => Promise<PrefillPlan | undefined>): Promise<void> {
    const next = await plan().catch(() => undefined);
    if (!next || this.#abort.signal.aborted) return;
    this.onActive(true);
    let computed = 0;
    try {
      computed = await this.#prefill(next);
    } catch (error) {
      if (!(error instanceof Cancelled)) await this.drop();
      if (error instanceof OutOfMemory) this.#mostTokens = next.snapshot.ids.length / 2;
    } finally {
      this.onActive(false);
    }
    // A file that has hardly changed since it was saved is not written again.
    if (computed > next.prompt.ids.length * CHANGE_TO_SAVE) await this.#save();
  }

  async #save(): Promise<void> {
    try {
      await this.#session?.saveToDisk({ signal: this.#abort.signal });
    } catch (error) {
      if (!(error instanceof Cancelled)) this.#log(`The KV cache of a file was not written to disk: ${String(error)}`);
    }
  }

  /** Resolves with the number of tokens computed. Until then completions use the previous snapshot, or none. */
  async #prefill({ snapshot, prompt }: PrefillPlan): Promise<number> {
    const session = (this.#session ??= this.#createSession());
    const startedMs = performance.now();
    const { computed } = await session.prefill(prompt, { signal: this.#abort.signal });
    this.speed.addInterrupted(computed, performance.now() - startedMs);
    if (this.#session === session) this.#snapshot = snapshot;
    return computed;
  }
}
