/** `airgap eval lines`: how well a model completes lines of real files, beside what needs no model. */
import { basename } from 'node:path';
import type { Command } from 'commander';
import { completeAt } from '../../completion/completeAt.ts';
import type { WrittenToken } from '../../completion/confidence.ts';
import { completionModel } from '../../document/completionModel.ts';
import { loadModel } from '../../load/loadModel.ts';
import { SyntaxErrors } from '../../syntax/syntaxErrors.ts';
import { starterFolder } from '../bundledModels.ts';
import { type ModelOptions, addModelOptions, loadOptions, wholeNumber } from '../options.ts';
import { modelPath } from '../storeOptions.ts';
import { type Column, rowFormatter } from '../table.ts';
import { latestLine, nGram } from './lineBaselines.ts';
import { type CurvePoint, lineCurve } from './lineCurve.ts';
import { type LineCut, lineCuts } from './lineCuts.ts';
import { LineResults } from './lineResults.ts';
import { type LineResult, type LineScore, scoreOf } from './lineScores.ts';

interface LinesOptions extends ModelOptions {
  model: string;
  data: string;
  cuts: number;
  seed: number;
  suffix: boolean;
  out?: string;
  markdown?: boolean;
  twoWords?: boolean;
  curve?: boolean;
}

const MAX_TOKENS = 64;

export function addLines(group: Command, signal: AbortSignal): void {
  const command = group
    .command('lines')
    .description('how well a model completes lines of the source files in a folder, beside what needs no model')
    .option('--model <model>', 'model folder, .gguf file, or name in the store', starterFolder())
    .requiredOption('--data <folder>', 'source files that the model was not trained on')
    .option('--cuts <count>', 'number of lines for each language', wholeNumber(1), 60)
    .option('--seed <number>', 'seed of the choice of lines', wholeNumber(0), 0)
    .option('--no-suffix', 'do not show the model what follows the line')
    .option('--two-words', 'cut lines behind their first two words, not anywhere')
    .option('--curve', 'let the model write to the end of the line, and print what each threshold would show of that')
    .option('--out <file>', 'keep the results here (JSON lines), and continue from them')
    .option('--markdown', 'print Markdown tables');
  addModelOptions(command).action((options: LinesOptions) => evaluateLines(options, signal));
}

async function evaluateLines(options: LinesOptions, signal: AbortSignal): Promise<void> {
  const { data, cuts: count, seed, out, suffix, weights = 'default', markdown = false, curve = false } = options;
  const place = options.twoWords ? 'two words' : 'anywhere';
  const cuts = await lineCuts(data, count, seed, place);
  const results = await LineResults.open({ model: basename(options.model), weights, suffix, place, curve }, out);
  const missing = cuts.filter(({ id }) => results.get(id) === undefined);
  if (missing.length > 0) await completeAll(missing, results, options, signal);
  const byModel = cuts.map((cut) => ({ ...cut, ...results.get(cut.id)! }));
  const byText = (complete: (prefix: string) => string) =>
    cuts.map((cut) => ({ ...cut, shown: complete(cut.prefix) }) satisfies LineResult);
  const format = markdown ? 'markdown' : 'table';
  if (curve) {
    const point = rowFormatter(CURVE_COLUMNS, format);
    const written = byModel.map((cut) => ({ ...cut, tokens: cut.tokens ?? [] }));
    for (const each of await lineCurve(written, new SyntaxErrors(__dirname, console.error))) console.log(point(each));
    return;
  }
  const table = rowFormatter(COLUMNS, format);
  for (const [title, all] of [
    [basename(options.model), byModel],
    ['latest line with the same beginning', byText(latestLine)],
    ['n-gram', byText(nGram)],
  ] as const) {
    for (const language of ['all', ...new Set(cuts.map(({ languageId }) => languageId))]) {
      const of = all.filter(({ languageId }) => language === 'all' || languageId === language);
      console.log(table({ title, language, ...scoreOf(of) }));
    }
  }
}

/** Each cut twice: the second time, the prompt is warm but for its last token, as it is while somebody types. */
async function completeAll(
  cuts: readonly LineCut[],
  results: LineResults,
  options: LinesOptions,
  signal: AbortSignal,
): Promise<void> {
  const model = await loadModel(await modelPath(options.model, options), loadOptions(options, signal));
  try {
    const syntax = new SyntaxErrors(__dirname, console.error);
    const { generate } = model.createSession();
    for (const [i, { id, path, languageId, prefix, suffix }] of cuts.entries()) {
      const request = {
        ...{ fileName: basename(path), languageId, prefix, maxTokens: MAX_TOKENS },
        suffix: options.suffix ? suffix : '',
        multiline: 'never' as const,
      };
      await completeAt({ ...request, maxTokens: 1 }, { ...completionModel(model), generate, syntax }, signal);
      const startedMs = performance.now();
      const tokens: WrittenToken[] = [];
      const toTheEnd = { leastProbability: 0, onToken: (token: WrittenToken) => void tokens.push(token) };
      const engine = { ...completionModel(model), generate, syntax, ...(options.curve ? toTheEnd : {}) };
      const { text, prefillMs } = await completeAt(request, engine, signal);
      const times = { firstMs: prefillMs, totalMs: performance.now() - startedMs };
      await results.add(id, { shown: text, ...times, ...(options.curve ? { tokens } : {}) });
      if (process.stderr.isTTY) process.stderr.write(`\r${i + 1} of ${cuts.length}`);
    }
  } finally {
    await model.dispose();
  }
}

type Row = LineScore & { readonly title: string; readonly language: string };

const percent = (share: number): string => `${(100 * share).toFixed(1)} %`;
const milliseconds = (value: number | undefined): string => (value === undefined ? '–' : value.toFixed(0));

const COLUMNS: readonly Column<Row>[] = [
  { title: 'by', width: 36, text: ({ title }) => title },
  { title: 'language', width: 10, text: ({ language }) => language },
  { title: 'cuts', text: ({ cuts }) => String(cuts) },
  { title: 'shown', width: 7, text: ({ shown }) => percent(shown) },
  { title: 'exact', width: 7, text: ({ exact }) => percent(exact) },
  { title: 'similarity', text: ({ similarity }) => similarity.toFixed(3) },
  { title: 'kept/100', text: ({ keptPer100 }) => keptPer100.toFixed(0) },
  { title: 'kept of shown', text: ({ keptShare }) => percent(keptShare) },
  { title: 'first ms', text: ({ medianFirstMs }) => milliseconds(medianFirstMs) },
  { title: 'median ms', text: ({ medianMs }) => milliseconds(medianMs) },
  { title: '90 % ms', text: ({ p90Ms }) => milliseconds(p90Ms) },
];

const CURVE_COLUMNS: readonly Column<CurvePoint>[] = [
  { title: 'language', width: 10, text: ({ language }) => language },
  { title: 'threshold', text: ({ threshold }) => String(threshold) },
  ...(['chosenOn', 'judgedOn'] as const).flatMap((half): Column<CurvePoint>[] => [
    { title: half === 'chosenOn' ? 'cuts' : 'other cuts', text: (point) => String(point[half].cuts) },
    { title: 'shown', width: 7, text: (point) => percent(point[half].shown) },
    { title: 'exact', width: 7, text: (point) => percent(point[half].exact) },
    { title: 'kept/100', text: (point) => point[half].keptPer100.toFixed(0) },
    { title: 'kept of shown', text: (point) => percent(point[half].keptShare) },
  ]),
];
