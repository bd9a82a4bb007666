import assert from 'node:assert/strict';
import { loadWeights } from '../../../engine/load/loadWeights.ts';
import { withFormats } from '../../../engine/load/weightFormats.ts';
import { readBlueprint } from '../../../engine/models/architectures.ts';
import { randomCheckpoint } from '../../../engine/sources/random.ts';
import type { GpuOps } from '../../../kernels/gpu/gpuOps.ts';
import {
  type AttentionShape,
  type KvDType,
  type Ops,
  type StepResult,
  type Tensor,
  type WeightDType,
  PAGE_TOKENS,
} from '../../../kernels/ops.ts';
import { ReferenceOps } from '../../../kernels/reference/referenceOps.ts';
import { assertClose } from '../../support/close.ts';
import { gpuOrSkip } from '../../support/gpuOrSkip.ts';
import { randomValues } from '../../support/random.ts';
import { WEIGHT_DTYPES, makeWeight } from '../../support/weights.ts';

interface Size {
  readonly rows: number;
  readonly width: number;
  readonly gates: number;
}

/** A norm, the product of it, and the gate of that; tests say what of these a step reads back. */
type Part = 'norm' | 'product' | 'gated' | 'gatedPlain';

for (const baselineOnly of [false, true]) {
  describe(`operations that the GPU backend joins${baselineOnly ? ' at baseline limits' : ''}`, function () {
    this.timeout(60_000);
    let ops: GpuOps;

    before(async function () {
      ops = await gpuOrSkip(this, { baselineOnly });
    });
    after(() => ops?.dispose());

    const sizes: readonly (Size & { readonly dispatches: number })[] = [
      { rows: 1, width: 96, gates: 1, dispatches: 1 },
      { rows: 1, width: 3072, gates: 37, dispatches: 1 },
      { rows: 3, width: 64, gates: 6, dispatches: 1 },
      { rows: 8, width: 256, gates: 33, dispatches: 1 },
      { rows: 9, width: 64, gates: 10, dispatches: 3 }, // A tile's.
    ];
    for (const dtype of WEIGHT_DTYPES) {
      for (const { dispatches, ...size } of sizes) {
        for (const outlier of [0, 800]) {
          const name = `${size.rows} x ${size.width}, ${size.gates} gates, ${dtype}${outlier ? ', with outliers' : ''}`;
          it(`norm, product and gate in ${dispatches === 1 ? 'one dispatch' : `${dispatches} dispatches`}: ${name}`, async () => {
            const before = ops.dispatches;
            const got = await normAndGate(ops, size, dtype, outlier, ['gated']);
            assert.equal(ops.dispatches - before, dispatches);
            assertClose(got, await normAndGate(new ReferenceOps(), size, dtype, outlier, ['gated']), 5e-5);
          });
        }
      }
    }

    it('computes what was joined by itself where that is read back too', async () => {
      const size = { rows: 2, width: 128, gates: 20 };
      const parts: readonly Part[] = ['norm', 'product', 'gated', 'gatedPlain'];
      const got = await normAndGate(ops, size, 'q4', 0, parts);
      assertClose(got, await normAndGate(new ReferenceOps(), size, 'q4', 0, parts), 5e-5);
    });

    it('does not join a width that is no whole number of blocks', async () => {
      const size = { rows: 1, width: 100, gates: 3 };
      const got = await normAndGate(ops, size, 'f16', 0, ['gated']);
      assertClose(got, await normAndGate(new ReferenceOps(), size, 'f16', 0, ['gated']), 5e-5);
    });

    it('does not join what was replaced meanwhile', async () => {
      const record = async (on: Ops): Promise<Float32Array> => {
        const weight = await makeWeight(on, randomValues(3, 8 * 64), [8, 64], 'f32');
        const norm = on.upload(randomValues(2, 64), [64]);
        return on.step(() => {
          const x = on.input(randomValues(1, 64), [1, 64]);
          const normed = on.rmsNorm(x, norm, 1e-5);
          const replaced = on.replaceRows(x, 0, on.input(randomValues(9, 64), [1, 64]));
          return [on.linear(normed, weight), replaced];
        });
      };
      assertClose(await record(ops), await record(new ReferenceOps()), 2e-5);
    });

    const heads: readonly [heads: number, kvHeads: number, headDim: number][] = [
      [4, 4, 96],
      [3, 1, 64],
      [2, 2, 8],
      [6, 2, 24],
    ];
    for (const [headCount, kvHeads, headDim] of heads) {
      for (const kv of ['f32', 'f16', 'q8'] as const) {
        for (const dtype of ['f32', 'q4', 'q6m'] as const) {
          it(`norm, product and rotation: ${headCount} + 2 x ${kvHeads} heads of ${headDim}, ${dtype}, stored as ${kv}`, async () => {
            const shape = { heads: headCount, kvHeads, headDim };
            const before = ops.dispatches;
            const got = await appendTokens(ops, shape, kv, dtype);
            // Three steps, each of which attends; q8 needs the whole head before it can round.
            assert.equal(ops.dispatches - before, kv === 'q8' ? 9 : 6);
            const tolerance = { f32: 5e-5, f16: 2e-3, q8: 2e-2 }[kv]; // Those of attention.test.ts.
            assertClose(got, await appendTokens(new ReferenceOps(), shape, kv, dtype), tolerance);
          });
        }
      }
    }

    // What is left of a layer: the product that makes q, k and v, rotates and stores them; attention, split and merged in a long
    // context; its output; the gated product; and its output. Beside the layers: the embedding, the head and the largest logit.
    const decoders: readonly [name: string, config: object, length: number, ofLayer: number][] = [
      ['phi-3-mini', { architectures: ['Phi3ForCausalLM'], num_key_value_heads: 4 }, 20, 5],
      ['phi-3-mini', { architectures: ['Phi3ForCausalLM'], num_key_value_heads: 4 }, 1000, 5],
      ['phi-3-mini', { architectures: ['Phi3ForCausalLM'], num_key_value_heads: 4 }, 1500, 6],
      ['SmolLM2', { architectures: ['LlamaForCausalLM'], num_key_value_heads: 2 }, 20, 5],
      ['SmolLM2', { architectures: ['LlamaForCausalLM'], num_key_value_heads: 2 }, 1000, 5],
    ];
    for (const [name, config, length, ofLayer] of decoders) {
      it(`decodes a token after ${length} with ${ofLayer} dispatches a layer and 3 others: the form of ${name}`, async () => {
        const [one, three] = [
          await decodeDispatches(ops, config, 1, length),
          await decodeDispatches(ops, config, 3, length),
        ];
        assert.deepEqual({ ofLayer: (three - one) / 2, others: one - (three - one) / 2 }, { ofLayer, others: 3 });
      });
    }
  });
}

