/** Takes memory from models that are idle, for one that needs more. */

export interface Occupant {
  /** Time of the last call, in any unit that grows. */
  readonly usedAt: number;
  /** Evicts the KV caches of idle documents and conversations. Resolves with whether others can have their memory. */
  evictIdle(): Promise<boolean>;
  /** Unloads the model unless it is in use; resolves with whether it did. */
  unload(): Promise<boolean>;
}

/**
 * Frees memory of `others` in the order of what costs least to restore: caches first, then the model that was not used
 * for longest. Resolves false where nothing is left to take; call it again while the memory does not suffice.
 */
export async function makeRoom(others: readonly Occupant[]): Promise<boolean> {
  const evicted = await Promise.all(others.map((other) => other.evictIdle()));
  if (evicted.includes(true)) return true;
  for (const other of others.toSorted((a, b) => a.usedAt - b.usedAt)) if (await other.unload()) return true;
  return false;
}
