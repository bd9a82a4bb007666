/**
 * Counts the memory that models which are being loaded will still take, so that two that load at once do not count on the
 * same free bytes. What is loaded needs no entry: the system does not call it free.
 */
export class MemoryLedger {
  readonly #loading = new Set<() => number>();

  /** Bytes that the loads under way have planned and not allocated yet. */
  get pendingBytes(): number {
    let bytes = 0;
    for (const missing of this.#loading) bytes += Math.max(0, missing());
    return bytes;
  }

  /** Enters a load by the bytes that it is still going to allocate. The returned function ends the entry. */
  enter(missingBytes: () => number): () => void {
    this.#loading.add(missingBytes);
    return () => this.#loading.delete(missingBytes);
  }
}
