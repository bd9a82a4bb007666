/** What attention is tested with on every backend: shapes, steps, patterns; and the reference's answers. */
import {
  type KvDType,
  type KvPool,
  type KvView,
  type Ops,
  type QkvOrder,
  type Sparsity,
  type Tensor,
  PAGE_TOKENS,
} from '../../../kernels/ops.ts';
import { ReferenceOps } from '../../../kernels/reference/referenceOps.ts';
import { randomValues } from '../random.ts';

/** An f16 or 8-bit value close to a rounding boundary may be rounded the other way. */
export const TOLERANCE: Record<KvDType, number> = { f32: 5e-5, f16: 2e-3, q8: 2e-2 };

export interface Case {
  heads: number;
  kvHeads: number;
  headDim: number;
  /** Number of tokens of each step, in order. */
  steps: number[];
  window?: number;
  order?: QkvOrder;
  scale?: number;
  sparsity?: Sparsity;
  bidirectional?: boolean;
}

/** The released pattern has 16 local blocks; with fewer, the remaining blocks already matter in shorter texts. */
const RELEASED: Sparsity = { blockTokens: 64, localBlocks: 3, vertStride: 8, headStep: 1 };
const TOY: Sparsity = { blockTokens: 16, localBlocks: 2, vertStride: 3, headStep: 1 };

export const CASES: readonly Case[] = [
  { heads: 2, kvHeads: 2, headDim: 96, steps: [1] },
  { heads: 2, kvHeads: 2, headDim: 96, steps: [5, 1, 1, 3] },
  { heads: 8, kvHeads: 2, headDim: 32, steps: [63, 1, 1, 66, 1] },
  { heads: 8, kvHeads: 2, headDim: 32, steps: [63, 1, 1, 66, 1], order: 'byGroup', scale: 1 / 32 },
  { heads: 4, kvHeads: 4, headDim: 64, steps: [130, 1], window: 40 },
  { heads: 4, kvHeads: 1, headDim: 128, steps: [17, 200, 1], window: 65, order: 'byGroup' },
  { heads: 8, kvHeads: 2, headDim: 16, steps: [300, 1], window: 1 },
  { heads: 2, kvHeads: 1, headDim: 8, steps: [70, 1, 5] },
  { heads: 4, kvHeads: 2, headDim: 48, steps: [600, 1, 9] },
  { heads: 9, kvHeads: 3, headDim: 64, steps: [129, 1, 1] },
  { heads: 7, kvHeads: 1, headDim: 32, steps: [130, 2] },
  { heads: 8, kvHeads: 2, headDim: 16, steps: [139], sparsity: TOY, order: 'byGroup' },
  { heads: 8, kvHeads: 2, headDim: 16, steps: [61, 78, 1, 3], sparsity: TOY },
  { heads: 8, kvHeads: 2, headDim: 32, steps: [200, 1], sparsity: { ...TOY, blockTokens: 32 }, window: 100 },
  { heads: 4, kvHeads: 1, headDim: 64, steps: [700, 1, 2], sparsity: { ...RELEASED, localBlocks: 2, headStep: 2 } },
  { heads: 4, kvHeads: 1, headDim: 64, steps: [600, 1, 17], sparsity: RELEASED, order: 'byGroup', scale: 1 / 64 },
  { heads: 2, kvHeads: 2, headDim: 32, steps: [900, 1], sparsity: { ...TOY, blockTokens: 128 } },
  { heads: 4, kvHeads: 2, headDim: 24, steps: [333, 1], sparsity: { ...TOY, headStep: 0 } },
  { heads: 2, kvHeads: 2, headDim: 64, steps: [577], bidirectional: true },
  { heads: 4, kvHeads: 2, headDim: 32, steps: [65, 3], bidirectional: true },
  { heads: 2, kvHeads: 1, headDim: 16, steps: [130], window: 40, bidirectional: true },
];

const references = new Map<string, Promise<Float32Array>>();
/** The reference's answer, computed once for all backends. */
export function wanted(shape: Case, dtype: KvDType): Promise<Float32Array> {
  const key = JSON.stringify({ shape, dtype });
  if (!references.has(key)) references.set(key, attend(new ReferenceOps(), shape, dtype));
  return references.get(key)!;
}

/**
 * Appends and attends step by step on shuffled pages of two layers; returns the second layer's output of the last step.
 */
export async function attend(ops: Ops, shape: Case, dtype: KvDType): Promise<Float32Array> {
  const { heads, kvHeads, headDim, order = 'byKind', steps } = shape;
  const options = { window: 1 << 30, scale: 1 / Math.sqrt(headDim), ...shape };
  const pool = ops.createKvPool({ layers: 2, kvHeads, headDim, dtype });
  let y: Float32Array = new Float32Array();
  await eachStep(pool, steps, async (kv, tokens) => {
    const width = (heads + 2 * kvHeads) * headDim;
    const run = (layer: number): Tensor => {
      const qkv = ops.input(randomValues(kv.length + layer + 1, tokens * width), [tokens, width]);
      const table = ops.input(ropeTable(kv.length, tokens, headDim), [tokens, headDim]);
      const q = ops.appendKv(qkv, table, kv, layer, { heads, kvHeads, headDim, order });
      return ops.attention(q, kv, layer, options);
    };
    y = await ops.step(() => {
      run(0);
      return run(1);
    });
  });
  pool.dispose();
  return y;
}

/** Runs the steps of a sequence on shuffled pages of a pool, which grows between steps and must keep its contents. */
export async function eachStep(
  pool: KvPool,
  steps: readonly number[],
  step: (kv: KvView, tokens: number) => Promise<void>,
): Promise<void> {
  const total = steps.reduce((a, b) => a + b, 0);
  const pageCount = Math.ceil(total / PAGE_TOKENS);
  await pool.grow(1);
  const pages = Array.from({ length: pageCount }, (_, i) => (i * 3 + 1) % (pageCount * 3 + 1));
  let length = 0;
  for (const tokens of steps) {
    const covered = pages.slice(0, Math.ceil((length + tokens) / PAGE_TOKENS));
    await pool.grow(Math.max(...covered) + 1);
    await step({ pool, pages: covered, length }, tokens);
    length += tokens;
  }
}

export function ropeTable(start: number, tokens: number, headDim: number): Float32Array {
  const half = headDim / 2;
  return Float32Array.from({ length: tokens * headDim }, (_, at) => {
    const angle = (start + Math.floor(at / headDim)) * 10000 ** (-(at % half) / half);
    return at % headDim < half ? Math.cos(angle) : Math.sin(angle);
  });
}
