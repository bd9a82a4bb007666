import assert from 'node:assert/strict';
import { ReferenceOps } from '../../kernels/reference/referenceOps.ts';
import { roundTrip } from '../../kernels/reference/weight.ts';
import { type KvDType, type KvView, type Ops, type Tensor, type WeightDType, PAGE_TOKENS } from '../../kernels/ops.ts';
import { backends } from '../support/backends.ts';
import { assertClose } from '../support/close.ts';
import { randomValues } from '../support/random.ts';

/** What a case computes: run on the reference and on each backend with the same inputs, then compared. */
type Compute = (ops: Ops, reference: boolean) => Promise<Float32Array>;
interface Case {
  name: string;
  tolerance: number;
  compute: Compute;
}

for (const backend of backends) {
  describe(`operations on ${backend.name}`, function () {
    this.timeout(60_000);
    let ops: Ops;

    before(async function () {
      const made = await backend.create();
      if ('skip' in made) {
        console.log(`    skipped: ${made.skip}`);
        return this.skip();
      }
      ops = made;
    });

    after(async () => {
      await ops?.dispose();
    });

    for (const { name, tolerance, compute } of cases(backend.quantizesActivations)) {
      it(name, async () => {
        const want = await compute(new ReferenceOps(), true);
        assertClose(await compute(ops, false), want, tolerance, name);
      });
    }

    it('gives back what it took', async () => {
      const before = ops.bytesHeld;
      const weight = await makeWeight(ops, randomValues(1, 64 * 64), [64, 64], 'q4');
      const pool = ops.createKvPool({ layers: 2, kvHeads: 2, headDim: 32, dtype: 'f16' });
      await pool.grow(3);
      assert.ok(ops.bytesHeld > before);
      pool.dispose();
      ops.free(weight);
      assert.equal(ops.bytesHeld, before);
    });

    it('refuses shapes that do not fit, naming both', async () => {
      const weight = await makeWeight(ops, randomValues(1, 4 * 64), [4, 64], 'f32');
      await assert.rejects(
        ops.step(() => ops.linear(ops.input(new Float32Array(32), [1, 32]), weight)),
        /4,64.*1,32|1,32.*4,64/,
      );
      const fine = await ops.step(() => ops.linear(ops.input(new Float32Array(64), [1, 64]), weight));
      assert.equal(fine.length, 4);
      ops.free(weight);
    });

    it('allows one step at a time', async () => {
      const first = ops.step(() => ops.input(new Float32Array(4), [1, 4]));
      await assert.rejects(
        ops.step(() => ops.input(new Float32Array(4), [1, 4])),
        /step/,
      );
      await first;
    });
  });
}

function cases(quantizesActivations: boolean): Case[] {
  return [
    ...normCases(),
    ...linearCases(quantizesActivations),
    ...embedCases(),
    ...attentionCases(),
    ...siluCases(),
    ...top1Cases(),
    ...rowCases(),
  ];
}

function normCases(): Case[] {
  const shapes = [
    [1, 3072],
    [7, 100],
    [3, 1],
    [2, 257],
    [33, 192],
  ] as const;
  return shapes.map(([rows, cols]) => ({
    name: `rmsNorm (${rows}, ${cols})`,
    tolerance: 1e-5,
    compute: async (ops) => {
      const weight = ops.upload(randomValues(2, cols), [cols]);
      const y = await ops.step(() => ops.rmsNorm(ops.input(randomValues(1, rows * cols), [rows, cols]), weight, 1e-5));
      ops.free(weight);
      return y;
    },
  }));
}

