/** One step at a time: whoever computes waits here for its turn, completions first, then chats. */
import { Cancelled } from '../errors.ts';

/** Smaller goes first. */
export const PRIORITY = { completion: 0, chat: 1, background: 2 } as const;
export type Priority = (typeof PRIORITY)[keyof typeof PRIORITY];

/** A user who types pauses for less. */
const RECENT_MS = 5000;

interface Waiting {
  readonly priority: Priority;
  start(): void;
}

export class Scheduler {
  #busy = false;
  readonly #waiting: Waiting[] = [];
  #completionAt = -Infinity;

  readonly #now: () => number;

  constructor(now: () => number = () => performance.now()) {
    this.#now = now;
  }

  /** Whether a completion ran a moment ago: then the next one is likely to come soon, and should not wait long. */
  get completionsLikely(): boolean {
    return this.#now() - this.#completionAt < RECENT_MS;
  }

  /** Runs `job` when it is its turn. Rejects with Cancelled where the signal fires while it waits. */
  async run<T>(priority: Priority, job: () => Promise<T>, signal?: AbortSignal): Promise<T> {
    await this.#turn(priority, signal);
    try {
      return await job();
    } finally {
      if (priority === PRIORITY.completion) this.#completionAt = this.#now();
      // Who has just computed mostly asks again at once: those of lower priority wait until he had the chance.
      if ((this.#waiting[0]?.priority ?? priority) > priority) setImmediate(() => this.#next());
      else this.#next();
    }
  }

  #turn(priority: Priority, signal: AbortSignal | undefined): Promise<void> {
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
      const waiting: Waiting = {
        priority,
        start: () => {
          signal?.removeEventListener('abort', leave);
          resolve();
        },
      };
      signal?.addEventListener('abort', leave, { once: true });
      // Behind all of the same priority: first come, first served.
      const index = this.#waiting.findIndex((other) => other.priority > priority);
      this.#waiting.splice(index < 0 ? this.#waiting.length : index, 0, waiting);
    });
  }

  #next(): void {
    const next = this.#waiting.shift();
    if (next) next.start();
    else this.#busy = false;
  }
}
