import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { availableParallelism } from 'node:os';
import { setImmediate, setTimeout } from 'node:timers/promises';
import { loadModel } from '../../../engine/load/loadModel.ts';
import type { LoadedModel } from '../../../engine/load/loadedModel.ts';
import type { Tensor } from '../../../kernels/ops.ts';
import { CONTROL, CONTROL_DONE } from '../../../kernels/wasm/opcodes.ts';
import { isAlive } from '../../support/extension/engineHost.ts';
import { readGolden, withGolden } from '../../support/engine/golden.ts';
import { randomValues } from '../../support/random.ts';
import { withWasm } from '../../support/withWasm.ts';
import { WEIGHT_DTYPES, makeWeight } from '../../support/weights.ts';
import { repeatGenerations } from '../../support/engine/repeatGenerations.ts';
import { textPrompt } from '../../../engine/prompt/prompt.ts';

/** AIRGAP_GENERATIONS=10000 takes half a minute. */
const GENERATIONS = Number(process.env['AIRGAP_GENERATIONS'] ?? 500);

describe('wasm: threads', function () {
  this.timeout(60_000);

  for (const threads of [1, 3, 8]) {
    for (const [name, config] of [
      ['mini-4k', 'config.json'],
      ['small-blocksparse', 'config.json'],
    ] as const) {
      it(`${name} on ${threads} threads: greedy ids of the golden`, () =>
        withGolden(name, { config }, async (folder) => {
          const model = await loadModel(folder, { backend: 'wasm', weights: 'f32', kv: 'f32', threads });
          const variant = readGolden(name).find((golden) => golden.config === config)!;
          for (const { ids, greedy } of variant.prompts.filter((prompt) => prompt.greedy)) {
            assert.deepEqual(await generate(model, ids, 16), greedy!.ids);
          }
          await model.dispose();
        }));
    }
  }

  it('1 to 8 compute the same products, bit for bit', async () => {
    const [width, outs] = [256, 331];
    const results = new Map<number, Float32Array>();
    for (let threads = 1; threads <= 8; threads++) {
      await withWasm({ threads }, async (ops) => {
        const weights: Tensor[] = [];
        for (const dtype of WEIGHT_DTYPES) {
          weights.push(await makeWeight(ops, randomValues(3, outs * width), [outs, width], dtype));
        }
        for (const rows of [1, 5, 40]) {
          const x = randomValues(rows, rows * width);
          for (const [i, weight] of weights.entries()) {
            const y = await ops.step(() => ops.linear(ops.input(x, [rows, width]), weight));
            const key = rows * 10 + i;
            if (threads === 1) results.set(key, y);
            else assert.deepEqual(y, results.get(key), `${threads} threads, ${rows} rows, ${weight.dtype}`);
          }
        }
      });
    }
  });

  it('a late notice of the step before does not end the next one', () =>
    withWasm({ threads: 2 }, async (ops) => {
      const weight = await makeWeight(ops, randomValues(1, 1024 * 1024), [1024, 1024], 'f32');
      const x = randomValues(2, 64 * 1024);
      const step = () => ops.step(() => ops.linear(ops.input(x, [64, 1024]), weight));
      const want = await step();
      const control = new Int32Array(ops.banks.at(0).heap.memory.buffer, CONTROL);
      await ops.step(() => ops.input(new Float32Array(1 << 18), [1, 1 << 18])); // Other values lie in the scratch now.
      const late = step();
      await setImmediate(); // It has begun.
      Atomics.notify(control, CONTROL_DONE);
      const got = await late;
      assert.equal(
        got.findIndex((value, i) => value !== want[i]),
        -1,
      );
    }));

  it('a neighbour that keeps a core busy takes at most its share', async function () {
    const cores = availableParallelism();
    if (cores < 2) {
      console.log('    skipped: one processor only');
      this.skip();
    }
    const neighbour = spawn(process.execPath, ['-e', 'for (;;);'], { stdio: 'ignore' });
    try {
      // Threads that spin until all have arrived wait for a time slice at many of the 40 barriers: they took 8 times as
      // long.
      const ratios: number[] = [];
      for (let i = 0; i < 5; i++) ratios.push((await decodeMs(cores)) / (await decodeMs(1)));
      const times = `${ratios.map((ratio) => ratio.toFixed(1))} times as long as one`;
      assert.ok(median(ratios) < 5, `${cores} threads take ${times}, beside a neighbour`);
    } finally {
      neighbour.kill('SIGKILL');
    }
  });

  it('sleep soon after work, so that an idle engine takes no CPU', () =>
    withGolden('mini-4k', {}, async (folder) => {
      const model = await loadModel(folder, { backend: 'wasm', threads: 4 });
      await generate(model, [1, 2, 3], 16);
      await setTimeout(1000);
      const before = process.cpuUsage();
      await setTimeout(1000);
      const { user, system } = process.cpuUsage(before);
      assert.ok(user + system < 20_000, `${(user + system) / 1000} ms of CPU in a second`);
      await model.dispose();
    }));

  it('end with a process that is killed while they work', async () => {
    const prompt = ['--prompt', 'function ', '--temperature', '2', '--max-tokens', '400'];
    const args = ['dist/airgap.cjs', 'generate', 'media/starter', '--backend', 'wasm', '--threads', '3', ...prompt];
    const busy = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] });
    const [exited, closed] = [once(busy, 'exit'), once(busy, 'close')];
    await once(busy.stdout, 'data'); // The first of 400 tokens.
    busy.kill('SIGKILL');
    assert.deepEqual(await exited, [null, 'SIGKILL']);
    await closed; // Whoever lived on would hold its pipe open.
    assert.equal(isAlive(busy.pid!), false);
  });

  it(`${GENERATIONS} generations leave memory as it was`, () =>
    withGolden('mini-4k', {}, async (folder) => {
      const model = await loadModel(folder, { backend: 'wasm', threads: 2 });
      const { grownBytes, heldBytes } = await repeatGenerations(model, GENERATIONS);
      assert.equal(heldBytes, 0);
      assert.ok(grownBytes < 2 ** 21, `the heap grew by ${grownBytes} bytes`);
      await model.dispose();
    }));
});

/** Median milliseconds of a step like one of decoding a small model: some ten products with barriers between. */
async function decodeMs(threads: number): Promise<number> {
  const size = 1024;
  const times: number[] = [];
  await withWasm({ threads }, async (ops) => {
    const weight = await makeWeight(ops, randomValues(1, size * size), [size, size], 'q4');
    const x = randomValues(2, size);
    for (let i = 0; i < 40; i++) {
      const started = performance.now();
      await ops.step(() => {
        let y = ops.input(x, [1, size]);
        for (let k = 0; k < 40; k++) y = ops.linear(y, weight);
        return y;
      });
      if (i >= 20) times.push(performance.now() - started); // The first let V8's optimising compiler take over.
    }
  });
  return median(times);
}

function median(values: number[]): number {
  return values.sort((a, b) => a - b)[values.length >> 1]!;
}

async function generate(model: LoadedModel, prompt: readonly number[], maxTokens: number): Promise<number[]> {
  const session = model.createSession();
  const ids: number[] = [];
  for await (const { id } of session.generate(textPrompt(prompt), { maxTokens, stopIds: new Set() })) ids.push(id);
  await session.dispose();
  return ids;
}
