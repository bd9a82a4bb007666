/**
 * Values that f16 arithmetic cannot hold or loses: phi-3 has channels of the residual stream near 800, and products of a
 * query and a key near 70,000 before they are scaled. Every backend computes in f32, also where it stores f16 or int8.
 */
import assert from 'node:assert/strict';
import { type KvDType, type Ops, PAGE_TOKENS } from '../../kernels/ops.ts';
import { ReferenceOps } from '../../kernels/reference/referenceOps.ts';
import { backends, openedFor } from '../support/engine/backends.ts';
import { assertClose } from '../support/close.ts';
import { randomValues } from '../support/random.ts';
import { makeWeight } from '../support/weights.ts';

const LARGEST_F16 = 65504;

interface Case {
  readonly name: string;
  readonly tolerance: number;
  /** True where the result holds values beyond f16's range; where it is false, a value on the way lies beyond. */
  readonly exceedsF16: boolean;
  readonly compute: (ops: Ops) => Promise<Float32Array>;
}

const CASES: readonly Case[] = [
  { name: 'rmsNorm', tolerance: 2e-5, exceedsF16: false, compute: (ops) => norm(ops, 'rmsNorm') },
  { name: 'layerNorm', tolerance: 2e-5, exceedsF16: false, compute: (ops) => norm(ops, 'layerNorm') },
  {
    name: 'headNorm',
    tolerance: 2e-5,
    exceedsF16: false,
    compute: async (ops) => {
      const [q, k] = [2, 3].map((seed) => ops.upload(randomValues(seed, 64), [64]));
      const x = rowsWith(800, 3, 5 * 64);
      const shape = { heads: 3, kvHeads: 1, headDim: 64 };
      const y = await ops.step(() => ops.headNorm(ops.input(x, [3, 5 * 64]), { q: q!, k: k! }, shape, 1e-5));
      for (const tensor of [q!, k!]) ops.free(tensor);
      return y;
    },
  },
  ...(['f32', 'f16', 'q8', 'q4'] as const).flatMap((dtype) =>
    [1, 9].map((rows) => ({
      name: `linear ${dtype}, ${rows} rows`,
      tolerance: 2e-5,
      exceedsF16: true,
      compute: async (ops: Ops) => {
        const weight = await makeWeight(
          ops,
          randomValues(3, 40 * 128).map((value) => value * 50),
          [40, 128],
          dtype,
        );
        const residual = rowsWith(800, rows, 40);
        const y = await ops.step(() =>
          ops.linear(ops.input(multiplesOfStep(rows, 128), [rows, 128]), weight, {
            residual: ops.input(residual, [rows, 40]),
          }),
        );
        ops.free(weight);
        return y;
      },
    })),
  ),
  {
    name: 'siluMul',
    tolerance: 1e-5,
    exceedsF16: true,
    compute: (ops) => ops.step(() => ops.siluMul(ops.input(rowsWith(800, 3, 128), [3, 128]))),
  },
  {
    name: 'argmax',
    tolerance: 1e-5,
    exceedsF16: false,
    compute: (ops) => ops.step(() => ops.argmax(ops.input(rowsWith(70_000, 2, 500), [2, 500]))),
  },
  ...(['f32', 'f16', 'q8'] as const).flatMap((dtype) =>
    [1, 20].map((tokens) => ({
      name: `attention over ${dtype}, ${tokens} tokens`,
      tolerance: 2e-2, // Scores of 7,000 have steps of 5e-4 in f32, and WASM rounds queries to 16 bits beside int8 keys.
      exceedsF16: false,
      compute: (ops: Ops) => attend(ops, dtype, tokens),
    })),
  ),
];

for (const backend of backends) {
  describe(`values beyond the range of f16, on ${backend.name}`, function () {
    this.timeout(60_000);
    const opened = openedFor(backend);

    for (const { name, tolerance, exceedsF16, compute } of CASES) {
      it(name, async () => {
        const want = await compute(new ReferenceOps());
        assert.equal(
          want.some((value) => Math.abs(value) > LARGEST_F16),
          exceedsF16,
        );
        assertClose(await compute(opened.ops), want, tolerance);
      });
    }
  });
}

/** Random rows of whose channels every 64th is `value`, and the last one its negative. */
function rowsWith(value: number, rows: number, cols: number): Float32Array {
  const x = randomValues(rows, rows * cols);
  for (let row = 0; row < rows; row++) {
    for (let col = 5; col < cols; col += 64) x[row * cols + col] = value;
    x[(row + 1) * cols - 1] = -value;
  }
  return x;
}

/** Rows whose largest magnitude is 127 steps of 6.25 in each group of 32, so that rounding to 8 bits changes nothing. */
function multiplesOfStep(rows: number, cols: number): Float32Array {
  const x = randomValues(rows, rows * cols, Infinity).map((value) => Math.round(value * 20) * 6.25);
  for (let at = 5; at < x.length; at += 32) x[at] = 127 * 6.25;
  return x;
}

async function norm(ops: Ops, kind: 'rmsNorm' | 'layerNorm'): Promise<Float32Array> {
  const weight = ops.upload(randomValues(2, 192), [192]);
  const bias = ops.upload(randomValues(3, 192), [192]);
  const y = await ops.step(() => {
    const x = ops.input(rowsWith(800, 3, 192), [3, 192]);
    return kind === 'rmsNorm' ? ops.rmsNorm(x, weight, 1e-5) : ops.layerNorm(x, weight, bias, 1e-5);
  });
  for (const tensor of [weight, bias]) ops.free(tensor);
  return y;
}

/** The last `tokens` of 90 attend to all before; q . k is about 70,000, its negative for every third key. */
async function attend(ops: Ops, dtype: KvDType, tokens: number): Promise<Float32Array> {
  const shape = { heads: 2, kvHeads: 2, headDim: 96 };
  const width = 3 * shape.heads * shape.headDim;
  const all = 90;
  const qkv = randomValues(4, all * width);
  for (let token = 0; token < all; token++) {
    for (let head = 0; head < shape.heads; head++) {
      const q = token * width + head * shape.headDim;
      qkv[q + 7] = 265;
      qkv[q + shape.heads * shape.headDim + 7] = token % 3 === 2 ? -265 : 265;
    }
  }
  const pool = ops.createKvPool({ layers: 1, kvHeads: shape.kvHeads, headDim: shape.headDim, dtype });
  await pool.grow(Math.ceil(all / PAGE_TOKENS));
  const step = (from: number, to: number): Promise<Float32Array> =>
    ops.step(() => {
      const count = to - from;
      const kv = { pool, pages: [0, 1], length: from };
      const x = ops.input(qkv.subarray(from * width, to * width), [count, width]);
      const unrotated = Float32Array.from({ length: count * 96 }, (_, i) => Number(i % 96 < 48));
      const q = ops.appendKv(x, ops.input(unrotated, [count, 96]), kv, 0, { ...shape, order: 'byKind' });
      return ops.attention(q, kv, 0, { ...shape, scale: 96 ** -0.5, window: 1 << 30 });
    });
  await step(0, all - tokens);
  const y = await step(all - tokens, all);
  pool.dispose();
  return y;
}
