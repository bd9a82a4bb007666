import assert from 'node:assert/strict';
import { isQuantized } from '../../kernels/quantize.ts';
import { ReferenceOps } from '../../kernels/reference/referenceOps.ts';
import { roundTrip } from '../../kernels/reference/weight.ts';
import { type Ops, type Tensor, MAX_F32 } from '../../kernels/ops.ts';
import { backends, baselineGpu, openedFor } from '../support/engine/backends.ts';
import { assertClose } from '../support/close.ts';
import { quantizedActivations } from '../support/quantizedActivations.ts';
import { randomValues } from '../support/random.ts';
import { WEIGHT_DTYPES, makeWeight } from '../support/weights.ts';

/** Computes a case. It runs on the reference and on each backend with the same inputs, and the results are compared. */
type Compute = (ops: Ops, reference: boolean) => Promise<Float32Array>;
interface Case {
  name: string;
  tolerance: number;
  compute: Compute;
}

for (const backend of [...backends, baselineGpu]) {
  describe(`operations on ${backend.name}`, function () {
    this.timeout(60_000);
    const opened = openedFor(backend);

    for (const { name, tolerance, compute } of cases(backend.quantizesActivations)) {
      it(name, async () => {
        const want = await compute(new ReferenceOps(), true);
        assertClose(await compute(opened.ops, false), want, tolerance, name);
      });
    }

    it('gives back what it took', async () => {
      const before = opened.ops.bytesHeld;
      const weight = await makeWeight(opened.ops, randomValues(1, 64 * 64), [64, 64], 'q4');
      const pool = opened.ops.createKvPool({ layers: 2, kvHeads: 2, headDim: 32, dtype: 'f16' });
      await pool.grow(3);
      assert.ok(opened.ops.bytesHeld > before);
      pool.dispose();
      opened.ops.free(weight);
      assert.equal(opened.ops.bytesHeld, before);
    });

    it('refuses shapes that do not fit, naming both', async () => {
      const weight = await makeWeight(opened.ops, randomValues(1, 4 * 64), [4, 64], 'f32');
      await assert.rejects(
        opened.ops.step(() => opened.ops.linear(opened.ops.input(new Float32Array(32), [1, 32]), weight)),
        /4,64.*1,32|1,32.*4,64/,
      );
      const fine = await opened.ops.step(() =>
        opened.ops.linear(opened.ops.input(new Float32Array(64), [1, 64]), weight),
      );
      assert.equal(fine.length, 4);
      opened.ops.free(weight);
    });

    it('reads a list of tensors back, also those that others are computed of', async () => {
      const { ops } = opened;
      const [x, gain] = [randomValues(3, 2 * 64), new Float32Array(64).fill(1)];
      const [weight, norm] = [await makeWeight(ops, randomValues(4, 32 * 64), [32, 64], 'q8'), ops.upload(gain, [64])];
      const parts = (): Tensor[] => {
        const input = ops.input(x, [2, 64]);
        const normed = ops.rmsNorm(input, norm, 1e-5);
        return [input, normed, ops.linear(normed, weight)];
      };
      const all = await ops.step(parts);
      assert.deepEqual(all.subarray(0, 128), x);
      assert.deepEqual(all.subarray(128, 256), await ops.step(() => parts()[1]!));
      assert.deepEqual(all.subarray(256), await ops.step(() => parts()[2]!));
      for (const tensor of [weight, norm]) ops.free(tensor);
    });

    it('allows one step at a time', async () => {
      const first = opened.ops.step(() => opened.ops.input(new Float32Array(4), [1, 4]));
      await assert.rejects(
        opened.ops.step(() => opened.ops.input(new Float32Array(4), [1, 4])),
        /step/,
      );
      await first;
    });
  });
}

