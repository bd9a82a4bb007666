import type { OperationTime } from '../../../kernels/ops.ts';
import { BadRequest } from '../../../engine/errors.ts';
import type { LoadedModel } from '../../../engine/load/loadedModel.ts';
import { textPrompt } from '../../../engine/prompt/prompt.ts';
import type { Measurement } from '../../../engine/cli/bench/backends.ts';
import { type ModelBenchOptions, benchPrompt } from '../../../engine/cli/bench/model.ts';
import { type BenchModel, openModel } from './modelSpeed.ts';

/** The time of all calls of one operation in one phase. */
export interface ProfileRow extends OperationTime {
  phase: 'prefill' | 'decode';
  /** Share of the phase's time. */
  share: number;
  bytesPerSecond: number;
  /** Share of the memory bandwidth. Small tensors come from caches and may exceed it. */
  ofBandwidth: number;
}

/** Profiles a prompt and the tokens generated after it. Rejects with BadRequest if the backend has no timings. */
export function profileOf(
  of: BenchModel,
  { promptTokens, tokens }: Pick<ModelBenchOptions, 'promptTokens' | 'tokens'>,
): Measurement<ProfileRow> {
  return {
    subject: 'time of each operation',
    layout: 'table',
    columns: COLUMNS,
    async *rows({ load, bandwidth, signal }) {
      const model = await openModel(of, load);
      try {
        const { vocabSize, maxPositions } = model.config;
        const prompt = benchPrompt(Math.min(promptTokens, maxPositions - tokens), vocabSize);
        const session = model.createSession();
        await session.prefill(textPrompt(prompt.slice(0, 2)), { signal });
        yield* rowsOf(
          'prefill',
          await profiled(model, () => session.prefill(textPrompt(prompt), { signal })),
          bandwidth,
        );
        const decode = async (): Promise<void> => {
          const how = { maxTokens: tokens, stopIds: new Set<number>(), signal, speculation: 'off' } as const;
          for await (const { id } of session.generate(textPrompt(prompt), how)) void id;
        };
        yield* rowsOf('decode', await profiled(model, decode), bandwidth);
      } finally {
        await model.dispose();
      }
    },
  };
}

const COLUMNS: Measurement<ProfileRow>['columns'] = [
  { title: 'phase', width: 7, text: ({ phase }) => phase },
  { title: 'operation', width: 44, text: ({ op }) => op },
  { title: 'times', width: 6, text: ({ count }) => String(count) },
  { title: 'ms', width: 8, text: ({ ms }) => ms.toFixed(1) },
  { title: 'share', width: 7, text: ({ share }) => `${(share * 100).toFixed(1)} %` },
  { title: 'GB/s', width: 6, text: ({ bytesPerSecond }) => (bytesPerSecond / 1e9).toFixed(1) },
  { title: 'bandwidth', text: ({ ofBandwidth }) => `${(ofBandwidth * 100).toFixed(0)} %` },
  { title: 'GMAC/s', text: ({ macs, ms }) => (macs > 0 ? (macs / ms / 1e6).toFixed(1) : '') },
];

async function profiled(model: LoadedModel, work: () => Promise<unknown>): Promise<readonly OperationTime[]> {
  const result = model.startProfile();
  if (!result) throw new BadRequest('This backend cannot time its operations; --backend wasm can.');
  await work();
  return result();
}

function rowsOf(phase: ProfileRow['phase'], times: readonly OperationTime[], bandwidth: number): ProfileRow[] {
  const total = times.reduce((sum, { ms }) => sum + ms, 0);
  return times.map((time) => {
    const bytesPerSecond = time.bytes / (time.ms / 1000);
    return { ...time, phase, share: time.ms / total, bytesPerSecond, ofBandwidth: bytesPerSecond / bandwidth };
  });
}
