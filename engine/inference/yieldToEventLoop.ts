import { setImmediate } from 'node:timers/promises';

/** Awaited during long work, so that other requests are served meanwhile. */
export const yieldToEventLoop = (): Promise<unknown> => setImmediate();
