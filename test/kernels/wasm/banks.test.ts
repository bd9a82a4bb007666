import assert from 'node:assert/strict';
import { readBlueprint } from '../../../engine/models/architectures.ts';
import { openSource } from '../../../engine/sources/openSource.ts';
import { loadWeights } from '../../../engine/load/loadWeights.ts';
import { withFormats } from '../../../engine/load/weightFormats.ts';
import { type KvView, OutOfMemory, PAGE_TOKENS } from '../../../kernels/ops.ts';
import { Banks, MOST_BANKS } from '../../../kernels/wasm/host/banks.ts';
import { Opcode, PLAN_WORDS } from '../../../kernels/wasm/opcodes.ts';
import { chooseKernels } from '../../../kernels/wasm/host/platform.ts';
import { Program } from '../../../kernels/wasm/host/program.ts';
import { type WasmOptions } from '../../../kernels/wasm/wasmOps.ts';
import { goldenFolder, readGolden } from '../../support/engine/golden.ts';
import { randomValues } from '../../support/random.ts';
import { withWasm } from '../../support/withWasm.ts';

// The tables of ops.test.ts and attention.test.ts run on several memories too (support/backends.ts).

/** Puts every layer into a memory of its own. */
const SPREAD: WasmOptions = { threads: 2, bankWeightBytes: 1 };

describe('wasm: a model in several memories', function () {
  this.timeout(60_000);
  for (const name of ['mini-4k', 'mini-128k', 'medium-gqa', 'small-step2']) {
    for (const weights of ['f32', 'q4'] as const) {
      it(`${name}, ${weights}: the logits of one memory, bit for bit`, async () => {
        const one = await forward({ threads: 2 }, name, weights);
        const several = await forward(SPREAD, name, weights);
        assert.equal(one.banks, 1);
        assert.equal(several.banks, several.layers + 1, 'memories: of each layer, of the embedding and the head');
        assert.deepEqual(several.logits, one.logits);
      });
    }
  }
});

/** Logits of a golden's last prompt, whose last three tokens are computed one by one. */
function forward(
  options: WasmOptions,
  name: string,
  weights: 'f32' | 'q4',
): Promise<{ logits: Float32Array; layers: number; banks: number }> {
  return withWasm(options, async (ops) => {
    const source = await openSource(goldenFolder(name));
    const blueprint = readBlueprint(await source.config());
    const checkpoint = await source.checkpoint();
    const model = blueprint.build(await loadWeights(ops, checkpoint, withFormats(blueprint.tensors, weights), {}), ops);
    await checkpoint.close();
    const { layers, kvHeads, headDim } = blueprint.config;
    const pool = ops.createKvPool({ layers, kvHeads, headDim, dtype: 'f16' });
    const { ids } = readGolden(name)[0]!.prompts.at(-1)!;
    const pages = Array.from({ length: Math.ceil(ids.length / PAGE_TOKENS) }, (_, i) => i);
    await pool.grow(pages.length);
    let logits: Float32Array = new Float32Array();
    for (let length = 0, count = ids.length - 3; length < ids.length; length += count, count = 1) {
      const kv: KvView = { pool, pages, length };
      const chunk = ids.slice(length, length + count);
      logits = await ops.step(() => {
        const x = model.embed(ops, chunk, []);
        return model.forward(ops, x, kv, { last: 1, totalLength: ids.length });
      });
    }
    return { logits, layers, banks: ops.banks.all.length };
  });
}

