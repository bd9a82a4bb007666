/** A pause that ends by itself, with the window or with its time. */
import { Emitter, type Event } from 'vscode-jsonrpc';

export class Snooze {
  readonly #changed = new Emitter<void>();
  #until = 0;
  #timer: NodeJS.Timeout | undefined;

  get active(): boolean {
    return this.#until > Date.now();
  }
  /** Milliseconds since 1970. */
  get until(): number {
    return this.#until;
  }
  get onDidChange(): Event<void> {
    return this.#changed.event;
  }

  start(minutes: number): void {
    this.#set(Date.now() + minutes * 60_000);
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
