import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { keepSpeeds, knownSpeeds } from '../../../engine/discovery/backendSpeedFile.ts';
import type { BackendSpeeds, ModelSpeed } from '../../../engine/load/modelSpeed.ts';
import type { BackendTrialOptions } from '../../../engine/serve/backendTrial.ts';
import { loadInUse } from '../../../engine/serve/loadInUse.ts';
import type { ModelLoader } from '../../../engine/serve/sharedModel.ts';
import { gpuReport } from '../../../kernels/gpu/gpuOps.ts';
import { OutOfMemory } from '../../../kernels/ops.ts';
import { ANSWER, chat, complete, testServers } from '../../support/engine/serverHost.ts';
import { until } from '../../support/until.ts';

const SLOW: ModelSpeed = { prefill: 100, decode: 10 };
const FAST: ModelSpeed = { prefill: 400, decode: 40 };
/** Prefill is what the GPU is better at; an answer comes sooner from the CPU all the same. */
const READER: ModelSpeed = { prefill: 500, decode: 30 };
const PLENTY = 1e12;
const COMPLETED = ' answer is forty two';

describe('the faster of GPU and CPU', function () {
  this.timeout(120_000);
  const start = testServers();
  let folder: string;
  let kept: BackendSpeeds[];
  let said: string[];
  let lines: string[];

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'airgap-trial-'));
    kept = [];
    said = [];
    lines = [];
  });
  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  /** A server that compares the backends of a model as soon as it rests. */
  function open(options: Partial<BackendTrialOptions> = {}, loadModel?: ModelLoader) {
    return start({
      log: (line) => lines.push(line),
      ...(loadModel ? { loadModel } : {}),
      backendTrial: {
        known: (key) => knownSpeeds(folder, key),
        keep: async (key, speeds) => {
          await keepSpeeds(folder, key, speeds);
          kept.push(speeds);
        },
        bandwidth: async () => PLENTY,
        restMs: 0,
        ...options,
      },
    });
  }

  async function window({ open: connect, load }: ReturnType<typeof open>, backend: 'auto' | 'webgpu' = 'auto') {
    const client = await connect();
    client.onNotification('backendChanged', ({ model, reason }) => said.push(`${model.backend}: ${reason}`));
    return { client, info: await load(client, backend) };
  }

  for (const { gpu, cpu, runs, where } of [
    { gpu: SLOW, cpu: FAST, runs: 'wasm', where: 'the CPU' },
    { gpu: READER, cpu: FAST, runs: 'wasm', where: 'the CPU' },
    { gpu: FAST, cpu: SLOW, runs: 'webgpu', where: 'the GPU' },
  ] as const) {
    it(`decodes ${gpu.decode} tokens/s on the GPU and ${cpu.decode} on the CPU: runs on ${where} from then on`, async () => {
      const host = open();
      host.models.speeds = { webgpu: gpu, wasm: cpu };
      const { client, info } = await window(host);
      assert.equal(info.backend, 'webgpu');
      await until(() => kept.length === 1 && (runs === 'webgpu' || said.length === 1));
      assert.deepEqual(kept, [{ gpu, cpu }]);
      assert.equal((await complete(client, info.modelId, 'The')).text, COMPLETED);
      assert.equal(host.models.runs.at(-1), runs);
      const sentence =
        /^wasm: This model is faster on the CPU, as measured here: 40 tokens\/s decoded and 400 read, on a webgpu /;
      if (runs === 'wasm') assert.match(said[0]!, sentence);
      assert.equal(host.models.orphans, 0);

      const later = open();
      later.models.speeds = host.models.speeds;
      assert.equal((await window(later)).info.backend, runs);
      await new Promise((resolve) => setTimeout(resolve, 50));
      assert.equal(kept.length, 1, 'it was measured again');
    });
  }

  it('an answer under way ends where it began; the next one comes from the CPU', async () => {
    const host = open({ restMs: 100 });
    let measured = (): void => {};
    host.models.speeds = {
      get webgpu() {
        return SLOW;
      },
      get wasm() {
        measured();
        return FAST;
      },
    };
    const { client, info } = await window(host);
    const parts: string[] = [];
    let answer: Promise<unknown> | undefined;
    measured = () => {
      answer ??= chat(client, info.modelId, 'hi', { parts });
    };
    await until(() => kept.length === 1);
    await answer;
    assert.equal(parts.join(''), ANSWER);
    await until(() => said.length === 1);
    assert.equal((await complete(client, info.modelId, 'The')).text, COMPLETED);
    assert.deepEqual(host.models.runs, ['webgpu', 'wasm']);
  });

  it('memory that is too slow for the CPU to win spares the trial', async () => {
    const host = open({ bandwidth: async () => 1 });
    host.models.speeds = { webgpu: SLOW, wasm: FAST };
    await window(host);
    await until(() => kept.length === 1);
    assert.deepEqual(kept, [{ gpu: SLOW, cpu: undefined }]);
    assert.deepEqual(host.models.loads, ['auto']);
  });

  it('a model that does not fit beside itself is compared another time', async () => {
    const host = open();
    host.models.speeds = { webgpu: SLOW, wasm: FAST };
    const { client, info } = await window(
      open({}, async (model, options) => {
        if (options.backend === 'wasm') throw new OutOfMemory(1e9, 'It needs 1 GB.');
        return host.models.load(model, options);
      }),
    );
    await until(() => lines.length > 0);
    assert.match(lines[0]!, /was not compared with the CPU: It needs 1 GB\.$/);
    assert.deepEqual([kept, said], [[], []]);
    assert.equal((await complete(client, info.modelId, 'The')).text, COMPLETED);
  });

  it('a backend that was asked for by name stays', async () => {
    const host = open();
    host.models.speeds = { webgpu: SLOW, wasm: FAST };
    await window(host, 'webgpu');
    await new Promise((resolve) => setTimeout(resolve, 50));
    assert.deepEqual([kept, host.models.loads], [[], ['webgpu']]);
  });

  it('a window that closes meanwhile leaves nothing behind', async () => {
    const host = open({ restMs: 60_000 });
    host.models.speeds = { webgpu: SLOW, wasm: FAST };
    const { client } = await window(host);
    client.close('');
    await host.server.dispose();
    assert.deepEqual([kept, host.models.models, lines], [[], 0, []]);
  });

  it('webgpu: a software adapter is slower than the CPU, so the model moves there', async function () {
    const { usable, reason } = await gpuReport({ allowSoftware: true });
    if (!usable) {
      console.log(`    skipped: ${reason}`);
      return this.skip();
    }
    const loadModel: ModelLoader = (model, options) =>
      loadInUse(model, { ...options, allowSoftwareGpu: true, threads: 1 });
    const { client, info } = await window(open({ software: true }, loadModel));
    const moved = new Promise((resolve) => client.onNotification('backendChanged', resolve));
    assert.equal(info.backend, 'webgpu');
    await moved;
    const parts: string[] = [];
    await chat(client, info.modelId, 'hi', { parts });
    assert.equal(parts.join(''), ANSWER);
    const { models } = await client.call('doctor', { allowSoftwareGpu: true });
    assert.equal(models[0]!.backend, 'wasm');
    assert.match(models[0]!.notes.join(), /^This model is faster on the CPU, as measured here: /);
    assert.equal((await window(open({ software: true }, loadModel))).info.backend, 'wasm');
  });
});
