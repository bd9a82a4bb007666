/** Reads a document's file into the KV cache while the user pauses, so that prompts may begin with all of it. */
import { setImmediate as yieldToOthers } from 'node:timers/promises';
import { OutOfMemory } from '../../kernels/ops.ts';
import type { ModelSession } from '../inference/modelSession.ts';
import { Cancelled } from '../errors.ts';
import type { PrefillSpeed } from './prefillSpeed.ts';
import type { Prompt } from '../prompt/prompt.ts';
import type { FileSnapshot } from '../prompt/fileSnapshot.ts';

export interface FileReaderOptions {
  /** Without a request for this long the user pauses. */
  readonly pauseMs?: number;
  /** Tokens that the memory still holds; no limit where absent. */
  readonly tokensFree?: () => number;
  /** Told why what was read could not be kept on disk. */
  readonly log?: (message: string) => void;
}

/** What to read: a snapshot, with the prompt that begins with it. */
export interface ReadingPlan {
  readonly snapshot: FileSnapshot;
  readonly prompt: Prompt;
}

/** What one pause after another may cost; completions go first, and the user may do anything meanwhile. */
const SECONDS_TO_READ = 20;
const PAUSE_MS = 500;
/** Of the memory that is free: the rest is for other documents, and for whatever else runs here. */
const SHARE_OF_FREE = 1 / 2;
/** Share of a prompt that had to be computed. */
const CHANGE_TO_KEEP = 1 / 2;

export class FileReader {
  /** Tells whoever shows it that reading begins or ends. */
  onReading: (active: boolean) => void = () => {};
  readonly #abort = new AbortController();
  readonly #pauseMs: number;
  readonly #tokensFree: () => number;
  readonly #log: (message: string) => void;
  #snapshot: FileSnapshot | undefined;
  #session: ModelSession | undefined;
  #timer: NodeJS.Timeout | undefined;
  #plan: (() => Promise<ReadingPlan | undefined>) | undefined;
  #reading = Promise.resolve();
  /** Lowered where memory ran out. */
  #mostTokens = Infinity;

  readonly #createSession: () => ModelSession;

  constructor(
    createSession: () => ModelSession,
    readonly speed: PrefillSpeed,
    { pauseMs = PAUSE_MS, tokensFree = () => Infinity, log = () => {} }: FileReaderOptions = {},
  ) {
    this.#createSession = createSession;

    this.#pauseMs = pauseMs;
    this.#tokensFree = tokensFree;
    this.#log = log;
  }

  /** Its ids are in the KV cache: a prompt that begins with them computes only what follows. */
  get snapshot(): FileSnapshot | undefined {
    return this.#snapshot;
  }

  /** Tokens that reading may compute. */
  get affordable(): number {
    // What it holds itself is free for what takes its place.
    const free = this.#tokensFree() + (this.#snapshot?.ids.length ?? 0);
    return Math.floor(Math.min(this.#mostTokens, this.speed.tokensIn(SECONDS_TO_READ), free * SHARE_OF_FREE));
  }

  /** Reads what `plan` says, if anything, once the user pauses; a later call takes the place of an earlier one. */
  later(plan: () => Promise<ReadingPlan | undefined>): void {
    clearTimeout(this.#timer);
    if (this.#abort.signal.aborted) return;
    this.#plan = plan;
    this.#timer = setTimeout(() => void this.readNow(), this.#pauseMs).unref();
  }

  /** As if the pause had come; resolves when all is read. */
  async readNow(): Promise<void> {
    clearTimeout(this.#timer);
    await this.#reading;
    const plan = this.#plan;
    this.#plan = undefined;
    if (!plan || this.#abort.signal.aborted) return;
    this.#reading = this.#follow(plan);
    await this.#reading;
  }

  /** Forgets what was read. */
  async forget(): Promise<void> {
    const session = this.#session;
    this.#session = undefined;
    this.#snapshot = undefined;
    await session?.dispose();
  }

  /** Forgets what was read where its memory is needed, and reads less from now on. False where there is nothing. */
  async makeRoom(): Promise<boolean> {
    if (!this.#session) return false;
    this.#mostTokens = (this.#snapshot?.ids.length ?? 0) / 2;
    await this.forget();
    return true;
  }

  /** Ends reading; resolves when its memory is free. */
  async dispose(): Promise<void> {
    clearTimeout(this.#timer);
    this.#abort.abort();
    await this.#reading;
    await this.forget();
  }

  /** Never rejects: what goes wrong a completion will meet, and say. */
  async #follow(plan: () => Promise<ReadingPlan | undefined>): Promise<void> {
    const next = await plan().catch(() => undefined);
    if (!next || this.#abort.signal.aborted) return;
    this.onReading(true);
    let computed = 0;
    try {
      computed = await this.#read(next);
    } catch (error) {
      if (!(error instanceof Cancelled)) await this.forget();
      if (error instanceof OutOfMemory) this.#mostTokens = next.snapshot.ids.length / 2;
    } finally {
      this.onReading(false);
    }
    // What has hardly changed since it was kept is not written again.
    if (computed > next.prompt.ids.length * CHANGE_TO_KEEP) await this.#keep();
  }

  async #keep(): Promise<void> {
    try {
      await this.#session?.saveToDisk({ signal: this.#abort.signal });
    } catch (error) {
      if (!(error instanceof Cancelled)) this.#log(`What was read of a file is not kept: ${String(error)}`);
    }
  }

  /** The tokens computed. Until the next completion can find its whole prompt it uses the snapshot before, or none. */
  async #read({ snapshot, prompt }: ReadingPlan): Promise<number> {
    const session = (this.#session ??= this.#createSession());
    const startedMs = performance.now();
    const { computed } = await session.prefill(prompt, { signal: this.#abort.signal });
    this.speed.addInterrupted(computed, performance.now() - startedMs);
    if (this.#session === session) this.#snapshot = snapshot;
    return computed;
  }
}

/** To await in long work, so that completions are answered meanwhile. */
export const letOthersGo = (): Promise<unknown> => yieldToOthers();
