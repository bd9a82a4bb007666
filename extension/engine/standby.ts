/** Decides when an engine ends that nobody wants on standby. Pure but for its timer. */

/** After an answer: a further question should find the model loaded and its prompt cached. */
const IDLE_MS = 10 * 60_000;

export interface StandbyHost {
  /** Ends the engine. */
  end(): void;
  /** Milliseconds from the last call to the end; 10 minutes where absent. */
  readonly idleMs?: number | undefined;
}

export class Standby {
  #wanted = true;
  #calls = 0;
  #disposed = false;
  #timer: NodeJS.Timeout | undefined;
  readonly #host: StandbyHost;

  constructor(host: StandbyHost) {
    this.#host = host;
  }

  /** If standby is not wanted, the engine ends at once unless a call is running. */
  set(wanted: boolean): void {
    this.#wanted = wanted;
    this.#endIfUnneeded();
  }

  /** The engine does not end while `call` runs. The idle time starts anew behind it, unless `extends` is false. */
  async during<T>(call: () => Promise<T>, options: { readonly extends?: boolean } = {}): Promise<T> {
    this.#calls++;
    try {
      return await call();
    } finally {
      this.#calls--;
      if ((options.extends ?? true) || !this.#timer) this.extend();
    }
  }

  /** Starts the idle time anew. */
  extend(): void {
    clearTimeout(this.#timer);
    if (this.#disposed) return;
    this.#timer = setTimeout(() => {
      this.#timer = undefined;
      this.#endIfUnneeded();
    }, this.#host.idleMs ?? IDLE_MS);
  }

  dispose(): void {
    this.#disposed = true;
    clearTimeout(this.#timer);
  }

  #endIfUnneeded(): void {
    if (!this.#wanted && this.#calls === 0) this.#host.end();
  }
}
