import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { keepTuning, knownTuning } from '../../../engine/discovery/gpuTuningFile.ts';
import { PRIORITY, type Priority, Scheduler } from '../../../engine/inference/scheduler.ts';
import type { KnownTuning } from '../../../engine/load/openBackend.ts';
import { textPrompt } from '../../../engine/prompt/prompt.ts';
import { loadInUse } from '../../../engine/serve/loadInUse.ts';
import type { IdleTuningOptions } from '../../../engine/serve/idleTuning.ts';
import type { ModelLoader, ServedModel } from '../../../engine/serve/sharedModel.ts';
import type { GpuOps } from '../../../kernels/gpu/gpuOps.ts';
import type { Ops } from '../../../kernels/ops.ts';
import { parrotModel } from '../../support/engine/parrotModel.ts';
import { ANSWER, chat, complete, testServers } from '../../support/engine/serverHost.ts';
import type { TinyFolder } from '../../support/engine/tinyModel.ts';
import { GpuCalls } from '../../support/gpuCalls.ts';
import { needGpu } from '../../support/gpuOrSkip.ts';
import { until } from '../../support/until.ts';

const COMPLETED = ' answer is forty two';

/** Of two variants of each product, and for that many shapes: on a software adapter, all of it takes a minute. */
const SHAPES = 2;
function withLittleToTune(ops: Ops): Ops {
  const gpu = ops as GpuOps;
  const candidates = gpu.variants.candidates.bind(gpu.variants);
  const two: typeof candidates = (...of) => candidates(...of).slice(0, 2);
  Object.assign(gpu.variants, { candidates: two });
  const tune = gpu.tune.bind(gpu);
  const little: typeof tune = (options) => {
    const end = new AbortController();
    let shapes = 0;
    const onShape = (): void => (++shapes < SHAPES ? undefined : end.abort());
    return tune({ ...options, signal: AbortSignal.any([options.signal!, end.signal]), onShape });
  };
  return Object.assign(gpu, { tune: little });
}

describe('webgpu: kernels chosen in idle time', function () {
  this.timeout(120_000);
  const start = testServers();
  let calls: GpuCalls;
  let folder: string;
  let kept: KnownTuning[];

  before(function () {
    return needGpu(this);
  });
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'airgap-idle-'));
    kept = [];
    calls = new GpuCalls();
    calls.start();
  });
  afterEach(() => {
    calls.stop();
    rmSync(folder, { recursive: true, force: true });
  });

  /** Follows the tuning of the models that it loads. */
  function loader(): { loadModel: ModelLoader; ended: Promise<unknown>[] } {
    const ended: Promise<unknown>[] = [];
    const loadModel: ModelLoader = async (model, options) => {
      const loaded: ServedModel = await loadInUse(model, {
        ...options,
        allowSoftwareGpu: true,
        observe: withLittleToTune,
      });
      const tuneWhenIdle: ServedModel['tuneWhenIdle'] = (how) => {
        const tuning = loaded.tuneWhenIdle(how);
        ended.push(tuning.catch(() => {}));
        return tuning;
      };
      return { ...loaded, tuneWhenIdle };
    };
    return { loadModel, ended };
  }

  /** A server that tunes, and a window that has loaded a model on the GPU. */
  async function open(options: Partial<IdleTuningOptions> = {}) {
    const { loadModel, ended } = loader();
    const keep: IdleTuningOptions['keep'] = async (adapter, tuning) => {
      await keepTuning(folder, adapter, tuning);
      kept.push(tuning);
    };
    const idleTuning = { keep, software: true, mostSeconds: 1000, ...options };
    const lines: string[] = [];
    const host = start({
      loadModel,
      idleTuning,
      knownTuning: (adapter) => knownTuning(folder, adapter),
      log: (line) => lines.push(line),
    });
    const client = await host.open();
    const info = await host.load(client, 'webgpu');
    return { ...host, client, info, lines, ended };
  }

  it('keeps its choices, and says so; a later load goes on with what is left', async () => {
    for (const load of [1, 2]) {
      const { client, server, ended } = await open();
      await Promise.all(ended);
      await until(() => kept.length === load);
      const { backends, models } = await client.call('doctor', { allowSoftwareGpu: true });
      assert.match(
        models[0]!.notes.join('\n'),
        /^The GPU's kernels for 2 kinds of products and attention were chosen by \d+\.\d s of measuring in idle time; [012] of them are not the plain ones\. The rest follows after the next load\.$/,
      );
      assert.match(
        backends[0]!.details.join('\n'),
        new RegExp(`kernels: chosen for ${load * SHAPES} kinds of products and attention`),
      );
      client.close('');
      await server.dispose();
    }
    const all = kept.flatMap(({ chosen }) => Object.keys(chosen));
    assert.equal(new Set(all).size, 2 * SHAPES);
  });

  it('a window that closes meanwhile leaves nothing behind', async () => {
    const { client, server, info } = await open();
    const { count } = calls;
    await until(() => calls.count > count + 50); // In the middle of it.
    assert.equal((await complete(client, info.modelId, 'The')).text, COMPLETED);
    client.close('');
    await server.dispose();
    assert.equal(calls.buffers, 0, 'buffers are left');
  });

  it('a device that is lost meanwhile: the answer comes from another', async () => {
    calls.destroyAfter = [200];
    const { client, server, info, ended } = await open();
    await ended[0];
    const parts: string[] = [];
    await chat(client, info.modelId, 'hi', { parts });
    assert.equal(parts.join(''), ANSWER);
    assert.equal(calls.devices, 2);
    client.close('');
    await server.dispose();
    assert.equal(calls.buffers, 0, 'buffers are left');
  });

  it('software adapters are left alone', async () => {
    const { client, server, ended } = await open({ software: false });
    await Promise.all(ended);
    assert.deepEqual(kept, []);
    client.close('');
    await server.dispose();
  });
});

