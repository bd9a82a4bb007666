/**
 * HumanEval's completions by llama.cpp, greedy, from the prompts and up to the stop texts of `airgap eval`:
 *
 *     node .ci/node24.mjs test/bench/peers/humanEval.ts MODEL.gguf HumanEval.jsonl.gz COMPLETIONS.jsonl
 *     npx airgap eval humaneval --model MODEL.gguf --data HumanEval.jsonl.gz --out COMPLETIONS.jsonl --run-generated-code
 *
 * The second command then runs these completions and generates none of its own. An interrupted run is taken up again.
 */
import { availableParallelism } from 'node:os';
import { basename, join } from 'node:path';
import { cacheDir } from '../../../.ci/nodeBinary.mjs';
import { HUMANEVAL } from '../../../engine/cli/eval/problems.ts';
import { Samples } from '../../../engine/cli/eval/samples.ts';
import { importPackage, installPeers } from './install.ts';

/** The part of the package's types that is used. */
interface NodeLlamaCpp {
  getLlama(options: object): Promise<{ loadModel(options: object): Promise<Model> }>;
}
interface Model {
  tokenize(text: string, specials: boolean, options: 'trimLeadingSpace'): number[];
  detokenize(ids: readonly number[]): string;
  isEogToken(id: number): boolean;
  createContext(options: object): Promise<{ getSequence(): Sequence }>;
}
interface Sequence {
  clearHistory(): Promise<void>;
  evaluate(ids: readonly number[], options: object): AsyncGenerator<number>;
}

/** As `airgap eval` has it by default. */
const MAX_TOKENS = 512;

const [modelPath, data, out] = process.argv.slice(2);
if (modelPath === undefined || data === undefined || out === undefined) {
  throw new Error('Name a GGUF file, HumanEval.jsonl.gz, and a file for the completions.');
}
const packages = join(cacheDir, 'peers');
await installPeers(packages, ['node-llama-cpp'], new AbortController().signal);
const { getLlama } = await importPackage<NodeLlamaCpp>(packages, 'node-llama-cpp');
const llama = await getLlama({ gpu: false, build: 'never', skipDownload: true, logLevel: 'warn' });
const model = await llama.loadModel({ modelPath, gpuLayers: 0 });
const context = await model.createContext({ contextSize: 2048, threads: availableParallelism() });
const sequence = context.getSequence();

const problems = await HUMANEVAL.read(data);
const samples = await Samples.open({ model: basename(modelPath), weights: 'default', maxTokens: MAX_TOKENS }, out);
for (const [i, { id, prompt }] of problems.entries()) {
  if (samples.get(id) !== undefined) continue;
  await samples.add(id, await complete(prompt));
  console.error(`${i + 1} of ${problems.length} completions: ${id}`);
}
process.exit(0);

async function complete(prompt: string): Promise<string> {
  await sequence.clearHistory();
  const ids: number[] = [];
  let text = '';
  for await (const id of sequence.evaluate(model.tokenize(prompt, false, 'trimLeadingSpace'), { temperature: 0 })) {
    if (model.isEogToken(id) || ids.push(id) > MAX_TOKENS) break;
    text = model.detokenize(ids);
    const stops = HUMANEVAL.stops.map((stop) => text.indexOf(stop)).filter((at) => at >= 0);
    if (stops.length > 0) return text.slice(0, Math.min(...stops));
  }
  return text;
}