function linearCases(quantizesActivations: boolean): Case[] {
  const shapes = [
    [1, 64, 5],
    [1, 3072, 96],
    [1, 96, 1],
    [2, 128, 33],
    [3, 256, 320],
    [5, 32, 7],
    [8, 1024, 64],
    [17, 192, 576],
    [64, 256, 130],
    [129, 96, 65],
  ] as const;
  const dtypes: WeightDType[] = ['f32', 'f16', 'q8', 'q4'];
  return shapes.flatMap(([rows, width, outs]) =>
    dtypes.flatMap((dtype) =>
      [false, true].map((withResidual) => ({
        name: `linear (${rows}, ${width}) x (${outs}, ${width}) ${dtype}${withResidual ? ' + residual' : ''}`,
        tolerance: 2e-5,
        compute: async (ops: Ops, reference: boolean) => {
          const rounds = reference && quantizesActivations && (dtype === 'q8' || dtype === 'q4');
          const values = randomValues(rows, rows * width);
          const x = rounds ? quantizedActivations(values) : values;
          const weight = await makeWeight(ops, randomValues(outs, outs * width), [outs, width], dtype);
          const y = await ops.step(() =>
            ops.linear(
              ops.input(x, [rows, width]),
              weight,
              withResidual ? ops.input(randomValues(9, rows * outs), [rows, outs]) : undefined,
            ),
          );
          ops.free(weight);
          return y;
        },
      })),
    ),
  );
}

function embedCases(): Case[] {
  return (['f32', 'f16', 'q8', 'q4'] as const).map((dtype) => ({
    name: `embed ${dtype}`,
    tolerance: 1e-6,
    compute: async (ops) => {
      const table = await makeWeight(ops, randomValues(4, 77 * 96), [77, 96], dtype);
      const y = await ops.step(() => ops.embed(table, [0, 76, 5, 5, 31]));
      ops.free(table);
      return y;
    },
  }));
}

interface AttentionCase {
  heads: number;
  kvHeads: number;
  headDim: number;
  /** Tokens of each step, one after the other. */
  steps: number[];
  window: number;
}

function attentionCases(): Case[] {
  const table: AttentionCase[] = [
    { heads: 2, kvHeads: 2, headDim: 96, steps: [1], window: 4096 },
    { heads: 2, kvHeads: 2, headDim: 96, steps: [5, 1, 1, 3], window: 4096 },
    { heads: 8, kvHeads: 2, headDim: 32, steps: [63, 1, 1, 66, 1], window: 4096 },
    { heads: 4, kvHeads: 4, headDim: 64, steps: [130, 1], window: 40 },
    { heads: 4, kvHeads: 1, headDim: 128, steps: [17, 200, 1], window: 65 },
    { heads: 8, kvHeads: 2, headDim: 16, steps: [300, 1], window: 1 },
    { heads: 2, kvHeads: 1, headDim: 8, steps: [70, 1, 5], window: 4096 },
    { heads: 4, kvHeads: 2, headDim: 48, steps: [1000, 1, 9], window: 1 << 30 },
  ];
  return table.flatMap((shape) =>
    (['f32', 'f16'] as const).map((dtype) => ({
      name: `attention ${JSON.stringify(shape)} ${dtype}`,
      tolerance: dtype === 'f32' ? 5e-5 : 2e-3, // f16: a value on a rounding edge may fall to the other side.
      compute: (ops) => attend(ops, shape, dtype),
    })),
  );
}

/** Appends and attends step by step on shuffled pages of two layers; the last step's output, of the second layer. */
async function attend(ops: Ops, shape: AttentionCase, dtype: KvDType): Promise<Float32Array> {
  const { heads, kvHeads, headDim, steps, window } = shape;
  const pool = ops.createKvPool({ layers: 2, kvHeads, headDim, dtype });
  const total = steps.reduce((a, b) => a + b, 0);
  const pageCount = Math.ceil(total / PAGE_TOKENS);
  await pool.grow(1);
  const pages = Array.from({ length: pageCount }, (_, i) => (i * 3 + 1) % (pageCount * 3 + 1));
  let y: Float32Array = new Float32Array();
  let length = 0;
  for (const tokens of steps) {
    // Growing between steps must keep what is stored.
    await pool.grow(Math.max(...pages.slice(0, Math.ceil((length + tokens) / PAGE_TOKENS))) + 1);
    const kv: KvView = { pool, pages: pages.slice(0, Math.ceil((length + tokens) / PAGE_TOKENS)), length };
    const width = (heads + 2 * kvHeads) * headDim;
    const run = (layer: number): Tensor => {
      const qkv = ops.input(randomValues(length + layer + 1, tokens * width), [tokens, width]);
      const table = ops.input(ropeTable(length, tokens, headDim), [tokens, headDim]);
      const q = ops.appendKv(qkv, table, kv, layer, { heads, kvHeads, headDim });
      return ops.attention(q, kv, layer, { heads, kvHeads, headDim, window });
    };
    y = await ops.step(() => {
      run(0);
      return run(1);
    });
    length += tokens;
  }
  pool.dispose();
  return y;
}

