import assert from 'node:assert/strict';
import { readBlueprint } from '../../../engine/models/architectures.ts';
import { SHAPES } from '../../bench/engine/shapes.ts';
import { loadWeights } from '../../../engine/load/loadWeights.ts';
import { withFormats } from '../../../engine/load/weightFormats.ts';
import { randomCheckpoint } from '../../../engine/sources/random.ts';
import { type Ops, PAGE_TOKENS } from '../../../kernels/ops.ts';
import { backends, openedFor } from '../../support/engine/backends.ts';

const TOKENS = 16;
const CONTEXTS = [4096, 32768] as const;
/** Lists of page numbers, which grow with the context, are beside the point. */
const LISTS = 64 * 1024;

for (const backend of backends.filter(({ name }) => !name.includes('plain'))) {
  describe(`scratch memory of a long context on ${backend.name}`, function () {
    this.timeout(60_000);
    const opened = openedFor(backend);
    let seen = false;

    for (const [shape, heads] of [
      ['phi-3-mini-128k', { hidden_size: 384, num_attention_heads: 4, intermediate_size: 1024 }],
      [
        'phi-3-small-128k',
        { hidden_size: 512, num_attention_heads: 4, num_key_value_heads: 1, ff_intermediate_size: 1024 },
      ],
    ] as const) {
      it(`${shape}, fewer heads: a chunk at 32768 takes what a chunk at 4096 takes`, async () => {
        const config = { ...SHAPES[shape], ...heads, num_hidden_layers: 2, vocab_size: 512, dummy_token_indices: [] };
        const short = await scratchBytes(opened.ops, config, CONTEXTS[0]);
        const long = await scratchBytes(opened.ops, config, CONTEXTS[1]);
        // A GPU keeps scratch from step to step, so that the second model may need no more.
        seen ||= short > 0;
        assert.ok(seen, 'no scratch was seen');
        assert.ok(long <= short + LISTS, `${long} bytes at ${CONTEXTS[1]}, ${short} at ${CONTEXTS[0]}`);
      });
    }
  });
}

/** The most that a step holds beside weights and KV cache, for the last tokens of a context. */
async function scratchBytes(ops: Ops, configJson: object, context: number): Promise<number> {
  const { config, tensors, build } = readBlueprint(configJson);
  const weights = await loadWeights(ops, randomCheckpoint(tensors), withFormats(tensors, 'q4'), {});
  const decoder = build(weights, ops);
  const { layers, kvHeads, headDim } = config;
  const pool = ops.createKvPool({ layers, kvHeads, headDim, dtype: 'q8' });
  await pool.grow(context / PAGE_TOKENS);
  const pages = Array.from({ length: context / PAGE_TOKENS }, (_, page) => page);
  const kv = { pool, pages, length: context - TOKENS };
  const ids = Array.from({ length: TOKENS }, (_, i) => i);
  const held = ops.bytesHeld;
  let most = 0;
  const timer = setInterval(() => (most = Math.max(most, ops.bytesHeld)), 1);
  await ops.step(() => decoder.forward(ops, decoder.embed(ops, ids, []), kv, { last: 1, totalLength: context }));
  clearInterval(timer);
  most = Math.max(most, ops.bytesHeld) - held;
  pool.dispose();
  for (const { name } of tensors) ops.free(weights.get(name));
  return most;
}
