import type { Command } from 'commander';
import { BadRequest } from '../errors.ts';
import { notFinite } from '../inference/generate.ts';
import { loadModel } from '../load/loadModel.ts';
import type { PromptImage } from '../vision/promptImage.ts';
import { type ModelOptions, addModelOptions, loadOptions, readIds, wholeNumber } from './options.ts';
import { modelPath } from './storeOptions.ts';
import { addImageOptions, encodeImages, type ImageOptions } from './imageOptions.ts';
import { type Prompt, joinPrompt } from '../prompt/prompt.ts';

interface LogitsOptions extends ModelOptions, ImageOptions {
  idsFile: string;
  last: number;
  json?: boolean;
}

/** `airgap logits`: the model's raw output, for scripts and comparisons with other engines. */
export function addLogits(program: Command, signal: AbortSignal): void {
  const command = program
    .command('logits <model>')
    .description('print the logits of the last positions of a list of token ids')
    .requiredOption('--ids-file <file>', 'JSON list of token ids; -k stands for all positions of the k-th picture')
    .option('--last <count>', 'number of positions, counted from the end', wholeNumber(1), 1)
    .option(
      '--json',
      'print {"backend","adapter","positions","logits"}, and where there are pictures "tokens" and "images"',
    );
  addImageOptions(command);
  addModelOptions(command).action(async (named: string, options: LogitsOptions) => {
    const ids = await readIds(options.idsFile);
    checkPlaces(ids, options.image.length);
    const model = await loadModel(await modelPath(named, options), loadOptions(options, signal));
    try {
      const { last } = options;
      const images = await encodeImages(model, options, signal);
      const prompt = withPictures(ids, images);
      const { values } = await model.createSession().run(prompt, { output: 'logits', last, signal });
      const width = model.config.vocabSize;
      const logits = Array.from({ length: last }, (_, i) => [...values.subarray(i * width, (i + 1) * width)]);
      if (!values.every(Number.isFinite)) throw notFinite();
      const positions = logits.map((_, i) => prompt.ids.length - last + i);
      const { backend, device } = model.info;
      const sizes = images.map(({ size: { width, height, tokens } }) => ({ width, height, tokens }));
      const pictures = images.length > 0 ? { tokens: prompt.ids.length, images: sizes } : {};
      if (options.json) printJson({ backend, adapter: device, ...pictures, positions }, logits);
      else logits.forEach((row, i) => console.log(`position ${positions[i]}: ${summary(row)}`));
    } finally {
      await model.dispose();
    }
  });
}

/** Throws BadRequest unless each of the pictures stands once among the ids, in order. */
function checkPlaces(ids: readonly number[], pictures: number): void {
  const places = ids.filter((id) => id < 0);
  if (places.join() === Array.from({ length: pictures }, (_, i) => -1 - i).join()) return;
  const given = pictures === 1 ? '1 picture was given' : `${pictures} pictures were given`;
  throw new BadRequest(
    `${given}, but the ids name ${places.join(', ') || 'none'}; each has to stand there once, in order.`,
  );
}

/** The ids with the pictures in their places. */
function withPictures(ids: readonly number[], images: readonly PromptImage[]): Prompt {
  const parts = ids.map((id) => {
    if (id >= 0) return [id];
    const { key, size } = images[-1 - id]!;
    return { key, length: size.tokens };
  });
  return joinPrompt(parts);
}

/** Prints row by row, because all rows together may exceed the maximum length of a string. */
function printJson(head: object, logits: readonly (readonly number[])[]): void {
  process.stdout.write(`${JSON.stringify(head).slice(0, -1)},"logits":[`);
  logits.forEach((row, i) => process.stdout.write((i > 0 ? ',' : '') + JSON.stringify(row)));
  process.stdout.write(']}\n');
}

/** The five largest logits with their ids. */
function summary(row: readonly number[]): string {
  const ids = row.map((_, id) => id).sort((a, b) => row[b]! - row[a]!);
  return ids
    .slice(0, 5)
    .map((id) => `${id} (${row[id]!.toFixed(4)})`)
    .join(', ');
}
