import type { Command } from 'commander';
import type { KvDType } from '../../kernels/ops.ts';
import { BadModel, BadRequest } from '../errors.ts';
import { type LoadOptions, loadModel } from '../load/loadModel.ts';
import type { LoadedModel } from '../load/loadedModel.ts';
import { logSumExp } from '../inference/sampler.ts';
import { textPrompt } from '../prompt/prompt.ts';
import { type ModelOptions, addModelOptions, loadOptions, wholeNumber } from './options.ts';
import { modelPath } from './storeOptions.ts';
import { readTextFile } from './readFiles.ts';

interface PerplexityOptions extends ModelOptions {
  window: number;
  json?: boolean;
}

/** How well a model predicts a text with one format of its KV cache. */
export interface PerplexityRow {
  kv: KvDType;
  tokens: number;
  /** exp of the mean negative log-probability of each token, given the tokens before it. */
  perplexity: number;
  /** Relative change of the perplexity against an f32 cache. */
  change: number;
  /** Largest and root-mean-square change of the first windows' logits against an f32 cache. */
  largestLogitChange: number;
  rmsLogitChange: number;
}

/** The most precise format comes first; the others are compared with it. */
const FORMATS: readonly KvDType[] = ['f32', 'f16', 'q8'];
/** Size limit of the f32 logits that are kept for comparison. With phi-3-mini, 1,024 tokens take 131 MB. */
const COMPARED_BYTES = 512e6;

/** `airgap perplexity`: the quality that each format of the KV cache costs. */
export function addPerplexity(program: Command, signal: AbortSignal): void {
  const command = program
    .command('perplexity <model> <files...>')
    .description('print the perplexity of text files with each format of the KV cache')
    .option(
      '--window <tokens>',
      'tokens per context; each file is split into parts of this length',
      wholeNumber(2),
      1024,
    )
    .option('--json', 'print the figures as JSON');
  addModelOptions(command).action(async (named: string, files: string[], options: PerplexityOptions) => {
    const model = await modelPath(named, options);
    const rows = await measurePerplexity(model, files, options.window, loadOptions(options, signal));
    if (options.json) console.log(JSON.stringify(rows));
    else rows.forEach(print);
  });
}

/** Measures each format of the KV cache. Rejects with BadRequest for files that cannot be read or are too short. */
export async function measurePerplexity(
  folder: string,
  files: readonly string[],
  window: number,
  options: LoadOptions,
): Promise<PerplexityRow[]> {
  const rows: PerplexityRow[] = [];
  const exact = new Map<number, Float32Array>();
  let keptBytes = 0;
  for (const kv of FORMATS) {
    const model = await loadModel(folder, { ...options, kv });
    try {
      const windows = (await Promise.all(files.map((file) => windowsOf(model, file, window)))).flat();
      if (windows.length === 0) throw new BadRequest('The files contain fewer than two tokens.');
      const changes = new LogitChanges();
      let negative = 0;
      for (const [w, ids] of windows.entries()) {
        const logits = await allLogits(model, ids, options.signal);
        negative += negativeLogProbability(logits, ids);
        if (rows.length === 0 && keptBytes < COMPARED_BYTES) {
          exact.set(w, logits);
          keptBytes += logits.byteLength;
        }
        const want = exact.get(w);
        if (want) changes.add(logits, want);
      }
      const tokens = windows.reduce((sum, ids) => sum + ids.length - 1, 0);
      const perplexity = Math.exp(negative / tokens);
      const change = perplexity / (rows[0]?.perplexity ?? perplexity) - 1;
      const { largest: largestLogitChange, rms: rmsLogitChange } = changes;
      rows.push({ kv, tokens, perplexity, change, largestLogitChange, rmsLogitChange });
    } finally {
      await model.dispose();
    }
  }
  return rows;
}

async function windowsOf({ tokenizer, info }: LoadedModel, file: string, window: number): Promise<number[][]> {
  if (!tokenizer) throw new BadModel(`${info.name} has no tokenizer, so it cannot process text.`);
  const text = await readTextFile(file);
  const ids = tokenizer.encode(text, { bos: true });
  const length = Math.min(window, info.contextLength);
  const windows = Array.from({ length: Math.ceil(ids.length / length) }, (_, i) =>
    ids.slice(i * length, (i + 1) * length),
  );
  return windows.filter((part) => part.length > 1);
}

async function allLogits(model: LoadedModel, ids: readonly number[], signal?: AbortSignal): Promise<Float32Array> {
  const session = model.createSession();
  const { values } = await session.run(textPrompt(ids), { output: 'logits', last: ids.length, signal });
  await session.dispose();
  return values;
}

function negativeLogProbability(logits: Float32Array, ids: readonly number[]): number {
  const width = logits.length / ids.length;
  let sum = 0;
  for (let i = 0; i + 1 < ids.length; i++) {
    const row = logits.subarray(i * width, (i + 1) * width);
    sum += logSumExp(row) - row[ids[i + 1]!]!;
  }
  return sum;
}

class LogitChanges {
  largest = 0;
  #squares = 0;
  #count = 0;

  add(got: Float32Array, exact: Float32Array): void {
    got.forEach((value, i) => {
      const difference = Math.abs(value - exact[i]!);
      this.largest = Math.max(this.largest, difference);
      this.#squares += difference ** 2;
    });
    this.#count += got.length;
  }

  get rms(): number {
    return Math.sqrt(this.#squares / this.#count);
  }
}

function print({ kv, tokens, perplexity, change, largestLogitChange, rmsLogitChange }: PerplexityRow): void {
  const columns = [
    `KV cache ${kv}`.padEnd(13),
    `${tokens} tokens`,
    `perplexity ${perplexity.toFixed(4)} (${change >= 0 ? '+' : ''}${(change * 100).toFixed(3)} %)`,
    `logits off by at most ${largestLogitChange.toFixed(4)}, ${rmsLogitChange.toFixed(5)} rms`,
  ];
  console.log(columns.join('   '));
}
