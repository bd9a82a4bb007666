import { basename } from 'node:path';
import type { Command } from 'commander';
import { BadModel, BadRequest, throwIfAborted } from '../../errors.ts';
import type { ModelSession } from '../../inference/modelSession.ts';
import { StopStrings } from '../../inference/stopStrings.ts';
import { loadModel } from '../../load/loadModel.ts';
import type { LoadedModel } from '../../load/loadedModel.ts';
import { textPrompt } from '../../prompt/prompt.ts';
import { TextStream } from '../../tokenizer/textStream.ts';
import { type ModelOptions, addModelOptions, loadOptions, wholeNumber } from '../options.ts';
import { modelPath } from '../storeOptions.ts';
import { addLines } from './lines.ts';
import { type Benchmark, HUMANEVAL, MBPP, type Problem } from './problems.ts';
import { checkIsolation, passes, type RunLimits } from './runPython.ts';
import { Samples } from './samples.ts';

interface EvalOptions extends ModelOptions {
  model: string;
  data: string;
  out?: string;
  limit?: number;
  maxTokens: number;
  runGeneratedCode?: boolean;
}

const LIMITS: RunLimits = { seconds: 10, bytes: 2 ** 30 };

/** `airgap eval`: the share of a benchmark's problems that a model's greedy completions solve, and lines that it completes. */
export function addEval(program: Command, signal: AbortSignal): void {
  const group = program
    .command('eval')
    .description('how good a model is: on public benchmarks whose files you have, and on lines of source files');
  addLines(group, signal);
  for (const benchmark of [HUMANEVAL, MBPP]) {
    const command = group
      .command(benchmark.name)
      .description(benchmark.description)
      .requiredOption('--model <model>', 'model folder, .gguf file, or name in the store')
      .requiredOption('--data <file>', 'the published file (.jsonl, .json, or either as .gz)')
      .option('--out <file>', 'keep the completions here (JSON lines), and continue from them')
      .option('--limit <count>', 'only this many problems, from the first', wholeNumber(1))
      .option('--max-tokens <count>', 'maximum length of a completion', wholeNumber(1), 512)
      .option(
        '--run-generated-code',
        'run what the model wrote, to print pass@1: with limits of time and memory and without network, but with your rights to read files',
      );
    addModelOptions(command).action((options: EvalOptions) => evaluate(benchmark, options, signal));
  }
}

async function evaluate(benchmark: Benchmark, options: EvalOptions, signal: AbortSignal): Promise<void> {
  const { model, data, out, limit, maxTokens, weights = 'default', runGeneratedCode = false } = options;
  if (out === undefined && !runGeneratedCode) {
    throw new BadRequest('Name a file for the completions with --out, or run them with --run-generated-code.');
  }
  const problems = (await benchmark.read(data)).slice(0, limit);
  const samples = await Samples.open({ model: basename(model), weights, maxTokens }, out);
  if (runGeneratedCode) await checkIsolation(LIMITS);
  const missing = problems.filter(({ id }) => samples.get(id) === undefined);
  if (missing.length > 0) await generateAll(benchmark, missing, samples, options, signal);
  if (!runGeneratedCode) {
    console.log(`${out} has ${problems.length} completions. They were not run; --run-generated-code runs them.`);
    return;
  }
  const passed = await runAll(problems, samples, signal);
  const share = ((100 * passed) / problems.length).toFixed(1);
  console.log(`pass@1: ${share} % (${passed} of ${problems.length} problems)`);
}

async function generateAll(
  { stops }: Benchmark,
  problems: readonly Problem[],
  samples: Samples,
  options: EvalOptions,
  signal: AbortSignal,
): Promise<void> {
  const model = await loadModel(await modelPath(options.model, options), loadOptions(options, signal));
  try {
    const session = model.createSession();
    for (const [i, { id, prompt }] of problems.entries()) {
      await samples.add(id, await complete(model, session, prompt, stops, options.maxTokens, signal));
      console.error(`${i + 1} of ${problems.length} completions: ${id}`);
    }
  } finally {
    await model.dispose();
  }
}

/** The greedy completion up to the first stop text. */
async function complete(
  { tokenizer, info, stopIds }: LoadedModel,
  session: ModelSession,
  prompt: string,
  stops: readonly string[],
  maxTokens: number,
  signal: AbortSignal,
): Promise<string> {
  if (!tokenizer) throw new BadModel(`${info.name} has no tokenizer, so it cannot process text.`);
  const ids = textPrompt(tokenizer.encode(prompt, { bos: true }));
  const stream = new TextStream(tokenizer);
  const until = new StopStrings(stops);
  let text = '';
  for await (const { id } of session.generate(ids, { maxTokens, stopIds, signal })) {
    text += until.push(stream.push(id));
    if (until.stopped) return text;
  }
  return text + until.push(stream.end()) + until.end();
}

async function runAll(problems: readonly Problem[], samples: Samples, signal: AbortSignal): Promise<number> {
  let passed = 0;
  for (const { id, program } of problems) {
    throwIfAborted(signal);
    const ok = await passes(program(samples.get(id)!), LIMITS);
    if (ok) passed++;
    console.error(`${id}: ${ok ? 'passed' : 'failed'}`);
  }
  return passed;
}
