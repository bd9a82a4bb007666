/** Cache of engine results, so that typing through shown text, and back, sends no request. Pure. */
import type { Around } from './context.ts';

interface Entry extends Around {
  readonly document: string;
  /** Empty where the engine had nothing to say. */
  readonly text: string;
}

/** Enough to go back a few steps in a few documents. */
const CAPACITY = 32;
/** Text that the editor automatically adds after the cursor when the user types an opening bracket or quote. */
const AUTO_CLOSED = /^[)\]}>"'`]{1,2}$/;

export class GhostCache {
  /** The most recently used first. */
  #entries: Entry[] = [];

  readonly #capacity: number;

  constructor(capacity = CAPACITY) {
    this.#capacity = capacity;
  }

  add(document: string, { prefix, suffix }: Around, text: string): void {
    this.#entries = [{ document, prefix, suffix, text }, ...this.#entries].slice(0, this.#capacity);
  }

  /** The rest of an earlier answer that fits here; '' where the engine had none; undefined where it must be asked. */
  find(document: string, around: Around): string | undefined {
    for (const entry of this.#entries) {
      if (entry.document !== document) continue;
      const rest = restOf(entry, around);
      if (rest === undefined) continue;
      this.#entries = [entry, ...this.#entries.filter((other) => other !== entry)];
      return rest;
    }
    return undefined;
  }

  clear(): void {
    this.#entries = [];
  }
}

function restOf(entry: Entry, { prefix, suffix }: Around): string | undefined {
  if (!prefix.startsWith(entry.prefix)) return undefined;
  const typed = prefix.slice(entry.prefix.length);
  if (typed === '') return suffix === entry.suffix ? entry.text : undefined;
  if (!entry.text.startsWith(typed) || !suffix.endsWith(entry.suffix)) return undefined;
  const rest = entry.text.slice(typed.length);
  const added = suffix.slice(0, suffix.length - entry.suffix.length);
  if (added === '') return rest || undefined;
  // The closer stands already: show the rest without it.
  if (!AUTO_CLOSED.test(added) || !rest.endsWith(added)) return undefined;
  return rest.slice(0, -added.length) || undefined;
}
