import type { OperationTime } from '../../../kernels/ops.ts';
import { BadRequest } from '../../../engine/errors.ts';
import type { LoadOptions } from '../../../engine/load/loadModel.ts';
import type { LoadedModel } from '../../../engine/load/loadedModel.ts';
import { type ModelBenchOptions, openBenchModel } from '../../../engine/cli/benchModel.ts';
import { textPrompt } from '../../../engine/prompt/prompt.ts';

/** What one operation took in one phase, all its calls together. */
export interface ProfileRow extends OperationTime {
  phase: 'prefill' | 'decode';
  /** Of the phase. */
  share: number;
}

/** Where the time of a prompt, and of the tokens that follow it, goes. Rejects with BadRequest where nothing is timed. */
export async function benchProfile(
  folder: string | undefined,
  options: ModelBenchOptions,
  load: LoadOptions,
  signal: AbortSignal,
): Promise<ProfileRow[]> {
  const model = await openBenchModel(folder, options, load);
  try {
    const { vocabSize, maxPositions } = model.config;
    const length = Math.min(options.promptTokens, maxPositions - options.tokens);
    const prompt = Array.from({ length }, (_, i) => (i * 7919 + 11) % vocabSize);
    const session = model.createSession();
    await session.prefill(textPrompt(prompt.slice(0, 2)), { signal });
    const prefill = await profiled(model, () => session.prefill(textPrompt(prompt), { signal }));
    const decode = await profiled(model, async () => {
      const how = { maxTokens: options.tokens, stopIds: new Set<number>(), signal, speculation: 'off' } as const;
      for await (const { id } of session.generate(textPrompt(prompt), how)) void id;
    });
    return [...rowsOf('prefill', prefill), ...rowsOf('decode', decode)];
  } finally {
    await model.dispose();
  }
}

async function profiled(model: LoadedModel, work: () => Promise<unknown>): Promise<readonly OperationTime[]> {
  const result = model.startProfile();
  if (!result) throw new BadRequest('This backend cannot time its operations; --backend wasm can.');
  await work();
  return result();
}

function rowsOf(phase: ProfileRow['phase'], times: readonly OperationTime[]): ProfileRow[] {
  const total = times.reduce((sum, { ms }) => sum + ms, 0);
  return times.map((time) => ({ ...time, phase, share: time.ms / total }));
}

/** Beside the memory bandwidth, which bounds what is read from memory; small tensors come from caches and may pass it. */
export function printProfileRow({ phase, op, count, ms, share, bytes, macs }: ProfileRow, bandwidth: number): void {
  const seconds = ms / 1000;
  const columns = [
    phase.padEnd(7),
    op.padEnd(44),
    `${String(count).padStart(6)} times`,
    `${ms.toFixed(1).padStart(8)} ms`,
    `${(share * 100).toFixed(1).padStart(5)} %`,
    `${(bytes / seconds / 1e9).toFixed(1).padStart(6)} GB/s (${((bytes / seconds / bandwidth) * 100).toFixed(0)} %)`,
    ...(macs > 0 ? [`${(macs / seconds / 1e9).toFixed(1)} GMAC/s`] : []),
  ];
  console.log(`  ${columns.join('  ')}`);
}