function ropeTable(start: number, tokens: number, headDim: number): Float32Array {
  const half = headDim / 2;
  return Float32Array.from({ length: tokens * headDim }, (_, at) => {
    const angle = (start + Math.floor(at / headDim)) * 10000 ** (-(at % half) / half);
    return at % headDim < half ? Math.cos(angle) : Math.sin(angle);
  });
}

function siluCases(): Case[] {
  const shapes = [
    [1, 8192],
    [3, 5],
    [9, 256],
  ] as const;
  return shapes.map(([rows, width]) => ({
    name: `siluMul (${rows}, 2 x ${width})`,
    tolerance: 1e-5,
    compute: (ops) => ops.step(() => ops.siluMul(ops.input(randomValues(5, rows * 2 * width, 31), [rows, 2 * width]))),
  }));
}

function top1Cases(): Case[] {
  const shapes = [
    [1, 32064],
    [2, 320],
    [3, 1],
    [1, 100352],
  ] as const;
  const plain = shapes.map(([rows, cols]) => ({
    name: `top1 (${rows}, ${cols})`,
    tolerance: 1e-5,
    compute: (ops: Ops) => ops.step(() => ops.top1(ops.input(randomValues(6, rows * cols), [rows, cols]))),
  }));
  const tie = Float32Array.from({ length: 5000 }, (_, i) => (i === 17 || i === 4321 ? 3 : -1));
  return [
    ...plain,
    {
      name: 'top1 takes the lowest id on a tie',
      tolerance: 1e-6,
      compute: (ops: Ops) => ops.step(() => ops.top1(ops.input(tie, [1, 5000]))),
    },
  ];
}

function rowCases(): Case[] {
  return [1, 2, 7].map((count) => ({
    name: `lastRows ${count} of (7, 33)`,
    tolerance: 0,
    compute: (ops) => ops.step(() => ops.lastRows(ops.input(randomValues(3, 7 * 33), [7, 33]), count)),
  }));
}

async function makeWeight(
  ops: Ops,
  values: Float32Array,
  shape: readonly [number, number],
  dtype: WeightDType,
): Promise<Tensor> {
  const writer = ops.createWeight(shape, dtype);
  const half = Math.floor(shape[0] / 2) * shape[1];
  if (half > 0) writer.write(values.slice(0, half)); // In two pieces, as a streaming loader does.
  writer.write(values.slice(half));
  return writer.finish();
}

/** x rounded to q8 per group of 32 with an f32 scale of max|x| / 127. */
function quantizedActivations(x: Float32Array): Float32Array {
  const y = new Float32Array(x.length);
  for (let at = 0; at < x.length; at += 32) {
    const group = x.subarray(at, at + 32);
    const scale = Math.fround(group.reduce((a, b) => Math.max(a, Math.abs(b)), 0) / 127);
    group.forEach((value, i) => (y[at + i] = scale === 0 ? 0 : Math.round(value / scale) * scale));
  }
  return y;
}

describe('the reference', () => {
  it('rounds as quantize.ts says', () => {
    const x = randomValues(8, 96);
    assertClose(roundTrip(x, 'q8'), x, 0.06);
    assertClose(roundTrip(x, 'q4'), x, 0.9);
    assert.deepEqual(roundTrip(x, 'f32'), x);
    assertClose(roundTrip(x, 'f16'), x, 6e-3);
  });
});
