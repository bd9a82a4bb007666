/** One thread of the WASM backend: sleeps until a step is posted, runs its share, sleeps again. */
import { parentPort, workerData } from 'node:worker_threads';
import { instantiate } from './kernels.ts';
import { CONTROL, CONTROL_BARRIER, CONTROL_DONE, CONTROL_GENERATION } from './opcodes.ts';

export interface WorkerData {
  readonly module: WebAssembly.Module;
  readonly memory: WebAssembly.Memory;
  readonly thread: number;
  readonly threads: number;
}

const { module, memory, thread, threads } = workerData as WorkerData;
const { run } = instantiate(module, memory);
const control = new Int32Array(memory.buffer as unknown as SharedArrayBuffer, CONTROL, CONTROL_BARRIER);
parentPort!.postMessage('ready');

for (let generation = 0; ;) {
  Atomics.wait(control, CONTROL_GENERATION, generation);
  const next = Atomics.load(control, CONTROL_GENERATION);
  if (next === generation) continue;
  generation = next;
  run(thread, threads);
  if (thread === 0) {
    Atomics.store(control, CONTROL_DONE, generation);
    Atomics.notify(control, CONTROL_DONE);
  }
}
