import { setImmediate as yieldToOthers } from 'node:timers/promises';

/** So that a test that fails does not keep the process busy. */
const LIMIT_MS = 20_000;

/** Lets other work go on until the condition holds; rejects when it does not come to hold. */
export async function until(condition: () => boolean): Promise<void> {
  for (const end = Date.now() + LIMIT_MS; !condition(); await yieldToOthers()) {
    if (Date.now() > end) throw new Error(`It never held: ${condition.toString()}`);
  }
}
