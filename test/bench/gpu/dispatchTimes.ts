import { isDeepStrictEqual } from 'node:util';
import type { Measurement } from '../../../engine/cli/bench/backends.ts';
import { loadWeights } from '../../../engine/load/loadWeights.ts';
import { withFormats } from '../../../engine/load/weightFormats.ts';
import { readBlueprint } from '../../../engine/models/architectures.ts';
import { randomCheckpoint } from '../../../engine/sources/random.ts';
import { type GpuOps, createGpuOps } from '../../../kernels/gpu/gpuOps.ts';
import { PAGE_TOKENS, type Tensor } from '../../../kernels/ops.ts';
import { quantile } from '../../support/quantile.ts';
import { randomValues } from '../../support/random.ts';
import { submissionTimes } from './submissionTimes.ts';

/** A step of prefill, each of whose dispatches or submissions is timed. */
export interface DispatchRow {
  step: string;
  /** 'uncut dispatches', or 'submissions' as the engine cuts them. */
  what: string;
  count: number;
  milliseconds: number;
  longest: number;
  median: number;
}

/** phi-3-mini, but for the number of its layers and words. */
const MINI = {
  architectures: ['Phi3ForCausalLM'],
  hidden_size: 3072,
  intermediate_size: 8192,
  num_hidden_layers: 1,
  num_attention_heads: 32,
  num_key_value_heads: 32,
  vocab_size: 64,
  rms_norm_eps: 1e-5,
  max_position_embeddings: 4096,
};
const HEADS = { heads: 32, kvHeads: 32, headDim: 96 };
const [TOKENS, LENGTH] = [64, 960];
const PAGES = Array.from({ length: (TOKENS + LENGTH) / PAGE_TOKENS }, (_, page) => page);

const COLUMNS: Measurement<DispatchRow>['columns'] = [
  { title: 'step', width: 44, text: ({ step }) => step },
  { title: 'what', width: 18, text: ({ what }) => what },
  { title: 'count', width: 7, text: ({ count }) => `${count}` },
  { title: 'all', width: 10, text: ({ milliseconds }) => `${milliseconds.toFixed(0)} ms` },
  { title: 'longest', width: 10, text: ({ longest }) => `${longest.toFixed(0)} ms` },
  { title: 'median', text: ({ median }) => `${median.toFixed(0)} ms` },
];

/** Dispatches of prefill, uncut, and submissions as the engine cuts them for this device's rate; random weights. */
export const GPU_DISPATCHES: Measurement<DispatchRow> = {
  subject:
    "prefill in phi-3-mini's shape: the longest dispatch, uncut, and the longest submission, cut (random weights)",
  layout: 'table',
  columns: COLUMNS,
  async *rows({ signal }) {
    const ops = await createGpuOps({ allowSoftware: true });
    try {
      for (const [step, record] of await stepsOn(ops)) {
        signal.throwIfAborted();
        yield* rowsOf(ops, `${step}, ${TOKENS} tokens behind ${LENGTH}`, record);
      }
    } finally {
      await ops.dispose();
    }
  },
};

async function stepsOn(ops: GpuOps): Promise<[step: string, record: () => Tensor][]> {
  const pool = ops.createKvPool({ layers: 1, ...HEADS, dtype: 'f16' });
  await pool.grow(PAGES.length);
  for (const page of PAGES) await pool.write(page, new Uint8Array(pool.pageBytes));
  const kv = { pool, pages: PAGES, length: LENGTH };
  const { tensors, build } = readBlueprint(MINI);
  const decoder = build(await loadWeights(ops, randomCheckpoint(tensors), withFormats(tensors, 'q4'), {}), ops);
  return [
    [
      'attention',
      () => {
        const q = ops.input(randomValues(3, TOKENS * MINI.hidden_size), [TOKENS, MINI.hidden_size]);
        return ops.attention(q, kv, 0, { ...HEADS, scale: 0.1, window: 1 << 30 });
      },
    ],
    [
      'a layer',
      () => {
        const x = decoder.embed(ops, Array<number>(TOKENS).fill(7), []);
        return decoder.forward(ops, x, kv, { last: 1, totalLength: TOKENS + LENGTH });
      },
    ],
  ];
}

/** Throws where the numbers are not the same, bit by bit. */
async function* rowsOf(ops: GpuOps, step: string, record: () => Tensor): AsyncGenerator<DispatchRow> {
  const values: Float32Array[] = [];
  const run = async (what: string): Promise<DispatchRow> => {
    const times = await submissionTimes(async () => values.push(await ops.step(record)));
    const milliseconds = times.reduce((a, b) => a + b, 0);
    return { step, what, count: times.length, milliseconds, longest: Math.max(...times), median: quantile(times, 0.5) };
  };
  const uncut = {
    mostMacs: { value: Infinity, configurable: true },
    submissionMacs: { value: () => 0, configurable: true },
  };
  Object.defineProperties(ops.budget, uncut);
  await run('compiles');
  yield await run('uncut dispatches');
  for (const name of Object.keys(uncut)) Reflect.deleteProperty(ops.budget, name);
  yield await run('submissions');
  if (!isDeepStrictEqual(values[1], values[2])) throw new Error(`${step}: cut, it computes other numbers.`);
}
