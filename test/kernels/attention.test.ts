import assert from 'node:assert/strict';
import { mulberry32 } from '../../engine/inference/random.ts';
import type { AttentionOptions, KvDType, KvView, Ops, Sparsity } from '../../kernels/ops.ts';
import { CASES, TOLERANCE, attend, eachStep, ropeTable, wanted } from '../support/attention/table.ts';
import { backends, baselineGpu, openedFor } from '../support/engine/backends.ts';
import { assertClose, assertWithin } from '../support/close.ts';
import { randomValues } from '../support/random.ts';

for (const backend of [...backends, baselineGpu]) {
  const isBaseline = backend === baselineGpu; // Of which the widest heads need most.
  describe(`attention on ${backend.name}${isBaseline ? ', wide heads' : ''}`, function () {
    this.timeout(120_000);
    const opened = openedFor(backend);

    for (const shape of CASES.filter(({ headDim }) => !isBaseline || headDim >= 96)) {
      for (const dtype of ['f32', 'f16', 'q8'] as const) {
        it(`${JSON.stringify(shape)} ${dtype}`, async () => {
          assertClose(await attend(opened.ops, shape, dtype), await wanted(shape, dtype), TOLERANCE[dtype]);
        });
      }
    }

    if (isBaseline) return;
    it('sees with block-sparse attention just what the closed formula says, in both phases', async () => {
      const next = mulberry32(20260722);
      for (let i = 0; i < (backend.name === 'webgpu' ? 20 : 40); i++)
        await compareVisibleSet(opened.ops, randomSparseCase(next));
    });

    for (const dtype of ['f32', 'f16', 'q8'] as const) {
      it(`copies, reads and writes pages of ${dtype}`, () => copiesPages(opened.ops, dtype));
    }
  });
}

interface SparseCase extends AttentionOptions {
  sparsity: Sparsity;
  steps: number[];
}

function randomSparseCase(next: () => number): SparseCase {
  const pick = <T>(list: readonly T[]): T => list[Math.floor(next() * list.length)]!;
  const headDim = pick([32, 64, 128]);
  const kvHeads = pick([1, 2, 3]);
  const heads = kvHeads * pick([1, 2, 4]);
  const blockTokens = pick([16, 32, 64, 128]);
  const vertStride = 1 + Math.floor(next() * 9);
  const sparsity = {
    blockTokens,
    localBlocks: 1 + Math.floor(next() * 5),
    vertStride,
    headStep: next() < 0.3 ? 0 : Math.max(1, Math.floor(vertStride / heads)),
  };
  const length = 1 + Math.floor(next() * Math.min(1500, headDim * blockTokens - 8));
  const steps = next() < 0.5 ? [length, 1, 1, 1] : [Math.ceil(length / 3), 1, Math.ceil(length / 2), 1, 4];
  return { headDim, kvHeads, heads, scale: 1, window: 1 << 30, sparsity, steps };
}

/**
 * If q is 0, all visible positions have the same weight. If v is the unit vector of the position's block, y tells how
 * many positions of each block were seen.
 */
async function compareVisibleSet(ops: Ops, shape: SparseCase): Promise<void> {
  const { heads, kvHeads, headDim, sparsity, steps } = shape;
  const pool = ops.createKvPool({ layers: 1, kvHeads, headDim, dtype: 'f32' });
  await eachStep(pool, steps, async (kv, tokens) => {
    const width = (heads + 2 * kvHeads) * headDim;
    const qkv = new Float32Array(tokens * width);
    for (let t = 0; t < tokens; t++) {
      const block = Math.floor((kv.length + t) / sparsity.blockTokens) % headDim;
      for (let h = 0; h < kvHeads; h++) qkv[t * width + (heads + kvHeads + h) * headDim + block] = 1;
    }
    const y = await ops.step(() => {
      const table = ops.input(ropeTable(kv.length, tokens, headDim), [tokens, headDim]);
      const q = ops.appendKv(ops.input(qkv, [tokens, width]), table, kv, 0, { ...shape, order: 'byKind' });
      return ops.attention(q, kv, 0, shape);
    });
    const want = new Float32Array(tokens * heads * headDim);
    for (let row = 0; row < tokens * heads; row++) {
      const counts = positionsSeen(kv.length + Math.floor(row / heads), row % heads, headDim, sparsity);
      want.set(counts, row * headDim);
    }
    assertWithin(y, want, 1e-5, JSON.stringify({ ...shape, at: kv.length }));
  });
  pool.dispose();
}

/** For each block, modulo headDim: its share of the positions that head h sees from p, by the formula of the design. */
function positionsSeen(p: number, h: number, headDim: number, sparsity: Sparsity): number[] {
  const { blockTokens, localBlocks, vertStride, headStep } = sparsity;
  const counts = new Array<number>(headDim).fill(0);
  const qb = Math.floor(p / blockTokens);
  for (let kb = 0; kb <= qb; kb++) {
    const visible = qb - kb < localBlocks || (kb + h * headStep + 1) % vertStride === 0;
    if (visible) counts[kb % headDim]! += Math.min(blockTokens, p + 1 - kb * blockTokens);
  }
  const total = counts.reduce((a, b) => a + b, 0);
  return counts.map((count) => count / total);
}

/** A sequence with copied pages, and one with pages read back and written again, give the same attention. */
async function copiesPages(ops: Ops, dtype: KvDType): Promise<void> {
  const shape = { heads: 4, kvHeads: 2, headDim: 32, scale: 0.2, window: 1 << 30 };
  const width = 8 * 32;
  const pool = ops.createKvPool({ layers: 2, kvHeads: 2, headDim: 32, dtype });
  await pool.grow(6);
  const tokens = 70;
  const append = (kv: KvView, count: number, seed: number): Promise<Float32Array> =>
    ops.step(() => {
      const mixed = [0, 1].map((layer) => {
        const qkv = ops.input(randomValues(seed + layer, count * width), [count, width]);
        const rope = ops.input(ropeTable(kv.length, count, 32), [count, 32]);
        return ops.attention(ops.appendKv(qkv, rope, kv, layer, { ...shape, order: 'byKind' }), kv, layer, shape);
      });
      return mixed[1]!;
    });
  await append({ pool, pages: [4, 1], length: 0 }, tokens, 1);
  await pool.copy(4, 0);
  await pool.copy(1, 5);
  const bytes = [await pool.read(4), await pool.read(1)];
  assert.deepEqual(
    bytes.map(({ length }) => length),
    [pool.pageBytes, pool.pageBytes],
  );
  const want = await append({ pool, pages: [4, 1], length: tokens }, 1, 7);
  await pool.write(2, bytes[0]!);
  await pool.write(3, bytes[1]!);
  assert.deepEqual(await append({ pool, pages: [0, 5], length: tokens }, 1, 7), want);
  assert.deepEqual(await append({ pool, pages: [2, 3], length: tokens }, 1, 7), want);
  pool.dispose();
}