describe('webgpu: steps of choosing kernels', function () {
  this.timeout(120_000);
  let folder: TinyFolder;

  before(async function () {
    await needGpu(this);
    folder = parrotModel(['\nThe answer is forty two']);
  });
  after(() => folder?.remove());

  /** Knows whose steps ran, in their order. */
  class WatchedScheduler extends Scheduler {
    readonly steps: Priority[] = [];
    onStep = (): void => {};

    override run<T>(priority: Priority, job: () => Promise<T>, signal?: AbortSignal): Promise<T> {
      const watched = (): Promise<T> => {
        this.steps.push(priority);
        this.onStep();
        return job();
      };
      return super.run(priority, watched, signal);
    }
  }

  it('a completion that is asked for meanwhile waits for one of them, and is what it is without', async () => {
    const scheduler = new WatchedScheduler();
    const model = await loadInUse(folder.path, {
      backend: 'webgpu',
      allowSoftwareGpu: true,
      scheduler,
      observe: withLittleToTune,
    });
    try {
      const session = model.createSession(PRIORITY.completion);
      const prompt = textPrompt(model.tokenizer!.encode('\nThe'));
      const { stopIds } = model;
      const tokens = async (): Promise<string> => {
        const ids: number[] = [];
        for await (const { id } of session.generate(prompt, { maxTokens: 8, stopIds })) ids.push(id);
        return model.tokenizer!.decode(ids);
      };
      const stop = new AbortController();
      const tuning = model.tuneWhenIdle({ mostSeconds: 1000, signal: stop.signal, software: true });
      const texts: Promise<string>[] = [];
      for (const at of [5, 12]) {
        await new Promise<void>((resolve) => {
          scheduler.onStep = () => scheduler.steps.length >= at && resolve();
        });
        const asked = scheduler.steps.length;
        const text = tokens();
        texts.push(text);
        await text;
        const between = scheduler.steps.slice(asked).indexOf(PRIORITY.completion);
        assert.ok(between <= 1, `${between} steps went first`);
      }
      stop.abort();
      await tuning;
      assert.deepEqual(await Promise.all(texts), Array(2).fill(COMPLETED));
    } finally {
      await model.dispose();
    }
  });
});
