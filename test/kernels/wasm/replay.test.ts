/** A step like the one before runs the program of that one, with other data. */
import assert from 'node:assert/strict';
import { type KvPool, PAGE_TOKENS, type StepResult, type Tensor } from '../../../kernels/ops.ts';
import type { WasmOps } from '../../../kernels/wasm/wasmOps.ts';
import { randomValues } from '../../support/random.ts';
import { makeWeight } from '../../support/weights.ts';
import { withWasm } from '../../support/withWasm.ts';

const WIDTH = 64;
const SHAPE = { heads: 2, kvHeads: 1, headDim: 16 };

/** What differs between two steps. Only the first three are data. */
interface Variant {
  readonly ids?: readonly number[];
  readonly length?: number;
  readonly pages?: readonly number[];
  readonly scale?: number;
  readonly eps?: number;
  readonly norm?: 'a' | 'b';
  readonly weight?: 'a' | 'b';
  readonly residual?: boolean;
  readonly window?: number;
  readonly order?: 'byKind' | 'byGroup';
  readonly layer?: number;
  readonly twice?: boolean;
  readonly result?: 'logits' | 'argmax' | 'both';
}

/** Weights and cache of a small model on a backend. */
class Model {
  readonly #ops: WasmOps;
  readonly #weights: ReadonlyMap<string, Tensor>;

  private constructor(
    ops: WasmOps,
    weights: ReadonlyMap<string, Tensor>,
    readonly pool: KvPool,
  ) {
    this.#ops = ops;
    this.#weights = weights;
  }

  static async on(ops: WasmOps): Promise<Model> {
    const weights = new Map<string, Tensor>();
    for (const [i, name] of ['table', 'a', 'b'].entries()) {
      weights.set(name, await makeWeight(ops, randomValues(i, WIDTH * WIDTH), [WIDTH, WIDTH], 'q4'));
      weights.set(`${name} norm`, ops.upload(randomValues(10 + i, WIDTH), [WIDTH]));
    }
    const pool = ops.createKvPool({ layers: 2, kvHeads: 1, headDim: SHAPE.headDim, dtype: 'f16' });
    await pool.grow(3);
    for (let page = 0; page < 3; page++) await pool.write(page, new Uint8Array(pool.pageBytes).fill(16 * page + 1));
    return new Model(ops, weights, pool);
  }

  run(variant: Variant): Promise<Float32Array> {
    return this.#ops.step(() => this.#record(variant));
  }

  #record(variant: Variant): StepResult {
    const { ids = [3], length = PAGE_TOKENS + 5, pages = [0, 1], scale = 1, eps = 1e-5, layer = 0 } = variant;
    const {
      norm = 'a',
      weight = 'a',
      residual = true,
      window = 1 << 30,
      order = 'byKind',
      result = 'logits',
    } = variant;
    const ops = this.#ops;
    const get = (name: string) => this.#weights.get(name)!;
    const x = ops.embed(get('table'), ids, scale);
    const y = ops.linear(ops.rmsNorm(x, get(`${norm} norm`), eps), get(weight), residual ? { residual: x } : {});
    const kv = { pool: this.pool, pages, length };
    const rope = ops.input(randomValues(length, ids.length * SHAPE.headDim), [ids.length, SHAPE.headDim]);
    const q = ops.appendKv(y, rope, kv, layer, { ...SHAPE, order });
    const mixed = ops.attention(q, kv, layer, { ...SHAPE, window, scale: 0.3 });
    const wide = ops.siluMul(ops.linear(x, get('b')));
    const z = ops.gatherRows(wide, ids.length === 1 ? [0] : [1, 0]);
    const logits = variant.twice ? ops.gelu(mixed, 'erf') : mixed;
    if (result === 'both') return [logits, z];
    return result === 'argmax' ? ops.argmax(logits) : logits;
  }
}

/** What the steps read back, one after the other, and how many were replayed. Afresh: none is like the one before. */
async function run(
  variants: readonly Variant[],
  isFresh: boolean,
): Promise<{ values: Float32Array[]; replays: number }> {
  return withWasm({ threads: 2 }, async (ops) => {
    const model = await Model.on(ops);
    const values: Float32Array[] = [];
    for (const variant of variants) {
      if (isFresh) await ops.step(() => ops.input(Float32Array.of(0), [1, 1]));
      values.push(await model.run(variant));
    }
    return { values, replays: ops.replays };
  });
}

describe('wasm: a step that is replayed', function () {
  this.timeout(60_000);

  for (const [variant, replays] of [
    [{}, 1],
    [{ ids: [9] }, 1],
    [{ length: PAGE_TOKENS + 6 }, 1],
    [{ length: PAGE_TOKENS }, 1],
    [{ pages: [2, 0] }, 1],
    [{ pages: [1, 2], length: 2 * PAGE_TOKENS - 1, ids: [60] }, 1],
    [{ length: PAGE_TOKENS - 1 }, 0],
    [{ length: 2 * PAGE_TOKENS, pages: [0, 1, 2] }, 0],
    [{ ids: [4, 5] }, 0],
    [{ scale: 2 }, 0],
    [{ eps: 1e-3 }, 0],
    [{ norm: 'b' }, 0],
    [{ weight: 'b' }, 0],
    [{ residual: false }, 0],
    [{ window: 8 }, 0],
    [{ order: 'byGroup' }, 0],
    [{ layer: 1 }, 0],
    [{ twice: true }, 0],
    [{ result: 'argmax' }, 0],
    [{ result: 'both' }, 0],
  ] as const) {
    it(`${replays ? 'with other data' : 'is not where the step differs'}: ${JSON.stringify(variant)}`, async () => {
      const variants = [{}, variant, variant, variant, {}];
      const { values: want, replays: none } = await run(variants, true);
      assert.equal(none, 0);
      assert.deepEqual(await run(variants, false), { values: want, replays: replays ? 4 : 2 });
    });
  }

  it('is not where other data may lie in its memory', () =>
    withWasm({ threads: 2 }, async (ops) => {
      const model = await Model.on(ops);
      const want = await model.run({});
      const upload = () => ops.upload(new Float32Array(1 << 14).fill(7), [1 << 14]);
      ops.free(upload());
      assert.deepEqual(await model.run({}), want);
      const held = upload();
      assert.deepEqual(await model.run({}), want);
      ops.free(held);
      assert.deepEqual(await model.run({}), want);
      await model.pool.grow(40);
      assert.deepEqual(await model.run({}), want);
      assert.equal(ops.replays, 0);
      assert.deepEqual(await model.run({}), want);
      assert.equal(ops.replays, 1);
    }));

  it('is not after a step that failed while it was recorded, which leaves the next one right', () =>
    withWasm({ threads: 2 }, async (ops) => {
      const model = await Model.on(ops);
      const want = await model.run({});
      await assert.rejects(model.run({ ids: [WIDTH] }), /^Error: embed: id 64 /);
      assert.deepEqual(await model.run({}), want);
    }));
});
