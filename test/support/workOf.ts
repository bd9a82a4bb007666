/** How much work code does, told without a clock. */
import { Session } from 'node:inspector/promises';

/**
 * Runs a function and returns how often the blocks of this bundle's code ran meanwhile: function bodies, loops and
 * branches, counted by V8's coverage. Built-in functions and regular expressions do not count.
 */
export async function workOf(run: () => void): Promise<number> {
  const session = new Session();
  session.connect();
  try {
    await session.post('Profiler.enable');
    await session.post('Profiler.startPreciseCoverage', { callCount: true, detailed: true });
    run();
    const { result } = await session.post('Profiler.takePreciseCoverage');
    const own = result.filter(({ url }) => url === import.meta.url);
    const ranges = own.flatMap(({ functions }) => functions.flatMap((each) => each.ranges));
    return ranges.reduce((sum, { count }) => sum + count, 0);
  } finally {
    session.disconnect();
  }
}
