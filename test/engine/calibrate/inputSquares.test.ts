import assert from 'node:assert/strict';
import { InputSquares } from '../../../engine/calibrate/inputSquares.ts';
import { Weights } from '../../../engine/layers/weights.ts';
import { loadModel } from '../../../engine/load/loadModel.ts';
import { textPrompt } from '../../../engine/prompt/prompt.ts';
import { ReferenceOps } from '../../../kernels/reference/referenceOps.ts';
import { TINY_CONFIG, TinyFolder } from '../../support/engine/tinyModel.ts';
import { makeWeight } from '../../support/weights.ts';

const IDS = Array.from({ length: 40 }, (_, i) => (i * 37) % TINY_CONFIG.vocab_size);

describe('sums of squares of the inputs of products', () => {
  it('are those of all rows of all steps, column by column', async () => {
    const backend = new ReferenceOps();
    const weight = await makeWeight(backend, Float32Array.of(1, 0, 0, 0, 1, 1), [2, 3], 'f32');
    const squares = new InputSquares();
    const ops = squares.observe(backend, new Weights(new Map([['w', weight]])));
    const run = (...x: number[]) =>
      ops.step(() => ops.linear(ops.input(Float32Array.from(x), [x.length / 3, 3]), weight));
    assert.deepEqual([...(await run(1, 0, 2, 3, 0, -1))], [1, 2, 3, -1]);
    await run(2, 0, 0);
    // Nothing went into the second column, which counts as the least of the others.
    assert.deepEqual(
      [...squares.sums()].map(([name, sums]) => [name, ...sums]),
      [['w', 14, 5, 5]],
    );
  });

  it('of a model are about the same on every backend, and the model computes what it does unobserved', async function () {
    this.timeout(60_000);
    const folder = TinyFolder.model();
    try {
      const expected = await observe(folder.path, 'reference');
      assert.deepEqual(
        [...expected.sums.keys()],
        [0, 1]
          .flatMap((n) =>
            ['self_attn.qkv_proj', 'self_attn.o_proj', 'mlp.gate_up_proj', 'mlp.down_proj'].map(
              (name) => `model.layers.${n}.${name}.weight`,
            ),
          )
          .concat('lm_head.weight'),
      );
      const got = await observe(folder.path, 'wasm');
      for (const [name, sums] of expected.sums) {
        got.sums.get(name)!.forEach((sum, column) => {
          assert.ok(Math.abs(sum - sums[column]!) <= 0.02 * sums[column]! + 1e-4, `${name}, ${column}: ${sum}`);
        });
      }
      for (const { logits, unobserved } of [expected, got]) assert.deepEqual(logits, unobserved);
    } finally {
      folder.remove();
    }
  });
});

/** The sums after a prompt in two chunks, and the logits of its end with and without an observer. */
async function observe(path: string, backend: 'reference' | 'wasm') {
  const squares = new InputSquares();
  const logitsOf = async (observed: boolean): Promise<Float32Array> => {
    const model = await loadModel(path, {
      ...{ backend, weights: 'f16', kv: 'f32', chunkTokens: 24, threads: 2 },
      observe: observed ? (ops, weights) => squares.observe(ops, weights) : undefined,
    });
    try {
      return (await model.createSession().run(textPrompt(IDS), { output: 'logits' })).values;
    } finally {
      await model.dispose();
    }
  };
  return { logits: await logitsOf(true), unobserved: await logitsOf(false), sums: squares.sums() };
}
