import assert from 'node:assert/strict';
import { mulberry32 } from '../../../engine/inference/random.ts';
import { loadInUse } from '../../../engine/serve/loadInUse.ts';
import type { ModelLoader } from '../../../engine/serve/sharedModel.ts';
import type { RpcClient } from '../../../engine/wire/rpc.ts';
import { GpuCalls } from '../../support/gpuCalls.ts';
import { needGpu } from '../../support/gpuOrSkip.ts';
import { ANSWER, chat, complete, outcome, prefill, testServers } from '../../support/engine/serverHost.ts';

const SEED = Number(process.env['AIRGAP_TEST_SEED'] ?? 20261202);
/** Of each kind of session. */
const MOMENTS = 10;
/** After so long the last request is stopped, wherever it is. */
const STOPPED_MS = 200;
const COMPLETED = ' answer is forty two';

describe('webgpu: a device that is lost', function () {
  this.timeout(240_000);
  const start = testServers();
  let calls: GpuCalls;

  before(function () {
    return needGpu(this);
  });

  beforeEach(() => {
    calls = new GpuCalls();
    calls.start();
  });
  afterEach(() => calls.stop());

  const loadModel: ModelLoader = (model, options) => loadInUse(model, { ...options, allowSoftwareGpu: true });

  /** A server whose models run on a GPU, and a window that has loaded one. */
  async function open(backend: 'auto' | 'webgpu' = 'webgpu') {
    const lines: string[] = [];
    const moves: string[] = [];
    const host = start({ loadModel, log: (line) => lines.push(line) });
    const client = await host.open();
    client.onNotification('backendChanged', ({ model, reason }) => moves.push(`${model.backend}: ${reason}`));
    const info = await host.load(client, backend);
    return { ...host, client, info, lines, moves };
  }

  /** What a window does with a model between loading and closing; both are stopped at last. */
  const sessions: Record<string, (client: RpcClient, modelId: string, signal: AbortSignal) => Promise<void>> = {
    'a chat': async (client, modelId, signal) => {
      const parts: string[] = [];
      await chat(client, modelId, 'hi', { parts });
      assert.equal(parts.join(''), ANSWER);
      assert.match(await outcome(chat(client, modelId, 'and?', {}, signal)), /^done$|^cancelled: /);
    },
    completions: async (client, modelId, signal) => {
      const lines = 'let a = 1;\n'.repeat(4);
      await prefill(client, modelId, lines);
      assert.equal((await complete(client, modelId, `${lines}The`)).text, COMPLETED);
      assert.match(await outcome(complete(client, modelId, 'The', 'b.ts', signal)), /^done$|^cancelled: /);
    },
  };

  async function callsToLoad(): Promise<number> {
    const { client, server } = await open();
    const { count } = calls;
    client.close('');
    await server.dispose();
    return count;
  }

  async function run(name: string): Promise<void> {
    const { client, info, server } = await open();
    const stop = new AbortController();
    setTimeout(() => stop.abort(), STOPPED_MS).unref();
    await sessions[name]!(client, info.modelId, stop.signal);
    client.close('');
    await server.dispose();
    assert.equal(calls.buffers, 0, 'buffers are left');
  }

  for (const name of Object.keys(sessions)) {
    describe(`${name}, lost somewhere between loading and closing: every answer is as without (seed ${SEED})`, () => {
      const random = mulberry32(SEED);
      let count = 0;
      before(async () => {
        calls = new GpuCalls();
        calls.start();
        await run(name);
        calls.stop();
        ({ count } = calls);
      });
      for (let i = 1; i <= MOMENTS; i++) {
        it(`moment ${i}`, async () => {
          const moment = 1 + Math.floor(random() * count);
          calls.destroyAfter = [moment];
          await run(name).catch((error: Error) => {
            throw new Error(`lost behind call ${moment} of ${count}: ${error.message}`, { cause: error });
          });
        });
      }
    });
  }

  it('is opened again once for an answer; a second loss moves the model to WASM, and the user is told', async () => {
    calls.destroyAfter = Array(2).fill((await callsToLoad()) + 10);
    const { client, info, moves, lines } = await open();
    const parts: string[] = [];
    await chat(client, info.modelId, 'hi', { parts });
    assert.equal(parts.join(''), ANSWER);
    assert.deepEqual(
      moves.map((move) => move.split(':')[0]),
      ['webgpu', 'wasm'],
    );
    for (const move of moves) assert.match(move, /: \S+ failed: The GPU was lost: .+\.$/);
    assert.match(lines.join('\n'), /now runs on wasm \(.+\): .+ failed: The GPU was lost/);
  });

  it('gives way to WASM where no device can be opened any more, and the model says why', async () => {
    calls.destroyAfter = [(await callsToLoad()) + 10];
    const { client, load, info, moves } = await open();
    const parts: string[] = [];
    calls.noAdapter = true;
    await chat(client, info.modelId, 'hi', { parts });
    assert.equal(parts.join(''), ANSWER);
    assert.match(moves.join(), /^wasm: \S+ failed: The GPU was lost: .+\.$/);
    const { notes } = await load(client, 'webgpu');
    assert.match(notes.join('\n'), /WebGPU is not used: No GPU adapter was found.*\n.+ failed: The GPU was lost/);
  });

  for (const backend of ['auto', 'webgpu'] as const) {
    it(`a driver that refuses a shader: WASM answers, and the model names the shader (${backend})`, async () => {
      calls.brokenShader = 'rmsNorm';
      const { client, load, info, moves } = await open(backend);
      const parts: string[] = [];
      await chat(client, info.modelId, 'hi', { parts });
      assert.equal(parts.join(''), ANSWER);
      assert.match(moves.join(), /^wasm: \S+ failed: The GPU's driver refuses the shader rmsNorm: [^\n]+\.$/);
      assert.match((await load(client, backend)).notes.join(), /refuses the shader rmsNorm/);
      assert.equal(calls.devices, 1);
    });
  }

  it('a GPU without room for the weights: "auto" loads on WASM and says so; where the GPU was asked for, that is an error', async () => {
    calls.failingBuffers = 1;
    const { info } = await open('auto');
    assert.equal(info.backend, 'wasm');
    assert.match(info.notes.join(), /^The model does not fit in GPU memory: The GPU has no room for \d+ MiB more\.$/);
    calls.failingBuffers = 1;
    assert.match(await outcome(open('webgpu')), /^outOfMemory: The GPU has no room for \d+ MiB more\.$/);
    assert.equal(calls.buffers, 0, 'buffers are left');
  });
});
