import { type Command, InvalidArgumentError } from 'commander';
import { BadRequest } from '../errors.ts';
import { loadModel } from '../load/loadModel.ts';
import type { LoadedModel } from '../load/loadedModel.ts';
import type { StopReason } from '../wire/protocol.ts';
import { StopStrings } from '../inference/stopStrings.ts';
import { TextStream } from '../tokenizer/textStream.ts';
import { type ModelOptions, addModelOptions, loadOptions, readIds, wholeNumber } from './options.ts';
import { modelPath } from './storeOptions.ts';
import { type SamplingOptions, addSamplingOptions, samplingOf } from './samplingOptions.ts';
import { textPrompt } from '../prompt/prompt.ts';

interface GenerateCliOptions extends ModelOptions, SamplingOptions {
  idsFile?: string;
  prompt?: string;
  maxTokens: number;
  stop: string[];
  json?: boolean;
}

/** `airgap generate`: continues a prompt with text or, without a tokenizer, with token ids. */
export function addGenerate(program: Command, signal: AbortSignal): void {
  const command = program
    .command('generate <model>')
    .description('continue a prompt (token ids only if the model has no tokenizer)')
    .option('--ids-file <file>', 'JSON list of token ids to continue')
    .option('--prompt <text>', 'text to continue, without a chat template')
    .option('--max-tokens <count>', 'maximum length of the answer', wholeNumber(1), 64)
    .option('--stop <text>', 'stop before this text (repeatable)', collect, [])
    .option('--json', 'print {"ids","text","stop","timings"}');
  addSamplingOptions(command, { temperature: 0 });
  addModelOptions(command).action(async (named: string, options: GenerateCliOptions) => {
    const model = await loadModel(await modelPath(named, options), loadOptions(options, signal));
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
    sampling: { temperature: 0, ...samplingOf(options) },
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
