/** `npm run bench -- --ocr`: how many characters of the screenshots' text are read right, as Markdown. */
import { type Reading, readScreenshots, shareRight } from '../support/extension/ocr/accuracy.ts';
import { FAMILIES, SCREENSHOTS, type Screenshot } from '../support/extension/ocr/corpus.ts';

const readings: Reading[] = [];
for await (const reading of readScreenshots(SCREENSHOTS)) {
  readings.push(reading);
  console.log(`${percent([reading])}, ${reading.seconds.toFixed(1)} s: ${reading.screenshot.name}`);
}

const rows: [name: string, includes: (screenshot: Screenshot) => boolean][] = [
  ['all', () => true],
  ...(['code', 'terminal', 'dialog'] as const).map((kind) => row(kind, ({ source }) => source.kind === kind)),
  row('light', ({ look }) => !look.dark),
  row('dark', ({ look }) => look.dark),
  ...FAMILIES.map(({ code, dialog }, i) => row(`${code}, ${dialog}`, ({ look }) => look.family === i)),
  row('sub-pixel smoothing', ({ look }) => look.subpixel),
  row('grey smoothing', ({ look }) => !look.subpixel),
];
console.log('\n| screenshots | 1x | 2x | seconds each |\n| --- | --- | --- | --- |');
for (const [name, includes] of rows) {
  const all = readings.filter(({ screenshot }) => includes(screenshot));
  const [at1, at2] = [1, 2].map((scale) => all.filter(({ screenshot }) => screenshot.look.scale === scale));
  const seconds = all.reduce((sum, reading) => sum + reading.seconds, 0) / all.length;
  console.log(`| ${name} (${all.length}) | ${percent(at1!)} | ${percent(at2!)} | ${seconds.toFixed(1)} |`);
}

function row(name: string, includes: (screenshot: Screenshot) => boolean): [string, typeof includes] {
  return [name, includes];
}

function percent(of: readonly Reading[]): string {
  return `${(100 * shareRight(of)).toFixed(1)} %`;
}
