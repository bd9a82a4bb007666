import { Cancelled } from '../errors.ts';

/** Smaller values run first. */
export const PRIORITY = { completion: 0, chat: 1, background: 2 } as const;
export type Priority = (typeof PRIORITY)[keyof typeof PRIORITY];

/** Pauses of a user who types are shorter. */
const RECENT_MS = 5000;

interface WaitingJob {
  readonly priority: Priority;
  start(): void;
}

/** Runs one step at a time on the backend: those of completions first, then those of chats. */
export class Scheduler {
  #busy = false;
  readonly #waiting: WaitingJob[] = [];
  #completionAt = -Infinity;

  readonly #now: () => number;

  constructor(now: () => number = () => performance.now()) {
    this.#now = now;
  }

  /** Whether a completion ran recently. The next one is then likely to follow soon, and should not wait long. */
  get completionsLikely(): boolean {
    return this.#now() - this.#completionAt < RECENT_MS;
  }

  /** Runs `job` once no other runs and none of higher priority waits. Rejects with Cancelled if the signal fires before. */
  async run<T>(priority: Priority, job: () => Promise<T>, signal?: AbortSignal): Promise<T> {
    await this.#acquire(priority, signal);
    try {
      return await job();
    } finally {
      if (priority === PRIORITY.completion) this.#completionAt = this.#now();
      // The same request mostly asks for its next step at once: jobs of lower priority wait until it had the chance.
      if ((this.#waiting[0]?.priority ?? priority) > priority) setImmediate(() => this.#release());
      else this.#release();
    }
  }

  #acquire(priority: Priority, signal: AbortSignal | undefined): Promise<void> {
    if (signal?.aborted) return Promise.reject(new Cancelled());
    if (!this.#busy) {
      this.#busy = true;
      return Promise.resolve();
    }
    return new Promise((resolve, reject) => {
      const leave = (): void => {
        this.#waiting.splice(this.#waiting.indexOf(waiting), 1);
        reject(new Cancelled());
      };
      const waiting: WaitingJob = {
        priority,
        start: () => {
          signal?.removeEventListener('abort', leave);
          resolve();
        },
      };
      signal?.addEventListener('abort', leave, { once: true });
      // Behind all jobs of the same priority.
      const index = this.#waiting.findIndex((other) => other.priority > priority);
      this.#waiting.splice(index < 0 ? this.#waiting.length : index, 0, waiting);
    });
  }

  #release(): void {
    const next = this.#waiting.shift();
    if (next) next.start();
    else this.#busy = false;
  }
}
