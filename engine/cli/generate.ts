import { type Command, InvalidArgumentError } from 'commander';
import { BadRequest } from '../errors.ts';
import type { Sampling } from '../inference/generationTypes.ts';
import { loadModel } from '../load/loadModel.ts';
import type { LoadedModel } from '../load/loadedModel.ts';
import type { StopReason } from '../wire/protocol.ts';
import { StopStrings } from '../inference/stopStrings.ts';
import { TextStream } from '../tokenizer/textStream.ts';
import { type ModelOptions, addModelOptions, decimal, loadOptions, readIds, wholeNumber } from './options.ts';
import { textPrompt } from '../prompt/prompt.ts';

interface GenerateCliOptions extends ModelOptions {
  idsFile?: string;
  prompt?: string;
  maxTokens: number;
  seed: number;
  temperature: number;
  topP?: number;
  topK?: number;
  minP?: number;
  repetitionPenalty?: number;
  stop: string[];
  json?: boolean;
}

/** `airgap generate`: continues a prompt with text or, without a tokenizer, with token ids. */
export function addGenerate(program: Command, signal: AbortSignal): void {
  const command = program
    .command('generate <model>')
    .description('continue a prompt (token ids only if the model folder has no tokenizer)')
    .option('--ids-file <file>', 'JSON list of token ids to continue')
    .option('--prompt <text>', 'text to continue, without a chat template')
    .option('--max-tokens <count>', 'maximum length of the answer', wholeNumber(1), 64)
    .option('--seed <number>', 'seed of the random number generator', wholeNumber(0), 0)
    .option('--temperature <number>', 'sampling temperature; 0 always picks the most likely token', decimal(0, 10), 0)
    .option('--top-p <share>', 'sample from the most likely tokens with this total probability', decimal(0, 1))
    .option('--top-k <count>', 'sample from this many of the most likely tokens', wholeNumber(1))
    .option('--min-p <share>', 'sample from tokens with at least this share of the highest probability', decimal(0, 1))
    .option('--repetition-penalty <factor>', 'above 1 makes recent tokens less likely', decimal(0.1, 10))
    .option('--stop <text>', 'stop before this text (repeatable)', collect, [])
    .option('--json', 'print {"ids","text","stop","timings"}');
  addModelOptions(command).action(async (folder: string, options: GenerateCliOptions) => {
    const model = await loadModel(folder, loadOptions(options, signal));
    try {
      await generate(model, options, signal);
    } finally {
      await model.dispose();
    }
  });
}

async function generate(model: LoadedModel, options: GenerateCliOptions, signal: AbortSignal): Promise<void> {
  const prompt = await promptIds(model, options);
  const generation = model.createSession().generate(textPrompt(prompt), {
    maxTokens: options.maxTokens,
    stopIds: model.stopIds,
    sampling: sampling(options),
    signal,
  });
  const stream = model.tokenizer && new TextStream(model.tokenizer);
  const stops = new StopStrings(options.stop);
  const ids: number[] = [];
  let text = '';
  const show = (part: string): void => {
    text += part;
    if (!options.json) process.stdout.write(part);
  };
  for await (const { id } of generation) {
    ids.push(id);
    show(stops.push(stream ? stream.push(id) : `${id} `));
    if (stops.stopped) break;
  }
  show(stops.push(stream ? stream.end() : '') + stops.end());
  const { stop, ...timings } = generation.stats;
  if (!options.json) return void process.stdout.write('\n');
  const reason: StopReason = stops.stopped ? 'text' : stop!;
  console.log(JSON.stringify({ ids, text: stream ? text : null, stop: reason, timings }));
}

function collect(value: string, before: string[]): string[] {
  if (value === '') throw new InvalidArgumentError('It must not be empty.');
  return [...before, value];
}

async function promptIds(model: LoadedModel, { idsFile, prompt }: GenerateCliOptions): Promise<number[]> {
  if ((idsFile === undefined) === (prompt === undefined))
    throw new BadRequest('Specify either --ids-file or --prompt.');
  if (idsFile !== undefined) return readIds(idsFile);
  if (!model.tokenizer) throw new BadRequest(`${model.info.name} has no tokenizer.json. Use --ids-file.`);
  return model.tokenizer.encode(prompt!, { bos: true });
}

function sampling({ temperature, seed, topP, topK, minP, repetitionPenalty }: GenerateCliOptions): Sampling {
  return {
    temperature,
    seed,
    ...(topP === undefined ? {} : { topP }),
    ...(topK === undefined ? {} : { topK }),
    ...(minP === undefined ? {} : { minP }),
    ...(repetitionPenalty === undefined ? {} : { repetitionPenalty }),
  };
}
