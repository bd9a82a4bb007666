/** A pause that ends by itself. Pure but for the timer, which is passed in by tests. */
import { Emitter, type Event } from 'vscode-jsonrpc';

export class Snooze {
  readonly #changed = new Emitter<void>();
  #until = 0;
  #timer: NodeJS.Timeout | undefined;

  constructor(private readonly now: () => number = Date.now) {}

  get active(): boolean {
    return this.#until > this.now();
  }
  /** Milliseconds since 1970. */
  get until(): number {
    return this.#until;
  }
  get onDidChange(): Event<void> {
    return this.#changed.event;
  }

  start(minutes: number): void {
    this.#set(this.now() + minutes * 60_000);
    this.#timer = setTimeout(() => this.end(), minutes * 60_000);
  }

  end(): void {
    this.#set(0);
  }

  dispose(): void {
    clearTimeout(this.#timer);
    this.#changed.dispose();
  }

  #set(until: number): void {
    clearTimeout(this.#timer);
    this.#until = until;
    this.#changed.fire();
  }
}
