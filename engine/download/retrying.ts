/** Another try, after a pause, for what may go on. */
import { setTimeout as sleep } from 'node:timers/promises';
import { Cancelled } from '../errors.ts';
import { Interrupted } from './failures.ts';

/** Tries in a row that come no further than one before. */
const MOST_FRUITLESS_TRIES = 5;
const FIRST_PAUSE_MS = 500;
/** A server that wants a longer pause is not waited for. */
const LONGEST_PAUSE_MS = 60_000;

/**
 * Repeats an action that rejects with Interrupted, after a pause that doubles or that the server asks for. `progress` says how
 * far the tries have come; one that comes further than all before does not count. Rejects with Cancelled, or with what the
 * last try rejected with.
 */
export async function retrying<T>(
  action: () => Promise<T>,
  { signal, progress = () => Promise.resolve(0) }: { signal: AbortSignal; progress?: () => Promise<number> },
): Promise<T> {
  let most = await progress();
  for (let fruitless = 0; ;) {
    try {
      return await action();
    } catch (error) {
      if (!(error instanceof Interrupted)) throw error;
      const now = await progress();
      fruitless = now > most ? 0 : fruitless + 1;
      most = Math.max(most, now);
      const pauseMs = error.retryAfterMs ?? FIRST_PAUSE_MS * 2 ** fruitless;
      if (fruitless >= MOST_FRUITLESS_TRIES || pauseMs > LONGEST_PAUSE_MS) throw error;
      await sleep(pauseMs, undefined, { signal }).catch(() => {
        throw new Cancelled();
      });
    }
  }
}
