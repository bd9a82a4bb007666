/** Steps of few tokens, which verify drafts: each row of their attention is what it is alone. */
import assert from 'node:assert/strict';
import { PAGE_TOKENS } from '../../../kernels/ops.ts';
import { randomValues } from '../../support/random.ts';
import { withWasm } from '../../support/withWasm.ts';

const BEFORE = 2 * PAGE_TOKENS - 3;
const FEW = 5;

describe('wasm: attention of a step of few tokens', () => {
  for (const dtype of ['f32', 'f16', 'q8'] as const) {
    for (const group of [1, 2, 3, 4, 7]) {
      it(`${dtype}, ${group} heads that share keys: a row is the same bit for bit beside any others`, () =>
        withWasm({ threads: 1 }, async (ops) => {
          const shape = { heads: 2 * group, kvHeads: 2, headDim: 40 };
          const width = (2 * group + 4) * shape.headDim;
          const pool = ops.createKvPool({ layers: 1, kvHeads: 2, headDim: shape.headDim, dtype });
          await pool.grow(3);
          const all = randomValues(group, (BEFORE + FEW) * width);
          const attend = (first: number, tokens: number): Promise<Float32Array> =>
            ops.step(() => {
              const kv = { pool, pages: [2, 0, 1], length: first };
              const qkv = ops.input(all.slice(first * width, (first + tokens) * width), [tokens, width]);
              const turns = Float32Array.from({ length: tokens * shape.headDim }, (_, i) => +(i % 40 < 20));
              const q = ops.appendKv(qkv, ops.input(turns, [tokens, shape.headDim]), kv, 0, {
                ...shape,
                order: 'byKind',
              });
              return ops.attention(q, kv, 0, { ...shape, window: 1 << 30, scale: 0.2 });
            });
          await attend(0, BEFORE);
          const alone: number[] = [];
          for (let i = 0; i < FEW; i++) alone.push(...(await attend(BEFORE + i, 1)));
          assert.deepEqual([...(await attend(BEFORE, FEW))], alone);
          pool.dispose();
        }));
    }
  }
});
