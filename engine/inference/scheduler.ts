import { Cancelled } from '../errors.ts';
import { TypingHold } from './typingHold.ts';

/** Smaller values run first. */
export const PRIORITY = { completion: 0, chat: 1, background: 2 } as const;
export type Priority = (typeof PRIORITY)[keyof typeof PRIORITY];

/** Pauses of a user who types are shorter. */
const RECENT_MS = 5000;

interface WaitingJob {
  readonly priority: Priority;
  start(): void;
}

/** Runs one step at a time on the backend: those of completions first, then those of chats, which wait for a key. */
export class Scheduler {
  #busy = false;
  readonly #waiting: WaitingJob[] = [];
  #completionAt = -Infinity;
  readonly #hold = new TypingHold();
  #holdEnds: NodeJS.Timeout | undefined;

  readonly #now: () => number;

  constructor(now: () => number = () => performance.now()) {
    this.#now = now;
  }

  /** Whether a completion ran recently. The next one is then likely to follow soon, and should not wait long. */
  get completionsLikely(): boolean {
    return this.#now() - this.#completionAt < RECENT_MS;
  }

  /** A key was pressed, or its completion is asked for: for a moment no steps begin but those of completions. */
  typing(): void {
    this.#hold.begin(this.#now());
  }

  /** Ghost text was sent: the others go on once a window had the time to draw it. */
  ghostTextSent(): void {
    this.#hold.end(this.#now());
    this.#startNext();
  }

  /** Runs `job` once no other runs and none of higher priority waits. Rejects with Cancelled if the signal fires before. */
  async run<T>(priority: Priority, job: () => Promise<T>, signal?: AbortSignal): Promise<T> {
    await this.#acquire(priority, signal);
    try {
      return await job();
    } finally {
      if (priority === PRIORITY.completion) this.#completionAt = this.#now();
      // The same request mostly asks for its next step at once: jobs of lower priority wait until it had the chance.
      if ((this.#waiting[0]?.priority ?? priority) > priority) setImmediate(() => this.#end());
      else this.#end();
    }
  }

  #acquire(priority: Priority, signal: AbortSignal | undefined): Promise<void> {
    if (signal?.aborted) return Promise.reject(new Cancelled());
    return new Promise((resolve, reject) => {
      const leave = (): void => {
        this.#waiting.splice(this.#waiting.indexOf(waiting), 1);
        reject(new Cancelled());
      };
      const waiting: WaitingJob = {
        priority,
        start: () => {
          this.#busy = true;
          signal?.removeEventListener('abort', leave);
          resolve();
        },
      };
      signal?.addEventListener('abort', leave, { once: true });
      // Behind all jobs of the same priority.
      const index = this.#waiting.findIndex((other) => other.priority > priority);
      this.#waiting.splice(index < 0 ? this.#waiting.length : index, 0, waiting);
      this.#startNext();
    });
  }

  #end(): void {
    this.#busy = false;
    this.#startNext();
  }

  #startNext(): void {
    clearTimeout(this.#holdEnds);
    const next = this.#waiting[0];
    if (this.#busy || !next) return;
    const heldMs = this.#hold.until - this.#now();
    if (next.priority > PRIORITY.completion && heldMs > 0) {
      this.#holdEnds = setTimeout(() => this.#startNext(), heldMs);
      return;
    }
    this.#waiting.shift();
    next.start();
  }
}
