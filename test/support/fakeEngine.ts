/** The real engine process with a model that is not there: answers are made of the request. Started by process tests. */
import { setTimeout as delay } from 'node:timers/promises';
import type { CoreModel, EngineCore } from '../../engine/core.ts';
import { BadModel } from '../../engine/errors.ts';
import type { CompleteResult } from '../../engine/protocol.ts';
import { runEngine } from '../../engine/process.ts';
import { version } from '../../package.json';

/** Longer than any test waits. */
const FOREVER_MS = 600_000;

const core: EngineCore = {
  loadModel: async (modelDir, { backend, onProgress }) => {
    if (modelDir.endsWith('missing')) throw new BadModel(`${modelDir} is not a folder.`);
    onProgress?.({ loadedBytes: 1, totalBytes: 2 });
    return fakeModel(backend === 'auto' ? 'wasm' : backend);
  },
  /** The prefix `hang` never ends, `crash` ends the process; else the answer is the last line in capitals. */
  complete: async ({ prefix }, _model, _session, signal) => {
    if (prefix === 'crash') process.kill(process.pid, 'SIGKILL');
    if (prefix === 'hang') await delay(FOREVER_MS, undefined, { signal });
    const text = (prefix.split('\n').at(-1) ?? '').toUpperCase();
    const window: CompleteResult['window'] = { lines: [[1, 1]], totalLines: 1 };
    const figures = { tokensReused: 0, tokensPrefilled: prefix.length, tokensGenerated: 1, prefillMs: 1, decodeMs: 1 };
    return { text, ...figures, stop: 'end', window };
  },
  backendReports: async () => [{ backend: 'wasm', usable: true, details: ['a fake'], reason: '' }],
};

function fakeModel(backend: CoreModel['info']['backend']): CoreModel {
  return {
    info: { modelId: '', name: 'fake', contextLength: 4096, backend, device: 'none', notes: [], bytes: 1000 },
    createSession: () => ({
      generate: () => {
        throw new Error('The fake does not generate.');
      },
      prefill: async () => {
        throw new Error('The fake reads nothing.');
      },
      saveSnapshot: async () => false,
      dispose: async () => {},
    }),
    bytesHeld: () => 1000,
    tokensFree: () => Infinity,
    dispose: async () => {},
  };
}

void runEngine(core, version);
