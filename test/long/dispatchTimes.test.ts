import assert from 'node:assert/strict';
import { loadavg } from 'node:os';
import { loadWeights } from '../../engine/load/loadWeights.ts';
import { withFormats } from '../../engine/load/weightFormats.ts';
import { readBlueprint } from '../../engine/models/architectures.ts';
import { randomCheckpoint } from '../../engine/sources/random.ts';
import type { GpuOps } from '../../kernels/gpu/gpuOps.ts';
import { PAGE_TOKENS } from '../../kernels/ops.ts';
import { gpuOrSkip } from '../support/gpuOrSkip.ts';
import { randomValues } from '../support/random.ts';
import { quantile } from '../support/quantile.ts';
import { submissionTimes } from '../support/submissionTimes.ts';

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
const [TOKENS, LENGTH] = [64, 960];
const PAGES = Array.from({ length: (TOKENS + LENGTH) / PAGE_TOKENS }, (_, page) => page);

/** Prints how long dispatches and submissions of prefill take, uncut and cut. Only the numbers decide. */
describe('the longest dispatch of prefill on webgpu', function () {
  this.timeout(1_200_000);
  let ops: GpuOps;

  before(async function () {
    ops = await gpuOrSkip(this);
  });
  after(() => ops?.dispose());

  it("in attention of phi-3-mini's heads", async () => {
    const shape = { heads: 32, kvHeads: 32, headDim: 96 };
    const pool = ops.createKvPool({ layers: 1, ...shape, dtype: 'f16' });
    await pool.grow(PAGES.length);
    for (const page of PAGES) await pool.write(page, new Uint8Array(pool.pageBytes));
    await compare(ops, `attention of ${TOKENS} tokens behind ${LENGTH}`, () => {
      const q = ops.input(randomValues(3, TOKENS * 3072), [TOKENS, 3072]);
      const kv = { pool, pages: PAGES, length: LENGTH };
      return ops.attention(q, kv, 0, { ...shape, scale: 0.1, window: 1 << 30 });
    });
    pool.dispose();
  });

  it("in a layer of phi-3-mini's shape", async () => {
    const { tensors, build } = readBlueprint(MINI);
    const decoder = build(await loadWeights(ops, randomCheckpoint(tensors), withFormats(tensors, 'q4'), {}), ops);
    const pool = ops.createKvPool({ layers: 1, kvHeads: 32, headDim: 96, dtype: 'f16' });
    await pool.grow(PAGES.length);
    await compare(ops, `a layer, ${TOKENS} tokens behind ${LENGTH}`, () => {
      const x = decoder.embed(ops, Array<number>(TOKENS).fill(7), []);
      const kv = { pool, pages: PAGES, length: LENGTH };
      return decoder.forward(ops, x, kv, { last: 1, totalLength: TOKENS + LENGTH });
    });
  });
});

/** Prints the times of a step whose dispatches are each a submission of its own, uncut; and of its submissions, cut. */
async function compare(ops: GpuOps, what: string, record: () => ReturnType<GpuOps['lastRows']>): Promise<void> {
  const { budget } = ops;
  const values: Float32Array[] = [];
  const run = async (): Promise<number[]> => submissionTimes(async () => values.push(await ops.step(record)));
  const print = (name: string, times: readonly number[]): void => {
    const sum = times.reduce((a, b) => a + b, 0);
    console.log(
      `      ${what}, ${name}: ${times.length} in ${sum.toFixed(0)} ms, the longest ${Math.max(...times).toFixed(0)} ms, ` +
        `the median ${quantile(times, 0.5).toFixed(0)} ms (load ${loadavg()[0]!.toFixed(1)})`,
    );
  };
  const set = (mostMacs: number, submissionMacs: number): void => {
    Object.defineProperties(budget, {
      mostMacs: { value: mostMacs, configurable: true },
      submissionMacs: { value: () => submissionMacs, configurable: true },
    });
  };
  set(Infinity, 0);
  await run(); // Compiles.
  print('uncut dispatches', await run());
  for (const name of ['mostMacs', 'submissionMacs']) Reflect.deleteProperty(budget, name);
  print('submissions by the rate of that', await run());
  assert.deepEqual(values[1], values[2]);
}
