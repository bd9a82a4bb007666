import assert from 'node:assert/strict';
import { DispatchBudget } from '../../../kernels/gpu/device/dispatchBudget.ts';
import type { GpuOps } from '../../../kernels/gpu/gpuOps.ts';
import {
  ATTENTION,
  type AttentionVariant,
  type DecodeVariant,
  type Phase,
  type PrefillVariant,
} from '../../../kernels/gpu/attention/variants.ts';
import { VARIANTS } from '../../../kernels/gpu/variants/products.ts';
import type { Variant } from '../../../kernels/gpu/variants/variant.ts';
import { type Ops, type Sparsity, type Tensor, PAGE_TOKENS } from '../../../kernels/ops.ts';
import { ReferenceOps } from '../../../kernels/reference/referenceOps.ts';
import { assertClose } from '../../support/close.ts';
import { gpuOrSkip } from '../../support/gpuOrSkip.ts';
import { randomValues } from '../../support/random.ts';
import { makeWeight } from '../../support/weights.ts';

describe('how much a dispatch computes', () => {
  it('is 50 ms: of a slow card until a step was timed, then of the fastest step so far', () => {
    const budget = new DispatchBudget();
    assert.deepEqual(budget.tilesFor(1e7, [10, 7]), [10, 5]);
    assert.deepEqual(budget.tilesFor(1e7, [10, 3]), [10, 3]);
    assert.deepEqual(budget.tilesFor(1e7, [60, 3]), [50, 1]);
    for (const ms of [1, 1000]) budget.ended(1e3, ms); // A small step tells nothing of slowness.
    assert.deepEqual(budget.tilesFor(1e7, [10, 7]), [10, 5]);
    budget.ended(1e9, 1000); // 1e6 a millisecond
    assert.deepEqual(budget.tilesFor(1e6, [20, 7]), [20, 2]);
    budget.ended(1e9, 100);
    assert.deepEqual(budget.tilesFor(1e6, [20, 70]), [20, 25]);
    budget.ended(1e9, 1000); // Shared the device.
    budget.ended(0, 0.1); // Computed nothing large.
    assert.deepEqual(budget.tilesFor(1e6, [20, 70]), [20, 25]);
  });

  it('is no less than keeps a slow GPU busy', () => {
    const budget = new DispatchBudget();
    assert.deepEqual(budget.tilesFor(1e12, [256, 4]), [16, 1]);
    assert.deepEqual(budget.tilesFor(1e12, [5, 4]), [5, 3]);
    assert.deepEqual(budget.tilesFor(1e12, [5, 2]), [5, 2]);
  });
});

describe('how much a submission computes', () => {
  it('is 50 ms, by the rate where a step is new, and else by what it took last time', () => {
    const budget = new DispatchBudget();
    assert.equal(budget.submissionMacs(8e9, 0), 5e8);
    assert.equal(budget.submissionMacs(8e9, 200), 2e9);
    assert.ok(budget.submissionMacs(8e9, 20) > 8e9);
  });
});

