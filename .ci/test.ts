/**
 * `npm test`: builds, runs the suites, prints how long each took, and closes with what failed and one line of counts.
 *   npm test                 unit webgpu page window vsix
 *   npm test -- unit oldest  the suites that are named; node22, long, oldest, lavapipe and lavapipeAll run only when they are
 */
import { provideToTests } from './chatModel.ts';
import { ensureChromium } from './chromium.ts';
import { buildProduct } from './steps.ts';
import { type Counts, suites } from './suites.ts';

const named = process.argv.slice(2);
const chosen = named.length > 0 ? named : ['unit', 'webgpu', 'page', 'window', 'vsix'];
const unknown = chosen.filter((name) => !suites[name]);
if (unknown.length > 0) {
  console.error(`No such suite: ${unknown.join(', ')}. There are ${Object.keys(suites).join(', ')}.`);
  process.exit(1);
}
try {
  ensureChromium();
} catch (error) {
  console.error((error as Error).message);
  process.exit(1);
}
buildProduct({ tests: true });
provideToTests();
const results: (Counts & { name: string; seconds: number })[] = [];
for (const name of chosen) {
  const start = performance.now();
  const counts = await suites[name]!();
  results.push({ name, ...counts, seconds: (performance.now() - start) / 1000 });
}
printTimes();
for (const { name, failed, failedFirst } of results) {
  for (const line of failedFirst) console.log(`failed at the first try in ${name}: ${line}\n`);
  for (const line of failed) console.log(`failed in ${name}: ${line}\n`);
}
const total = (key: 'passes' | 'failures' | 'pending') => results.reduce((sum, each) => sum + each[key], 0);
console.log(`${total('passes')} passed, ${total('failures')} failed, ${total('pending')} skipped`);
process.exit(total('failures') === 0 ? 0 : 1);

/** A row per suite: tests that ran, seconds, and the suite's share of all the time. */
function printTimes(): void {
  const seconds = results.reduce((sum, each) => sum + each.seconds, 0);
  const rows = results.map((each) => [
    each.name,
    String(each.passes + each.failures),
    each.seconds.toFixed(0),
    `${((100 * each.seconds) / seconds).toFixed(0)} %`,
  ]);
  console.log('');
  for (const [name, ...figures] of [['suite', 'tests', 'seconds', 'share'], ...rows]) {
    console.log(`${name!.padEnd(12)}${figures.map((text) => text.padStart(9)).join('')}`);
  }
  console.log('');
}
