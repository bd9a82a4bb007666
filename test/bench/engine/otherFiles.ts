/** `npm run bench -- context MODEL FOLDER`: what a model gains from signatures of what a file imports. */
import { appendFileSync, existsSync, globSync, readFileSync, statSync } from 'node:fs';
import { basename, extname, join, resolve } from 'node:path';
import { Option, type Command } from 'commander';
import { type ModelOptions, addModelOptions, loadOptions, wholeNumber } from '../../../engine/cli/options.ts';
import { mulberry32 } from '../../../engine/inference/random.ts';
import { loadModel } from '../../../engine/load/loadModel.ts';
import type { OtherFile } from '../../../engine/prompt/otherFiles.ts';
import { importsOf, signaturesFor } from '../../../extension/completion/imports.ts';
import { rawTexts } from './rawText.ts';

const LANGUAGES: Readonly<Record<string, string>> = { '.ts': 'typescript', '.tsx': 'typescriptreact', '.py': 'python' };
const MAX_TOKENS = 24;
/** Shorter ends of lines say little. */
const SHORTEST = 4;

interface Place {
  readonly path: string;
  readonly languageId: string;
  readonly prefix: string;
  readonly suffix: string;
  readonly truth: string;
  readonly otherFiles: OtherFile[];
}

interface Row {
  readonly place: string;
  readonly without: boolean;
  readonly with: boolean;
}

export function addContext(program: Command, signal: AbortSignal): void {
  const command = program
    .command('context <model> <folder>')
    .description(
      'complete lines that use a name from another file, without and with the signatures of what is imported',
    )
    .addOption(new Option('--cuts <count>', 'number of places').default(300).argParser(wholeNumber(1)))
    .addOption(
      new Option('--prefix <characters>', 'the text shown before a place').default(100_000).argParser(wholeNumber(1)),
    )
    .requiredOption('--rows <file>', 'file of rows that are done, to go on with after an interruption');
  addModelOptions(command).action(
    async (path: string, folder: string, options: ModelOptions & { cuts: number; rows: string; prefix: number }) => {
      const done = existsSync(options.rows) ? readRows(options.rows) : [];
      const known = new Set(done.map(({ place }) => place));
      const places = await placesIn(resolve(folder), options.cuts);
      const model = await loadModel(path, loadOptions(options, signal));
      const write = rawTexts(model, MAX_TOKENS, signal);
      const isExact = async ({ truth, ...place }: Omit<Place, 'path'>, fileName: string): Promise<boolean> => {
        const isEnough = (text: string): boolean =>
          text.includes('\n') || !(truth.startsWith(text) || text.startsWith(truth));
        return (await write({ ...place, fileName }, isEnough)).split('\n')[0]!.trimEnd() === truth.trimEnd();
      };
      for (const { path: file, ...found } of places) {
        const place = `${file}:${found.prefix.length}`;
        if (known.has(place)) continue;
        const shown = {
          ...found,
          prefix: found.prefix.slice(-options.prefix),
          suffix: found.suffix.slice(0, options.prefix),
        };
        const without = await isExact({ ...shown, otherFiles: [] }, basename(file));
        const row: Row = { place, without, with: await isExact(shown, basename(file)) };
        appendFileSync(options.rows, `${JSON.stringify(row)}\n`);
      }
      await model.dispose();
      print(readRows(options.rows));
    },
  );
}

const readRows = (path: string): Row[] =>
  readFileSync(path, 'utf8')
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as Row);

/** Exact lines without and with, and the gain with the 95 % interval of a paired bootstrap. */
function print(rows: readonly Row[]): void {
  const gains = rows.map((row) => Number(row.with) - Number(row.without));
  const sum = (values: readonly number[]): number => values.reduce((total, value) => total + value, 0);
  const next = mulberry32(1);
  const means = Array.from(
    { length: 10_000 },
    () => sum(gains.map(() => gains[Math.floor(next() * gains.length)]!)) / gains.length,
  );
  means.sort((a, b) => a - b);
  const percent = (share: number): string => `${(100 * share).toFixed(1)} %`;
  const count = (key: 'with' | 'without'): number => rows.filter((row) => row[key]).length;
  console.log(
    `${rows.length} places: exact without ${percent(count('without') / rows.length)}, with ${percent(count('with') / rows.length)}`,
  );
  console.log(
    `gain ${percent(sum(gains) / gains.length)}, 95 % interval ${percent(means[250]!)} to ${percent(means[9750]!)}`,
  );
  console.log(
    `only without: ${gains.filter((gain) => gain < 0).length}, only with: ${gains.filter((gain) => gain > 0).length}`,
  );
}

/** `count` seeded places: the end of a name from another file, with the bracket or dot behind it, or its start. */
async function placesIn(folder: string, count: number): Promise<Place[]> {
  const paths = globSync('**/*.{ts,tsx,py}', { cwd: folder }).filter((path) => !/\.d\.ts$|test|__init__/.test(path));
  const found = (await Promise.all(paths.sort().map((path) => placesOf(join(folder, path), folder)))).flat();
  const next = mulberry32(5);
  return found
    .map((place) => ({ place, order: next() }))
    .sort((a, b) => a.order - b.order)
    .slice(0, count)
    .map(({ place }) => place);
}

async function placesOf(path: string, root: string): Promise<Place[]> {
  const text = readFileSync(path, 'utf8').replaceAll('\r\n', '\n');
  const languageId = LANGUAGES[extname(path)]!;
  const otherFiles = await signaturesFor(text, path, root, languageId, async (file) =>
    existsSync(file) && statSync(file).isFile() ? readFileSync(file, 'utf8') : undefined,
  );
  const names = importsOf(text, path, root, languageId)
    .flatMap((each) => each.names)
    .filter((name) => otherFiles.some((other) => new RegExp(`\\b${name.replaceAll('$', '\\$')}\\b`).test(other.text)));
  if (names.length === 0) return [];
  const places: Place[] = [];
  for (const { index, 0: name } of text.matchAll(
    new RegExp(`(?<![\\w$.])(?:${names.map((each) => each.replaceAll('$', '\\$')).join('|')})(?![\\w$])[.(]?`, 'g'),
  )) {
    const lineStart = text.lastIndexOf('\n', index) + 1;
    const lineEnd = text.indexOf('\n', index);
    const line = text.slice(lineStart, lineEnd);
    if (lineEnd < 0 || /^\s*(?:import|export|from|\}|[\w, ]*,?$|[#/*])/.test(line) || / from ['"]/.test(line)) continue;
    const at = places.length % 2 === 0 ? index + name.length : index;
    const truth = text.slice(at, lineEnd);
    if (truth.trim().length < SHORTEST) continue;
    places.push({ path, languageId, prefix: text.slice(0, at), truth, suffix: text.slice(lineEnd), otherFiles });
  }
  return places;
}
