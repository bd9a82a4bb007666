import type { Command } from 'commander';
import { answerChat } from '../chat/answer.ts';
import { loadModel } from '../load/loadModel.ts';
import type { LoadedModel } from '../load/loadedModel.ts';
import { describeFitted } from '../prompt/files.ts';
import type { ChatPart, ChatSource } from '../wire/protocol.ts';
import { addImageOptions, imagePiece, type ImageOptions } from './imageOptions.ts';
import { type ModelOptions, addModelOptions, loadOptions, wholeNumber } from './options.ts';
import { ProgressLine } from './progressLine.ts';
import { modelPath } from './storeOptions.ts';
import { type SamplingOptions, addSamplingOptions, samplingOf } from './samplingOptions.ts';
import { readTextFile } from './readFiles.ts';

interface AskOptions extends ModelOptions, SamplingOptions, ImageOptions {
  file: string[];
  maxTokens: number;
}

/** `airgap ask`: a chat model's answer to a question about whole files. */
export function addAsk(program: Command, signal: AbortSignal): void {
  const command = program
    .command('ask <model> <question>')
    .description(
      'ask a chat model about files and pictures; the parts of the files that fit in the context window are listed on standard error',
    )
    .option(
      '--file <path>',
      'file to attach to the question (repeatable)',
      (path: string, more: string[]) => [...more, path],
      [],
    )
    .option('--max-tokens <count>', 'maximum length of the answer', wholeNumber(1), 512);
  addImageOptions(command);
  addSamplingOptions(command);
  addModelOptions(command).action(async (named: string, question: string, options: AskOptions) => {
    const files = await Promise.all(options.file.map(readSource));
    const model = await loadModel(await modelPath(named, options), loadOptions(options, signal));
    try {
      await answer(model, question, files, options, signal);
    } finally {
      await model.dispose();
    }
  });
}

async function answer(
  model: LoadedModel,
  question: string,
  files: ChatSource[],
  options: AskOptions,
  signal: AbortSignal,
): Promise<void> {
  const progress = new ProgressLine();
  const onPart = (part: ChatPart): void => {
    if (part.type === 'progress') return progress.show(part);
    progress.end();
    if (part.type === 'text') process.stdout.write(part.text);
    else if (part.type === 'fitted')
      part.fit.sources.forEach((source, i) => console.error(describeFitted({ ...source, name: files[i]!.name })));
  };
  const pictures = options.image.map((file) => imagePiece(file, options));
  const request = {
    messages: [{ role: 'user' as const, content: [...pictures, { type: 'text' as const, text: question }] }],
    sources: files,
    maxTokens: options.maxTokens,
    sampling: samplingOf(options),
  };
  const { stop } = await answerChat(model, model.createSession(), request, signal, onPart).finally(() =>
    progress.end(),
  );
  process.stdout.write('\n');
  if (stop === 'repetition') console.error('The answer repeated itself and was stopped.');
}

async function readSource(path: string): Promise<ChatSource> {
  const text = await readTextFile(path);
  return { name: path, text: text.replaceAll('\r\n', '\n') };
}
