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
  type WeightDType,
} from '../../../kernels/ops.ts';
import { QUANTIZED, type QuantizedDType } from '../../../kernels/quantize.ts';
import { ReferenceOps } from '../../../kernels/reference/referenceOps.ts';
import { createWasmOps, wasmReport } from '../../../kernels/wasm/wasmOps.ts';
import { assertClose } from '../../support/close.ts';
import { randomValues } from '../../support/random.ts';
import { withWasm } from '../../support/withWasm.ts';
import { makeWeight } from '../../support/weights.ts';

describe('wasm: quantised products', function () {
  this.timeout(20_000);
  for (const simd of ['relaxed', 'plain'] as const) {
    for (const threads of [1, 2, 3]) {
      for (const dtype of Object.keys(QUANTIZED) as QuantizedDType[]) {
        it(`${simd} SIMD, ${threads} threads, ${dtype}: outliers, empty groups, odd sizes`, () =>
          withWasm({ simd, threads }, async (ops) => {
            for (const [rows, width, outs] of [
              [1, 512, 1037],
              [2, 4160, 19],
              [4, 96, 131],
              [7, 64, 261],
              [21, 1120, 70],
              [300, 64, 41],
            ] as const) {
              await compareProducts(ops, { rows, width, outs, dtype });
            }
          }));
      }
    }
  }
});

describe('wasm: products of few rows', () => {
  for (const simd of ['relaxed', 'plain'] as const) {
    for (const dtype of Object.keys(QUANTIZED) as QuantizedDType[]) {
      it(`${simd} SIMD, ${dtype}: a row is the same bit for bit beside any others`, () =>
        withWasm({ simd, threads: 2 }, async (ops) => {
          const [width, outs] = [4160, 43];
          const weight = await makeWeight(ops, randomValues(1, outs * width), [outs, width], dtype);
          const x = randomValues(2, 16 * width);
          const products = (from: number, to: number) =>
            ops.step(() => ops.linear(ops.input(x.slice(from * width, to * width), [to - from, width]), weight));
          const alone: number[] = [];
          for (let row = 0; row < 16; row++) alone.push(...(await products(row, row + 1)));
          for (let rows = 2; rows <= 16; rows++) {
            assert.deepEqual([...(await products(0, rows))], alone.slice(0, rows * outs), `${rows} rows`);
          }
        }));
    }
  }
});

describe('wasm: operations that quantise their result', () => {
  const width = 4160;
  const operations: Record<string, (ops: Ops, x: Tensor, norms: readonly Tensor[]) => Tensor> = {
    rmsNorm: (ops, x, [weight]) => ops.rmsNorm(x, weight!, 1e-5),
    layerNorm: (ops, x, [weight, bias]) => ops.layerNorm(x, weight!, bias!, 1e-5),
    siluMul: (ops, x) => ops.siluMul(x),
    gegelu: (ops, x) => ops.gegelu(x, 2),
  };
  for (const simd of ['relaxed', 'plain'] as const) {
    for (const [name, operation] of Object.entries(operations)) {
      it(`${simd} SIMD, ${name}: its products are those of its result, bit for bit`, () =>
        withWasm({ simd, threads: 3 }, async (ops) => {
          const norms = [1, 2].map((seed) => ops.upload(randomValues(seed, width), [width]));
          for (const dtype of Object.keys(QUANTIZED) as QuantizedDType[]) {
            for (const rows of [1, 3]) {
              const columns = name.endsWith('Norm') ? width : 2 * width;
              const x = randomValues(3, rows * columns);
              const weight = await makeWeight(ops, randomValues(4, 24 * width), [24, width], dtype);
              const input = () => ops.input(x, [rows, columns]);
              const result = await ops.step(() => operation(ops, input(), norms));
              const want = await ops.step(() => ops.linear(ops.input(result, [rows, width]), weight));
              const got = await ops.step(() => ops.linear(operation(ops, input(), norms), weight));
              assert.deepEqual(got, want);
              ops.free(weight);
            }
          }
        }));
    }
  }

  it('a result read in both forms is there in both', () =>
    withWasm({ threads: 2 }, async (ops) => {
      const [rows, cols] = [3, 64];
      const norm = ops.upload(randomValues(1, cols), [cols]);
      const weight = await makeWeight(ops, randomValues(2, cols * cols), [cols, cols], 'q4');
      const x = () => ops.input(randomValues(5, rows * cols), [rows, cols]);
      const y = await ops.step(() => ops.rmsNorm(x(), norm, 1e-5));
      const want = await ops.step(() => {
        const input = ops.input(y, [rows, cols]);
        return ops.linear(input, weight, { residual: input });
      });
      for (const rowsRead of [3, 2]) {
        const got = await ops.step(() => {
          const normed = ops.lastRows(ops.rmsNorm(x(), norm, 1e-5), rowsRead);
          return ops.linear(normed, weight, { residual: normed });
        });
        assert.deepEqual(got, want.slice((rows - rowsRead) * cols));
      }
    }));
});

/** Compares tightly with f64 sums over the same rounded activations, loosely with sums over the original ones. */
async function compareProducts(
  ops: Ops,
  { rows, width, outs, dtype }: { rows: number; width: number; outs: number; dtype: WeightDType },
): Promise<void> {
  const x = randomValues(rows, rows * width);
  const w = randomValues(outs, outs * width);
  x.fill(0, 32, 64);
  x[5] = 3e4;
  w.fill(0, width, width + 32);
  w[2 * width + 7] = -90;
  const product = async (on: Ops, activations: Float32Array): Promise<Float32Array> => {
    const weight = await makeWeight(on, w, [outs, width], dtype);
    const y = await on.step(() => on.linear(on.input(activations, [rows, width]), weight));
    on.free(weight);
    return y;
  };
  const got = await product(ops, x);
  const label = `(${rows}, ${width}) x (${outs}, ${width}) ${dtype}`;
  assertClose(got, await product(new ReferenceOps(), rounded(x)), 2e-5, label);
  assertClose(got, await product(new ReferenceOps(), x), 0.1, `${label}, unrounded`);
}

/** x as the quantised kernels see it: int8 in groups of 32 with an f32 scale. */
function rounded(x: Float32Array): Float32Array {
  return x.map((value, i) => {
    const from = i - (i % 32);
    const scale = Math.fround(x.subarray(from, from + 32).reduce((a, b) => Math.max(a, Math.abs(b)), 0) / 127);
    return scale === 0 ? 0 : Math.round(value / scale) * scale;
  });
}

describe('wasm: attention', function () {
  this.timeout(20_000);
  for (const simd of ['relaxed', 'plain'] as const) {
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
      assert.equal(bytesOf('copy'), 2 * (2 * 4 * 80)); // Read and written, of each step: four groups of quantised activations.
      assert.ok(bytesOf('matvec') >= 4 * (64 * 64 * (4.5 / 8) + 512));
      assert.ok(sums.every(({ ms }) => ms > 0) && sums.reduce((sum, { ms }) => sum + ms, 0) < took);
    }));
});

describe('wasm: life of the backend', function () {
  this.timeout(20_000);

  it('reports what it would run on', async () => {
    const { usable, reason, details } = await wasmReport();
    assert.deepEqual({ usable, reason }, { usable: true, reason: '' });
    assert.match(details.join('\n'), /SIMD: (relaxed|plain), self-test passed[^]*threads: \d+ \([^]*memory: .* free/);
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