describe('a step on webgpu that takes a slow card long', function () {
  this.timeout(60_000);
  let ops: GpuOps;
  const reference = new ReferenceOps();

  before(async function () {
    ops = await gpuOrSkip(this);
  });
  after(() => ops?.dispose());

  /**
   * Computes `step` on a device so slow that each piece is as small as can be and a submission of its own, and on one so fast
   * that all is done at once; `others` are the dispatches that are neither products nor attention.
   */
  async function compare(step: Step, pieces: number, tolerance: number, others = 0): Promise<void> {
    const record = await step(ops);
    reach(ops, 1e-9);
    const { dispatches, submissions } = ops;
    const got = await ops.step(record);
    assert.deepEqual([ops.dispatches - dispatches, ops.submissions - submissions], [pieces + others, pieces]);
    reach(ops, 1e30);
    assert.deepEqual(got, await ops.step(record));
    assert.equal(ops.submissions - submissions, pieces + 1);
    assertClose(got, await reference.step(await step(reference)), tolerance);
  }

  /** `step`, whose products the variant computes on the GPU. */
  const by =
    (variant: Variant, step: Step): Step =>
    async (backend) => {
      const record = await step(backend);
      return () => ops.variants.trying(variant, record);
    };

  for (const variant of VARIANTS.matmul.filter(({ needs }) => needs.length === 0)) {
    it(`gives the same, 16 tiles of a large product at a time: ${variant.name}`, async () => {
      const tile = variant.tile(70);
      const columns = Math.ceil(OUTS / tile.outs);
      assert.ok(columns > 16);
      const pieces = Math.ceil(columns / 16) * Math.ceil(70 / tile.rows);
      await compare(by(variant, products(70)), pieces, 2e-5);
    });
  }

  for (const variant of VARIANTS.matvec) {
    it(`gives the same, 16 workgroups of a product of few rows at a time: ${variant.name}`, async function () {
      if (variant.needs.some((need) => !ops.variants.offered.has(need))) return this.skip();
      const tile = variant.tile(6);
      const pieces = Math.ceil(Math.ceil(OUTS / tile.outs) / 16) * Math.ceil(6 / tile.rows);
      await compare(by(variant, products(6)), pieces, 2e-5);
    });
  }

  // 35 columns of 8 gates and products, for 4 rows at a time; 216 columns of 8 dimensions.
  it('gives the same of a product that is joined to its norm and gate', () => compare(gated, 2 * 3, 5e-5));
  it('gives the same of q, k and v that are rotated and stored', () => compare(qkvOfToken, 14, 5e-5));

  const sparsity = { blockTokens: 64, localBlocks: 2, vertStride: 3, headStep: 1 };
  // Tiles of 16 positions, of a head each, 16 at a time and page by page; likewise shares of the keys that few tokens see.
  const cases: readonly (Attention & { readonly what: string; readonly pieces: number; readonly others?: number })[] = [
    { what: 'few tiles', heads: 4, tokens: 40, length: 200, pieces: 4 },
    { what: 'many tiles', heads: 8, tokens: 100, length: 200, pieces: 4 * 5 },
    { what: 'more tiles of a head than a dispatch computes', heads: 2, tokens: 300, length: 5, pieces: 2 * 2 * 5 },
    { what: 'a window', heads: 4, tokens: 40, length: 400, window: 70, pieces: 2 },
    { what: 'in both directions', heads: 4, tokens: 130, length: 0, bidirectional: true, pieces: 4 * 3 },
    { what: 'visible blocks only', heads: 4, tokens: 40, length: 400, sparsity, pieces: 3 },
    { what: 'one token', heads: 8, tokens: 1, length: 3000, pieces: 2, others: 1 },
    { what: 'three tokens', heads: 8, tokens: 3, length: 2000, pieces: 3, others: 1 },
  ];
  for (const { what, pieces, others, ...shape } of cases) {
    it(`gives the same of attention: ${what}`, () => compare(attention(shape), pieces, 2e-3, others));
  }

  /** `step`, whose attention the variant computes on the GPU. */
  const attendedBy =
    (phase: Phase, variant: AttentionVariant, step: Step): Step =>
    async (backend) => {
      const record = await step(backend);
      return () => ops.variants.attention.trying(phase, variant as DecodeVariant & PrefillVariant, record);
    };

  for (const variant of ATTENTION.prefill.slice(1)) {
    it(`gives the same of attention for prefill: ${variant.name}`, async function () {
      if (variant.needs.some((need) => !ops.variants.offered.has(need))) return this.skip();
      const tiles = Math.floor(239 / variant.tile) - Math.floor(200 / variant.tile) + 1;
      const headsAtOnce = Math.min(4, Math.floor(16 / tiles));
      const step = attention({ heads: 4, tokens: 40, length: 200 }); // Of four pages.
      await compare(attendedBy('prefill', variant, step), Math.ceil(4 / headsAtOnce) * 4, 2e-3);
    });
  }

  for (const variant of ATTENTION.decode.slice(1)) {
    it(`gives the same of attention for decode: ${variant.name}`, async function () {
      if (variant.needs.some((need) => !ops.variants.offered.has(need))) return this.skip();
      const splits = Math.ceil(32 / variant.splitUnits); // Of two tokens and eight heads each, which are 16 workgroups.
      const step = attention({ heads: 8, tokens: 2, length: 2000 });
      await compare(attendedBy('decode', variant, step), splits, 2e-3, 1);
    });
  }

  it('is split between dispatches where its foreseen time passes 50 ms', async () => {
    const record = await products(70, 4)(ops);
    reach(ops, (2.5 * (18 * 2) * (64 * 64 * 32)) / 50); // Two products and a half, of 18 x 2 tiles each.
    const { dispatches, submissions } = ops;
    await ops.step(record);
    assert.deepEqual([ops.dispatches - dispatches, ops.submissions - submissions], [4, 2]);
  });
});