describe('wasm: where layers lie', function () {
  this.timeout(60_000);

  it('keeps a layer together, in whatever order its tensors come, and forgets it with the last', () =>
    withWasm({ threads: 1, bankWeightBytes: 1000 }, async (ops) => {
      const upload = (layer?: number) => ops.upload(new Float32Array(100), [100], layer);
      const order = [3, undefined, 0, 1, 3, 0, 2, 2, 1, undefined];
      const tensors = order.map(upload); // Two tensors of 400 bytes fit; every layer has two.
      const banks = [3, 0, 1, 2].map((layer) => ops.banks.ofLayer(layer).index);
      assert.deepEqual(banks, [0, 1, 1, 2]);
      for (const tensor of tensors) ops.free(tensor);
      assert.equal(ops.bytesHeld, 0);
      assert.equal(ops.banks.ofLayer(2).index, 0);
      upload(7);
      assert.deepEqual([ops.banks.ofLayer(7).index, ops.banks.all.length], [0, 3]);
    }));

  it('takes another memory where intermingled layers would fill one', () =>
    withWasm({ threads: 1, bankBytes: 1 << 20, bankWeightBytes: 1 << 16 }, async (ops) => {
      for (const layer of [0, 1]) ops.upload(new Float32Array(1), [1], layer); // Both small so far: in one memory.
      for (const layer of [0, 1]) ops.upload(new Float32Array(1e5), [1e5], layer);
      assert.deepEqual([ops.banks.ofLayer(0).index, ops.banks.ofLayer(1).index], [0, 1]);
    }));

  it('spreads further layers evenly where no more memories are made', () =>
    withWasm(SPREAD, async (ops) => {
      for (let layer = 0; layer < MOST_BANKS + 2; layer++) ops.upload(new Float32Array(1), [1], layer);
      const [a, b] = [MOST_BANKS, MOST_BANKS + 1].map((layer) => ops.banks.ofLayer(layer).index);
      assert.equal(ops.banks.all.length, MOST_BANKS);
      assert.notEqual(a, b);
    }));

  it('refuses pages where one memory is full, in one sentence, and changes nothing', () =>
    withWasm({ ...SPREAD, bankBytes: 1 << 20 }, async (ops) => {
      for (const layer of [0, 1]) ops.upload(new Float32Array(1), [1], layer);
      ops.upload(new Float32Array(1e5), [1e5], 1);
      const pool = ops.createKvPool({ layers: 2, kvHeads: 1, headDim: 64, dtype: 'f32' });
      await pool.grow(15); // 32 KiB in each memory and page.
      const held = ops.bytesHeld;
      const sentence =
        /^Not enough memory: 0.1 MB are needed beside 1 MB in use, and one memory of [^.]* 1.1 MB in all.$/;
      await assert.rejects(
        pool.grow(20),
        (error: Error) => error instanceof OutOfMemory && sentence.test(error.message),
      );
      assert.deepEqual([pool.capacity, ops.bytesHeld], [15, held]);
      assert.ok(ops.banks.all.length === 2 && held < 2 ** 21);
    }));

  it('limits all memories together', () =>
    withWasm({ ...SPREAD, maxBytes: 1 << 20 }, async (ops) => {
      const upload = (layer: number) => ops.upload(new Float32Array(9e4), [9e4], layer);
      upload(0);
      upload(1);
      const held = ops.bytesHeld;
      assert.throws(() => upload(2), /^OutOfMemory: .*and the WASM backend may use 1.1 MB in all\.$/);
      assert.equal(ops.bytesHeld, held);
    }));
});

describe('wasm: a step over several memories', () => {
  it('changes memory where the weights do, and copies once what an operation needs', async () => {
    const { module } = await chooseKernels('auto');
    const banks = new Banks(module, SPREAD);
    const weights = [0, 1].map((layer) => ({ storage: banks.hold(256, layer), shape: [64], dtype: 'f32', offset: 0 }));
    const program = new Program();
    const norm = (x: ReturnType<Program['tensor']>, weight: number) => {
      const y = program.tensor([1, 64]);
      const words = [x, weights[weight]! as typeof x, y, 64, 0];
      program.add({ opcode: Opcode.rmsNorm, items: 1, grain: 1, words });
      return y;
    };
    const first = norm(program.tensor([1, 64], randomValues(1, 64)), 0);
    const second = norm(first, 1);
    norm(first, 1);
    const placed = program.place(banks, 1, [norm(second, 0)]);
    const rows = Array.from({ length: placed.entries }, (_, i) => {
      const at = placed.address / 4 + i * PLAN_WORDS;
      const [bank, count, , original] = banks.at(0).heap.view.u32.subarray(at, at + PLAN_WORDS);
      return count ? `${count} in ${bank}` : `${original} to ${bank}`;
    });
    assert.deepEqual(rows, ['1 in 0', '0 to 1', '2 in 1', '1 to 0', '1 in 0']);
    placed.release();
    assert.equal(banks.bytesHeld, 512);
  });
});
