import type { Command } from 'commander';
import { chatWith, fitWith } from '../chat/answer.ts';
import { loadModel } from '../load/loadModel.ts';
import type { LoadedModel } from '../load/loadedModel.ts';
import { describeFitted, type SourceFile } from '../prompt/files.ts';
import { type ModelOptions, addModelOptions, loadOptions, wholeNumber } from './options.ts';
import { readTextFile } from './readFiles.ts';

interface AskOptions extends ModelOptions {
  file: string[];
  maxTokens: number;
}

/** `airgap ask`: a chat model's answer to a question about whole files. */
export function addAsk(program: Command, signal: AbortSignal): void {
  const command = program
    .command('ask <model> <question>')
    .description(
      'ask a chat model about files; the parts of the files that fit in the context window are listed on standard error',
    )
    .option(
      '--file <path>',
      'file to attach to the question (repeatable)',
      (path: string, more: string[]) => [...more, path],
      [],
    )
    .option('--max-tokens <count>', 'maximum length of the answer', wholeNumber(1), 512);
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
  const ask = (text: string) => ({ messages: [{ role: 'user' as const, text }], maxTokens });
  const { sources } = await fitWith(model, { ...ask(question), sources: files }, signal);
  const read = sources.map((source, i) => ({ ...source, name: files[i]!.name }));
  for (const file of read) console.error(describeFitted(file));
  const texts = read.map(({ name, text }) => `<file name="${name}">\n${text}\n</file>\n`);
  const say = ({ text }: { text: string }): void => void process.stdout.write(text);
  await chatWith(model, model.createSession(), ask([...texts, question].join('')), signal, say);
  process.stdout.write('\n');
}

async function readSource(path: string): Promise<SourceFile> {
  const text = await readTextFile(path);
  return { name: path, text: text.replaceAll('\r\n', '\n') };
}
