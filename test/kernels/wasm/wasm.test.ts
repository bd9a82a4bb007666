import assert from 'node:assert/strict';
import { performance } from 'node:perf_hooks';
import { setImmediate, setTimeout } from 'node:timers/promises';
import {
  type AttentionOptions,
  BackendLost,
  type KvDType,
  type KvView,
  OutOfMemory,
  type Ops,
  PAGE_TOKENS,
  type Tensor,
} from '../../../kernels/ops.ts';
import { ReferenceOps } from '../../../kernels/reference/referenceOps.ts';
import { createWasmOps, wasmReport } from '../../../kernels/wasm/wasmOps.ts';
import { assertClose } from '../../support/close.ts';
import { randomValues } from '../../support/random.ts';
import { withWasm } from '../../support/withWasm.ts';
import { makeWeight } from '../../support/weights.ts';

describe('wasm: attention', function () {
  this.timeout(60_000);
  for (const simd of ['dot', 'plain'] as const) {
    for (const dtype of ['f32', 'f16', 'q8'] as const) {
      it(`${simd} SIMD, ${dtype}: what another sequence left in the pages does not matter`, () =>
        withWasm({ simd, threads: 2 }, async (ops) => {
          for (const steps of [[1], [2, 1], [17, 5], [64, 1, 66]]) {
            for (const sparsity of [undefined, { blockTokens: 16, localBlocks: 1, vertStride: 3, headStep: 1 }]) {
              const shape = { heads: 8, kvHeads: 2, headDim: 24, scale: 0.2, window: 1 << 30, sparsity };
              const values = (length: number, count: number) => randomValues(length + 1, count);
              const want = await attend(new ReferenceOps(), { shape, dtype, steps, values });
              assertClose(await attend(ops, { shape, dtype, steps, values, left: LEFT }), want, 2e-2, `${steps}`);
            }
          }
        }));
    }

    it(`${simd} SIMD: the largest whole numbers of an 8-bit cache can be summed`, () =>
      withWasm({ simd, threads: 1 }, async (ops) => {
        const headDim = 512;
        const shape = { heads: 5, kvHeads: 1, headDim, scale: 2 / headDim, window: 1 << 30 };
        // Two tokens: all ones, then all halves. Every key is thus 127 times its scale, every query 32767 times its
        // own.
        const values = (_: number, count: number) =>
          Float32Array.from({ length: count }, (_, i) => (i < count / 2 ? 1 : 0.5));
        const run = (on: Ops) => attend(on, { shape, dtype: 'q8', steps: [2], values });
        assertClose(await run(ops), await run(new ReferenceOps()), 1e-4);
      }));
  }

  it('refuses an 8-bit cache whose heads are too wide to be summed', () =>
    withWasm({ threads: 1 }, async (ops) => {
      const shape = { heads: 1, kvHeads: 1, headDim: 520, scale: 1, window: 8 };
      const values = (_: number, count: number) => new Float32Array(count);
      await assert.rejects(attend(ops, { shape, dtype: 'q8', steps: [1], values }), /headDim 520.*512/);
    }));
});

/** NaN as f32 or as a scale of q8; as int8 mostly -128. */
const LEFT = [0x80, 0x80, 0x80, 0xff];

interface AttentionRun {
  shape: AttentionOptions;
  dtype: KvDType;
  /** Number of tokens of each step, in order. */
  steps: readonly number[];
  /** q, k and v of the step that begins at position `length`, unrotated. */
  values: (length: number, count: number) => Float32Array;
  /** Values that fill the pages beforehand. */
  left?: readonly number[];
}

/** The last step's output. */
async function attend(ops: Ops, { shape, dtype, steps, values, left }: AttentionRun): Promise<Float32Array> {
  const { heads, kvHeads, headDim } = shape;
  const width = (heads + 2 * kvHeads) * headDim;
  const pool = ops.createKvPool({ layers: 1, kvHeads, headDim, dtype });
  const pages = steps.reduce((a, b) => a + b, 0) > PAGE_TOKENS ? [1, 0, 2] : [1];
  await pool.grow(3);
  if (left) {
    const bytes = Uint8Array.from({ length: pool.pageBytes }, (_, i) => left[i % left.length]!);
    for (const page of pages) await pool.write(page, bytes);
  }
  let y: Float32Array = new Float32Array();
  let length = 0;
  for (const tokens of steps) {
    const kv: KvView = { pool, pages, length };
    y = await ops.step(() => {
      const noTurn = Float32Array.from({ length: tokens * headDim }, (_, i) => (i % headDim < headDim / 2 ? 1 : 0));
      const qkv = ops.input(values(length, tokens * width), [tokens, width]);
      const q = ops.appendKv(qkv, ops.input(noTurn, [tokens, headDim]), kv, 0, { ...shape, order: 'byKind' });
      return ops.attention(q, kv, 0, shape);
    });
    length += tokens;
  }
  pool.dispose();
  return y;
}

