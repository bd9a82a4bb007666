/** What the engine keeps of one open document: the session of its completions, and what was read of its file. */
import { FileReader, type FileReaderOptions } from './backgroundPrefill.ts';
import type { Generate } from '../inference/generationTypes.ts';
import type { ModelSession } from '../inference/modelSession.ts';
import type { PrefillSpeed } from './prefillSpeed.ts';
import { PRIORITY, type Priority } from '../inference/scheduler.ts';

export class DocumentSession {
  readonly reader: FileReader;
  readonly #session: ModelSession;

  constructor(
    model: { createSession(priority?: Priority): ModelSession },
    speed: PrefillSpeed,
    options: FileReaderOptions = {},
  ) {
    this.#session = model.createSession();
    this.reader = new FileReader(() => model.createSession(PRIORITY.background), speed, options);
  }

  get generate(): Generate {
    return this.#session.generate;
  }

  /** Resolves when the memory of its caches is free for other sessions. */
  async dispose(): Promise<void> {
    await Promise.all([this.reader.dispose(), this.#session.dispose()]);
  }
}