const NARROW = {
  hidden_size: 128,
  intermediate_size: 64,
  num_attention_heads: 4,
  vocab_size: 64,
  rms_norm_eps: 1e-5,
  max_position_embeddings: 2048,
};

async function normAndGate(
  ops: Ops,
  { rows, width, gates }: Size,
  dtype: WeightDType,
  outlier: number,
  wanted: readonly Part[],
): Promise<Float32Array> {
  const values = randomValues(3, 2 * gates * width).map((value) => value / Math.sqrt(width));
  const weight = await makeWeight(ops, values, [2 * gates, width], dtype);
  const norm = ops.upload(randomValues(2, width), [width]);
  const bias = ops.upload(randomValues(4, 2 * gates), [2 * gates]);
  const x = randomValues(1, rows * width);
  if (outlier > 0) for (let i = 5; i < x.length; i += 61) x[i] = i % 2 === 0 ? outlier : -outlier;
  const y = await ops.step((): StepResult => {
    const normed = ops.rmsNorm(ops.input(x, [rows, width]), norm, 1e-5);
    const product = ops.linear(normed, weight, { bias });
    const parts: Record<Part, () => Tensor> = {
      norm: () => normed,
      product: () => product,
      gated: () => ops.siluMul(product),
      gatedPlain: () => ops.siluMul(ops.linear(ops.input(x, [rows, width]), weight)),
    };
    return wanted.map((part) => parts[part]());
  });
  for (const tensor of [weight, norm, bias]) ops.free(tensor);
  return y;
}

/** Norm, product, rotation and attention of the last token of a page and two more, on pages in disorder: all their results. */
async function appendTokens(ops: Ops, shape: AttentionShape, kv: KvDType, dtype: WeightDType): Promise<Float32Array> {
  const { heads, kvHeads, headDim } = shape;
  const width = 64;
  const outs = (heads + 2 * kvHeads) * headDim;
  const weight = await makeWeight(ops, randomValues(3, outs * width), [outs, width], dtype);
  const norm = ops.upload(randomValues(2, width), [width]);
  const pool = ops.createKvPool({ layers: 1, kvHeads, headDim, dtype: kv });
  await pool.grow(3);
  const results: number[] = [];
  for (const length of [PAGE_TOKENS - 1, PAGE_TOKENS, PAGE_TOKENS + 1]) {
    const view = { pool, pages: [2, 0], length };
    const angles = Array.from({ length: headDim / 2 }, (_, i) => length / 10 ** (i / headDim));
    const rope = Float32Array.from([...angles.map(Math.cos), ...angles.map(Math.sin)]);
    const y = await ops.step(() => {
      const x = ops.rmsNorm(ops.input(randomValues(length, width), [1, width]), norm, 1e-5);
      const table = ops.input(rope, [1, headDim]);
      const q = ops.appendKv(ops.linear(x, weight), table, view, 0, { ...shape, order: 'byKind' });
      return ops.attention(q, view, 0, { ...shape, scale: headDim ** -0.5, window: length - PAGE_TOKENS + 2 });
    });
    results.push(...y);
  }
  pool.dispose();
  for (const tensor of [weight, norm]) ops.free(tensor);
  return Float32Array.from(results);
}

/** The dispatches of one token of a narrow decoder with `length` tokens before it. */
async function decodeDispatches(ops: GpuOps, form: object, layers: number, length: number): Promise<number> {
  const { config, tensors, build } = readBlueprint({ ...NARROW, ...form, num_hidden_layers: layers });
  const weights = await loadWeights(ops, randomCheckpoint(tensors), withFormats(tensors, 'q4'), {});
  const decoder = build(weights, ops);
  const { kvHeads, headDim } = config;
  const pool = ops.createKvPool({ layers, kvHeads, headDim, dtype: 'f16' });
  const count = Math.ceil((length + 1) / PAGE_TOKENS);
  await pool.grow(count);
  const kv = { pool, pages: Array.from({ length: count }, (_, page) => page), length };
  const before = ops.dispatches;
  await ops.step(() => {
    const logits = decoder.forward(ops, decoder.embed(ops, [7], []), kv, { last: 1, totalLength: length + 1 });
    return ops.argmax(logits);
  });
  pool.dispose();
  for (const { name } of tensors) ops.free(weights.get(name));
  return ops.dispatches - before;
}