describe('wasm: profile', () => {
  it('times every operation of the steps that follow, copies between memories too', () =>
    withWasm({ threads: 2, bankWeightBytes: 1 }, async (ops) => {
      const weights: Tensor[] = [];
      for (const layer of [0, 1])
        weights.push(await makeWeight(ops, randomValues(layer, 64 * 64), [64, 64], 'q4', layer));
      const step = () =>
        ops.step(() => weights.reduce((x, weight) => ops.linear(x, weight), ops.input(new Float32Array(128), [2, 64])));
      await step();
      assert.deepEqual(ops.profile(), []);
      ops.startProfile();
      const started = performance.now();
      await step();
      await step();
      const took = performance.now() - started;
      const sums = ops.profile();
      assert.deepEqual(sums.map(({ op, count, macs }) => [op, count, macs]).sort(), [
        ['copy', 2, 0],
        ['matvecQ q4 2 x (64, 64)', 4, 4 * 2 * 64 * 64],
        ['quantise', 4, 0],
      ]);
      const bytesOf = (kind: string) => sums.find(({ op }) => op.startsWith(kind))!.bytes;
      assert.equal(bytesOf('copy'), 2 * (2 * 4 * 72)); // Read and written, of each step: four groups of quantised activations.
      assert.ok(bytesOf('matvec') >= 4 * (64 * 64 * (4.5 / 8) + 512));
      assert.ok(sums.every(({ ms }) => ms > 0) && sums.reduce((sum, { ms }) => sum + ms, 0) < took);
    }));
});

describe('wasm: life of the backend', function () {
  this.timeout(60_000);

  it('reports what it would run on', async () => {
    const { usable, reason, details } = await wasmReport();
    assert.deepEqual({ usable, reason }, { usable: true, reason: '' });
    assert.match(
      details.join('\n'),
      /SIMD: (relaxed|plain) SIMD.*, self-test passed[^]*threads: \d+ \([^]*memory: .* free/,
    );
  });

  it('leaves no bytes and no threads behind', async () => {
    const ops = await createWasmOps({ threads: 3 });
    const pool = ops.createKvPool({ layers: 1, kvHeads: 1, headDim: 32, dtype: 'f32' });
    await pool.grow(2);
    await makeWeight(ops, randomValues(1, 64 * 64), [64, 64], 'q8');
    assert.ok(ops.bytesHeld > 0);
    const { threads } = ops.workers;
    assert.equal(threads.length, 3);
    await ops.dispose();
    assert.equal(ops.bytesHeld, 0);
    assert.deepEqual(
      threads.map((worker) => worker.threadId),
      [-1, -1, -1],
    ); // Node's id of a thread that has ended.
    await assert.rejects(
      ops.step(() => ops.input(new Float32Array(1), [1, 1])),
      /disposed/,
    );
  });

  it('leaves the event loop free during a long step', () =>
    withWasm({}, async (ops) => {
      let done = false;
      const { step, free } = await longStep(ops);
      const started = performance.now();
      const running = step().finally(() => (done = true));
      let turns = 0;
      let longest = 0;
      for (let before = performance.now(); !done; turns++) {
        await setImmediate();
        const now = performance.now();
        longest = Math.max(longest, now - before);
        before = now;
      }
      await running;
      const took = performance.now() - started;
      assert.ok(turns > 20 && longest < took / 2, `${turns} turns, the longest ${longest} ms of ${took} ms`);
      free();
    }));

  it('uses no CPU while idle', () =>
    withWasm({ threads: 3 }, async (ops) => {
      await ops.step(() => ops.siluMul(ops.input(new Float32Array(64), [1, 64])));
      await setTimeout(200);
      const before = process.cpuUsage();
      await setTimeout(1000);
      const { user, system } = process.cpuUsage(before);
      assert.ok(user + system < 100_000, `${(user + system) / 1000} ms of CPU in a second`); // Spinning: 1000 and more.
    }));

  it('refuses what does not fit in one sentence, and goes on', () =>
    withWasm({ maxBytes: 1 << 24 }, async (ops) => {
      const before = ops.bytesHeld;
      assert.throws(
        () => ops.createWeight([4096, 4096], 'f16'),
        (error: Error) => error instanceof OutOfMemory && /^Not enough memory: [^.]*33\.6 MB.*\.$/.test(error.message),
      );
      const pool = ops.createKvPool({ layers: 4, kvHeads: 8, headDim: 64, dtype: 'f16' });
      await pool.grow(2);
      const held = ops.bytesHeld;
      await assert.rejects(pool.grow(100), OutOfMemory);
      assert.deepEqual([pool.capacity, ops.bytesHeld], [2, held]);
      pool.dispose();
      assert.equal(ops.bytesHeld, before);
      await assert.rejects(
        ops.step(() => ops.input(new Float32Array(1 << 23), [1, 1 << 23])),
        OutOfMemory,
      );
      assert.deepEqual([...(await ops.step(() => ops.input(Float32Array.of(1, 2), [1, 2])))], [1, 2]);
    }));

  it('says so when a worker dies, during a step and after', () =>
    withWasm({ threads: 2 }, async (ops) => {
      const { step } = await longStep(ops);
      const running = assert.rejects(step(), BackendLost);
      await ops.workers.threads[1]!.terminate();
      await running;
      await assert.rejects(step(), BackendLost);
      await assert.rejects(makeWeight(ops, new Float32Array(32), [1, 32], 'q4'), BackendLost);
    }));
});

/** A step of some hundred milliseconds. */
async function longStep(ops: Ops): Promise<{ step: () => Promise<Float32Array>; free: () => void }> {
  const size = 1024;
  const weight = await makeWeight(ops, randomValues(1, size * size), [size, size], 'f32');
  const x = randomValues(2, 64 * size);
  const step = () =>
    ops.step(() => {
      let y = ops.input(x, [64, size]);
      for (let i = 0; i < 20; i++) y = ops.linear(y, weight);
      return ops.lastRows(y, 1);
    });
  return { step, free: () => ops.free(weight) };
}
