import { readFile } from 'node:fs/promises';
import type { Command } from 'commander';
import { BadModel, BadRequest } from '../errors.ts';
import { letOthersGo } from '../fileReader.ts';
import { type LoadedModel, loadModel } from '../load.ts';
import { describeFitted, type SourceFile } from '../prompt/files.ts';
import { questionPrompt } from '../prompt/question.ts';
import { TextStream } from '../tokenizer/textStream.ts';
import { type ModelOptions, addModelOptions, loadOptions, wholeNumber } from './options.ts';

interface AskOptions extends ModelOptions {
  file: string[];
  maxTokens: number;
}

/** `airgap ask`: a chat model's answer to a question about whole files. */
export function addAsk(program: Command, signal: AbortSignal): void {
  const command = program
    .command('ask <model> <question>')
    .description('ask a chat model about files; what of them is in its window goes to standard error')
    .option(
      '--file <path>',
      'a file to read; may be given several times',
      (path: string, more: string[]) => [...more, path],
      [],
    )
    .option('--max-tokens <count>', 'longest answer', wholeNumber(1), 512);
  addModelOptions(command).action(async (folder: string, question: string, options: AskOptions) => {
    const files = await Promise.all(options.file.map(readSource));
    const model = await loadModel(folder, loadOptions(options, signal));
    try {
      await answer(model, question, files, options.maxTokens, signal);
    } finally {
      await model.dispose();
    }
  });
}

async function answer(
  model: LoadedModel,
  question: string,
  files: SourceFile[],
  maxTokens: number,
  signal: AbortSignal,
): Promise<void> {
  const { info, tokenizer } = model;
  if (!tokenizer) throw new BadModel(`${info.name} has no tokenizer.json, so it cannot be asked.`);
  if (maxTokens >= info.contextLength)
    throw new BadRequest(`An answer of ${maxTokens} tokens fills the context of ${info.contextLength}.`);
  const prompt = await questionPrompt(question, files, info.contextLength - maxTokens, tokenizer, letOthersGo);
  for (const file of prompt.files) console.error(describeFitted(file));
  const stream = new TextStream(tokenizer);
  const generation = model.createSession().generate(prompt.ids, { maxTokens, stopIds: tokenizer.stopIds, signal });
  for await (const { id } of generation) process.stdout.write(stream.push(id));
  process.stdout.write(`${stream.end()}\n`);
}

async function readSource(path: string): Promise<SourceFile> {
  const text = await readFile(path, 'utf8').catch((error: NodeJS.ErrnoException) => {
    throw new BadRequest(`${path} cannot be read (${error.code}).`);
  });
  return { name: path, text: text.replaceAll('\r\n', '\n') };
}