function cases(quantizesActivations: boolean): Case[] {
  return [
    ...normCases(),
    ...headNormCases(),
    ...linearCases(quantizesActivations),
    ...embedCases(),
    ...siluCases(),
    ...gegeluCases(),
    ...geluCases(),
    ...maskedScaleCases(),
    ...argmaxCases(),
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
  return shapes.flatMap(([rows, cols]) => {
    const norm = (name: string, record: (ops: Ops, x: Tensor, weight: Tensor, bias: Tensor) => Tensor): Case => ({
      name: `${name} (${rows}, ${cols})`,
      tolerance: 2e-5,
      compute: async (ops) => {
        const weight = ops.upload(randomValues(2, cols), [cols]);
        const bias = ops.upload(randomValues(3, cols), [cols]);
        // Far from zero, where a variance computed as a difference of squares would lose its digits.
        const x = randomValues(1, rows * cols).map((value) => value + 30);
        const y = await ops.step(() => record(ops, ops.input(x, [rows, cols]), weight, bias));
        for (const tensor of [weight, bias]) ops.free(tensor);
        return y;
      },
    });
    return [
      norm('rmsNorm', (ops, x, weight) => ops.rmsNorm(x, weight, 1e-5)),
      norm('layerNorm', (ops, x, weight, bias) => ops.layerNorm(x, weight, bias, 1e-5)),
    ];
  });
}

function headNormCases(): Case[] {
  const shapes = [
    [1, { heads: 16, kvHeads: 8, headDim: 128 }],
    [5, { heads: 2, kvHeads: 1, headDim: 24 }],
    [3, { heads: 6, kvHeads: 2, headDim: 40 }],
  ] as const;
  return shapes.map(([tokens, shape]) => ({
    name: `headNorm of ${tokens} x (${shape.heads} + 2 x ${shape.kvHeads}) heads of ${shape.headDim}`,
    tolerance: 2e-5,
    compute: async (ops) => {
      const width = (shape.heads + 2 * shape.kvHeads) * shape.headDim;
      const [q, k] = [2, 3].map((seed) => ops.upload(randomValues(seed, shape.headDim), [shape.headDim]));
      const x = randomValues(1, tokens * width);
      const y = await ops.step(() => ops.headNorm(ops.input(x, [tokens, width]), { q: q!, k: k! }, shape, 1e-5));
      for (const tensor of [q!, k!]) ops.free(tensor);
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
  const addends = [[], ['bias'], ['residual'], ['bias', 'residual']] as const;
  return shapes.flatMap(([rows, width, outs]) =>
    WEIGHT_DTYPES.flatMap((dtype) =>
      addends.map((adds: readonly string[]) => ({
        name: ['linear', `(${rows}, ${width})`, 'x', `(${outs}, ${width})`, dtype, ...adds].join(' '),
        tolerance: 2e-5,
        compute: async (ops: Ops, reference: boolean) => {
          const rounds = reference && quantizesActivations && isQuantized(dtype);
          const values = randomValues(rows, rows * width);
          const x = rounds ? quantizedActivations(values) : values;
          const weight = await makeWeight(ops, randomValues(outs, outs * width), [outs, width], dtype);
          const bias = ops.upload(randomValues(8, outs), [outs]);
          const y = await ops.step(() =>
            ops.linear(ops.input(x, [rows, width]), weight, {
              bias: adds.includes('bias') ? bias : undefined,
              residual: adds.includes('residual') ? ops.input(randomValues(9, rows * outs), [rows, outs]) : undefined,
            }),
          );
          for (const tensor of [weight, bias]) ops.free(tensor);
          return y;
        },
      })),
    ),
  );
}

function embedCases(): Case[] {
  return WEIGHT_DTYPES.flatMap((dtype) =>
    [undefined, 10].map((scale) => ({
      name: `embed ${dtype}${scale ? ` times ${scale}` : ''}`,
      tolerance: 1e-6,
      compute: async (ops: Ops) => {
        const table = await makeWeight(ops, randomValues(4, 77 * 96), [77, 96], dtype);
        const y = await ops.step(() => ops.embed(table, [0, 76, 5, 5, 31], scale));
        ops.free(table);
        return y;
      },
    })),
  );
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

function gegeluCases(): Case[] {
  const shapes = [
    [1, 14336],
    [3, 5],
    [9, 256],
  ] as const;
  return shapes.map(([rows, width]) => ({
    name: `gegelu (${rows}, 2 x ${width}), limit 2`,
    tolerance: 1e-5,
    compute: (ops) =>
      ops.step(() => ops.gegelu(ops.input(randomValues(5, rows * 2 * width, 31), [rows, 2 * width]), 2)),
  }));
}

function geluCases(): Case[] {
  const shapes = [
    [577, 96],
    [1, 4096],
    [3, 5],
  ] as const;
  return shapes.flatMap(([rows, cols]) =>
    (['quick', 'erf'] as const).map((kind) => ({
      name: `gelu (${rows}, ${cols}), ${kind}`,
      tolerance: 1e-5,
      compute: (ops) => ops.step(() => ops.gelu(ops.input(randomValues(7, rows * cols, 9), [rows, cols]), kind)),
    })),
  );
}

function maskedScaleCases(): Case[] {
  return [
    [1, 100352],
    [3, 77],
  ].map(([rows = 0, cols = 0]) => ({
    name: `maskedScale (${rows}, ${cols})`,
    tolerance: 1e-6,
    compute: async (ops) => {
      const kept = Float32Array.from({ length: cols }, (_, i) => Number(i % 13 !== 5));
      const mask = ops.upload(kept, [cols]);
      const x = randomValues(3, rows * cols);
      const y = await ops.step(() => ops.maskedScale(ops.input(x, [rows, cols]), mask, 0.125));
      ops.free(mask);
      kept.forEach((keep, i) => assert.equal(y[i] === Math.fround(-MAX_F32), keep === 0));
      return y.map((value) => Math.max(value, -1e6));
    },
  }));
}

function argmaxCases(): Case[] {
  const shapes = [
    [1, 32064],
    [2, 320],
    [3, 1],
    [1, 100352],
  ] as const;
  const plain = shapes.map(([rows, cols]) => ({
    name: `argmax (${rows}, ${cols})`,
    tolerance: 1e-5,
    compute: (ops: Ops) => ops.step(() => ops.argmax(ops.input(randomValues(6, rows * cols), [rows, cols]))),
  }));
  const tie = Float32Array.from({ length: 5000 }, (_, i) => (i === 17 || i === 4321 ? 3 : -1));
  return [
    ...plain,
    {
      name: 'argmax takes the lowest id on a tie',
      tolerance: 1e-6,
      compute: (ops: Ops) => ops.step(() => ops.argmax(ops.input(tie, [1, 5000]))),
    },
  ];
}

function rowCases(): Case[] {
  const x = (ops: Ops): Tensor => ops.input(randomValues(3, 7 * 33), [7, 33]);
  const gathered = [1, 3].map((side) => ({
    name: `gatherRows of (7, 33), ${side} side by side`,
    tolerance: 0,
    compute: (ops: Ops) => ops.step(() => ops.gatherRows(x(ops), [6, 0, 3, 3, 1, 5], side)),
  }));
  const replaced = [0, 2, 4].map((at) => ({
    name: `replaceRows of (7, 33) from ${at}`,
    tolerance: 0,
    compute: (ops: Ops) => ops.step(() => ops.replaceRows(x(ops), at, ops.input(randomValues(4, 3 * 33), [3, 33]))),
  }));
  const last = [1, 2, 7].map((count) => ({
    name: `lastRows ${count} of (7, 33)`,
    tolerance: 0,
    compute: (ops: Ops) => ops.step(() => ops.lastRows(x(ops), count)),
  }));
  return [...gathered, ...replaced, ...last];
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