/** Uploads what a step needs, and returns what records it. */
type Step = (on: Ops) => Promise<() => Tensor>;

const OUTS = 1090;

/** From now on `ops` acts as if its device had reached just that, and as if no step were known. */
function reach(ops: GpuOps, macsPerMs: number): void {
  const mostMacs = 50 * macsPerMs;
  Object.defineProperties(ops.budget, {
    mostMacs: { value: mostMacs, configurable: true },
    submissionMacs: { value: () => mostMacs, configurable: true },
  });
}

/** The sum of as many products of the same rows. */
function products(rows: number, count = 1): Step {
  return async (on) => {
    const weight = await makeWeight(on, randomValues(1, OUTS * 32), [OUTS, 32], 'q8');
    const bias = on.upload(randomValues(2, OUTS), [OUTS]);
    return () => {
      const x = on.input(randomValues(4, rows * 32), [rows, 32]);
      let residual = on.input(randomValues(3, rows * OUTS), [rows, OUTS]);
      for (let i = 0; i < count; i++) residual = on.linear(x, weight, { bias, residual });
      return residual;
    };
  };
}

const gated: Step = async (on) => {
  const [rows, width, gates] = [6, 64, 140];
  const norm = on.upload(randomValues(1, width), [width]);
  const weight = await makeWeight(on, randomValues(2, 2 * gates * width), [2 * gates, width], 'q4');
  return () => {
    const x = on.input(randomValues(3, rows * width), [rows, width]);
    return on.siluMul(on.linear(on.rmsNorm(x, norm, 1e-5), weight));
  };
};

const HEAD_DIM = 96;

const qkvOfToken: Step = async (on) => {
  const [shape, width] = [{ heads: 6, kvHeads: 6, headDim: HEAD_DIM }, 64];
  const outs = 18 * HEAD_DIM;
  const weight = await makeWeight(on, randomValues(2, outs * width), [outs, width], 'q4');
  const pool = on.createKvPool({ layers: 1, ...shape, dtype: 'f16' });
  await pool.grow(1);
  return () => {
    const rope = on.input(randomValues(4, HEAD_DIM), [1, HEAD_DIM]);
    const qkv = on.linear(on.input(randomValues(3, width), [1, width]), weight);
    return on.appendKv(qkv, rope, { pool, pages: [0], length: 0 }, 0, { ...shape, order: 'byKind' });
  };
};

interface Attention {
  readonly heads: number;
  readonly tokens: number;
  /** Of the tokens before them. */
  readonly length: number;
  readonly window?: number;
  readonly bidirectional?: boolean;
  readonly sparsity?: Sparsity;
}

/** Attention of tokens that are stored, with two heads to each head of keys. */
function attention({ heads, tokens, length, window = 1 << 30, ...options }: Attention): Step {
  return async (on) => {
    const shape = { heads, kvHeads: heads / 2, headDim: HEAD_DIM };
    const [all, width] = [length + tokens, 2 * heads * HEAD_DIM];
    const pool = on.createKvPool({ layers: 1, ...shape, dtype: 'f16' });
    const pages = Array.from({ length: Math.ceil(all / PAGE_TOKENS) }, (_, i) => i);
    await pool.grow(pages.length);
    await on.step(() => {
      const rope = on.input(randomValues(1, all * HEAD_DIM), [all, HEAD_DIM]);
      const qkv = on.input(randomValues(2, all * width), [all, width]);
      return on.appendKv(qkv, rope, { pool, pages, length: 0 }, 0, { ...shape, order: 'byKind' });
    });
    return () => {
      const q = on.input(randomValues(3, tokens * heads * HEAD_DIM), [tokens, heads * HEAD_DIM]);
      return on.attention(q, { pool, pages, length }, 0, { ...shape, scale: 0.1, window, ...options });
    };
  };
}
