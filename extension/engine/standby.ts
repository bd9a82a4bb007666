/** Decides when a model is unloaded that nobody needs now. Pure but for its timer. */

export interface StandbyHost {
  /** Nobody wants the model on standby. */
  end(): void;
  /** Nobody has used the model for a while. */
  sleep(): void;
  /** Milliseconds without a call until `sleep`; Infinity for never. Read whenever the time starts anew. */
  idleMs(): number;
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

  /** Whether a call runs. */
  get busy(): boolean {
    return this.#calls > 0;
  }

  /** If standby is not wanted, the model ends at once unless a call is running. */
  set(wanted: boolean): void {
    this.#wanted = wanted;
    if (!this.#wanted && !this.busy) this.#host.end();
  }

  /** The model is not unloaded while `call` runs. The idle time starts anew behind it, unless `extends` is false. */
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
    this.#timer = undefined;
    const idleMs = this.#host.idleMs();
    if (this.#disposed || idleMs === Infinity) return;
    this.#timer = setTimeout(() => {
      this.#timer = undefined;
      if (!this.busy) this.#host.sleep();
    }, idleMs);
  }

  dispose(): void {
    this.#disposed = true;
    clearTimeout(this.#timer);
  }
}
