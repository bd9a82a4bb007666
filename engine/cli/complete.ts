import { basename, extname } from 'node:path';
import type { Command } from 'commander';
import { shownText } from '../completion/completeAt.ts';
import { completeOnce } from '../document/completeOnce.ts';
import { BadRequest } from '../errors.ts';
import { loadModel } from '../load/loadModel.ts';
import { SyntaxErrors } from '../syntax/syntaxErrors.ts';
import type { CompleteParams } from '../wire/protocol.ts';
import { type ModelOptions, addModelOptions, loadOptions, wholeNumber } from './options.ts';
import { LANGUAGE_IDS, readTextFile } from './readFiles.ts';
import { defaultModel } from './bundledModels.ts';
import { modelPath } from './storeOptions.ts';

interface CompleteOptions extends ModelOptions {
  model: string;
  maxTokens: number;
  json?: boolean;
  text?: string;
}

/** `airgap complete FILE:LINE:COL`: the ghost text that the editor would show there. */
export function addComplete(program: Command, signal: AbortSignal): void {
  const command = program
    .command('complete <place>')
    .description('print the completion at FILE:LINE:COL (both count from 1)')
    .option('--model <model>', 'model folder, .gguf file, or name in the store', defaultModel())
    .option('--max-tokens <count>', 'maximum length of the completion', wholeNumber(1), 128)
    .option('--text <text>', 'what the model is to have written: no model is loaded')
    .option('--json', 'print the text with timings and token counts; with --text, with the rule that changed it');
  addModelOptions(command).action(async (place: string, options: CompleteOptions) => {
    const around = await readPlace(place);
    const syntax = new SyntaxErrors(__dirname, console.error);
    if (options.text !== undefined) {
      const shown = await shownText(options.text, { ...around, multiline: 'auto' }, syntax);
      return console.log(options.json ? JSON.stringify(shown) : shown.text);
    }
    const model = await loadModel(await modelPath(options.model, options), loadOptions(options, signal));
    try {
      const params = { ...around, maxTokens: options.maxTokens, multiline: 'auto' as const };
      const result = await completeOnce(model, { generate: model.createSession().generate, syntax }, params, signal);
      console.log(options.json ? JSON.stringify(result) : result.text);
    } finally {
      await model.dispose();
    }
  });
}

async function readPlace(
  place: string,
): Promise<Pick<CompleteParams, 'fileName' | 'languageId' | 'prefix' | 'suffix'>> {
  const match = /^(.+):(\d+):(\d+)$/.exec(place);
  if (!match) throw new BadRequest(`"${place}" is not of the form FILE:LINE:COL.`);
  const [, path, line, column] = match as unknown as [string, string, string, string];
  const text = await readTextFile(path);
  const lines = text.split('\n');
  const at = lines[Number(line) - 1];
  if (at === undefined) throw new BadRequest(`${path} has ${lines.length} lines, not ${line}.`);
  if (Number(column) < 1 || Number(column) > at.length + 1) {
    throw new BadRequest(`Line ${line} of ${path} has columns 1 to ${at.length + 1}, not ${column}.`);
  }
  const offset = lines.slice(0, Number(line) - 1).reduce((sum, each) => sum + each.length + 1, 0) + Number(column) - 1;
  return {
    fileName: basename(path),
    languageId: LANGUAGE_IDS[extname(path).toLowerCase()] ?? 'plaintext',
    prefix: text.slice(0, offset),
    suffix: text.slice(offset),
  };
}
