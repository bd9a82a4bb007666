/** One thread of the WASM backend: sleeps until a step is posted, runs its share, sleeps again. */
import { parentPort, receiveMessageOnPort, workerData } from 'node:worker_threads';
import { instantiate } from './kernels.ts';
import {
  CONTROL,
  CONTROL_BANKS,
  CONTROL_BARRIER,
  CONTROL_DONE,
  CONTROL_ENTRIES,
  CONTROL_GENERATION,
  CONTROL_PLAN,
  CONTROL_TIMES,
  DESCRIPTOR_BYTES,
  PLAN_WORDS,
} from '../opcodes.ts';

export interface WorkerData {
  readonly module: WebAssembly.Module;
  /** The first; the others arrive as messages, each before the first step that uses it. */
  readonly memory: WebAssembly.Memory;
  readonly thread: number;
  readonly threads: number;
}

const { module, memory, thread, threads } = workerData as WorkerData;
const banks = [{ memory, kernels: instantiate(module, memory) }];
const control = new Uint32Array(memory.buffer, CONTROL, CONTROL_BARRIER);
const signals = new Int32Array(memory.buffer as unknown as SharedArrayBuffer, CONTROL, CONTROL_BARRIER);
parentPort!.postMessage('ready');

for (let generation = 0; ;) {
  Atomics.wait(signals, CONTROL_GENERATION, generation);
  const next = Atomics.load(signals, CONTROL_GENERATION);
  if (next === generation) continue;
  generation = next;
  runStep();
  if (thread === 0) {
    Atomics.store(signals, CONTROL_DONE, generation);
    Atomics.notify(signals, CONTROL_DONE);
  }
}

function runStep(): void {
  while (banks.length < control[CONTROL_BANKS]!) {
    const added = receiveMessageOnPort(parentPort!)!.message as WebAssembly.Memory;
    banks.push({ memory: added, kernels: instantiate(module, added) });
  }
  const entries = control[CONTROL_ENTRIES]! * PLAN_WORDS;
  const lap = thread === 0 && control[CONTROL_TIMES] ? stopwatch(control[CONTROL_TIMES]) : undefined;
  const plan = wordsOf(memory, control[CONTROL_PLAN]! / 4, entries);
  for (let at = 0; at < entries; at += PLAN_WORDS) {
    const [bank, count, address, a, b, bytes] = plan.subarray(at, at + PLAN_WORDS) as unknown as Entry;
    const { kernels, memory: to } = banks[bank]!;
    if (count > 0 && lap) {
      for (let i = 0; i < count; i++) {
        kernels.run(address + i * DESCRIPTOR_BYTES, 1, a + thread * b, threads);
        lap();
      }
    } else if (count > 0) kernels.run(address, count, a + thread * b, threads);
    else {
      // Each thread copies its share; whatever lies in a bank is whole words.
      const share = Math.ceil(bytes / 4 / threads);
      const first = Math.min(thread * share, bytes / 4);
      const length = Math.min(share, bytes / 4 - first);
      wordsOf(to, address / 4 + first, length).set(wordsOf(banks[a]!.memory, b / 4 + first, length));
      kernels.meet(threads);
      lap?.();
    }
  }
}

/** An entry of the plan (opcodes.ts): `a` and `b` are scratch and its bytes per thread, or bank and address of the original. */
type Entry = [bank: number, count: number, address: number, a: number, b: number, bytes: number];

/** Writes the time since the last call (f64 milliseconds), call after call, from byte address `at` of the first memory on. */
function stopwatch(at: number): () => void {
  let since = performance.now();
  return () => {
    const now = performance.now();
    wordsOf(memory, at / 4, 2); // Notices a memory that has grown.
    new Float64Array(memory.buffer, at, 1)[0] = now - since;
    at += 8;
    since = now;
  };
}

function wordsOf(memory: WebAssembly.Memory, first: number, length: number): Uint32Array {
  // This thread may not have noticed yet that another made the memory grow; growing by nothing makes it look.
  if (memory.buffer.byteLength < (first + length) * 4) memory.grow(0);
  return new Uint32Array(memory.buffer, first * 4, length);
}
