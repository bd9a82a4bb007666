import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { Option, type Command } from 'commander';
import { type ModelOptions, addModelOptions, loadOptions, wholeNumber } from '../../../engine/cli/options.ts';
import { loadModel } from '../../../engine/load/loadModel.ts';
import { type Cut, cutsOf } from '../../support/completion/cuts.ts';
import { rawTexts } from './rawText.ts';

/** The model reads only so much of a file, to be recorded soon. */
const PREFIX = 800;
const SUFFIX = 200;
const MAX_TOKENS = 24;

/** A text that a model has written: `before` ends with the line of the cursor. */
export interface RecordedText {
  readonly languageId: string;
  readonly before: string;
  readonly text: string;
}

type RecordOptions = ModelOptions & { readonly cuts: number; readonly seed: number };

/**
 * `npm run bench -- texts MODEL OUTPUT`: what a model writes at places in this repository's files. Goes on where OUTPUT
 * exists already, so that a long recording can be made in several runs.
 */
export function addRecordTexts(program: Command, signal: AbortSignal): void {
  const command = program
    .command('texts <model> <output>')
    .description('record what a model writes at places of the files here, for test/engine/completion/soundness.test.ts')
    .addOption(
      new Option('--cuts <count>', 'texts for each language, with those in the file')
        .default(40)
        .argParser(wholeNumber(1)),
    )
    .addOption(new Option('--seed <number>', 'chooses the places').default(7).argParser(wholeNumber(0)));
  addModelOptions(command).action(async (path: string, output: string, options: RecordOptions) => {
    const model = await loadModel(path, loadOptions(options, signal));
    const write = rawTexts(model, MAX_TOKENS, signal);
    const texts = existsSync(output) ? (JSON.parse(readFileSync(output, 'utf8')) as RecordedText[]) : [];
    for (const { prefix, suffix, fileName, languageId } of missing(options, texts)) {
      const around = { prefix: prefix.slice(-PREFIX), suffix: suffix.slice(0, SUFFIX) };
      const text = await write({ fileName, languageId, ...around });
      texts.push({ languageId, before: beforeCursor(prefix), text });
      // After each one, so that an interruption loses nothing.
      writeFileSync(output, `[\n${texts.map((text) => JSON.stringify(text)).join(',\n')}\n]\n`);
      console.log(`${texts.length} ${JSON.stringify(text)}`);
    }
    await model.dispose();
  });
}

/**
 * The cuts that are not recorded yet, as many as make up `cuts` texts of each language with those that are. One of each
 * language after the other, so that an interruption leaves as many of each.
 */
function missing({ cuts, seed }: RecordOptions, recorded: readonly RecordedText[]): Cut[] {
  const counts = new Map<string, number>();
  const turnOf = (languageId: string): number => {
    const turn = counts.get(languageId) ?? 0;
    counts.set(languageId, turn + 1);
    return turn;
  };
  const places = new Set<string>();
  for (const { languageId, before } of recorded) {
    turnOf(languageId);
    places.add(before);
  }
  return cutsOf(cuts, seed)
    .filter(({ prefix }) => !places.has(beforeCursor(prefix)))
    .map((cut) => ({ cut, turn: turnOf(cut.languageId) }))
    .filter(({ turn }) => turn < cuts)
    .sort((a, b) => a.turn - b.turn)
    .map(({ cut }) => cut);
}

/** The line of the cursor, and the one before, by which a place is found again. */
function beforeCursor(prefix: string): string {
  return prefix.split('\n').slice(-2).join('\n').slice(-200);
}
