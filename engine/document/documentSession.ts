import type { Generate } from '../inference/generationTypes.ts';
import type { ModelSession } from '../inference/modelSession.ts';
import { PRIORITY, type Priority } from '../inference/scheduler.ts';
import type { Prompt } from '../prompt/prompt.ts';
import { BackgroundPrefill, type BackgroundPrefillOptions } from './backgroundPrefill.ts';
import type { PrefillSpeed } from './prefillSpeed.ts';

/** The state of one open document: the session of its completions, and the prefill of its file. */
export class DocumentSession {
  readonly backgroundPrefill: BackgroundPrefill;
  readonly #session: ModelSession;

  constructor(
    model: { createSession(priority?: Priority): ModelSession },
    speed: PrefillSpeed,
    options: BackgroundPrefillOptions = {},
  ) {
    this.#session = model.createSession();
    this.backgroundPrefill = new BackgroundPrefill(() => model.createSession(PRIORITY.background), speed, options);
  }

  get generate(): Generate {
    return this.#session.generate;
  }

  /** Makes the cache of completions hold `prompt`, in steps that everything else precedes. Rejects as `generate` does. */
  prefill(prompt: Prompt, signal: AbortSignal): Promise<{ computed: number }> {
    return this.#session.prefill(prompt, { signal, priority: PRIORITY.background });
  }

  /** Resolves when the memory of its caches is free for other sessions. */
  async dispose(): Promise<void> {
    await Promise.all([this.backgroundPrefill.dispose(), this.#session.dispose()]);
  }
}
