import plainBytes from 'wasm-kernels:plain';
import relaxedBytes from 'wasm-kernels:relaxed';
import { readProcessors, threadsFor } from './processors.ts';
import { selfTest } from './selfTest.ts';

export type SimdChoice = 'auto' | 'relaxed' | 'plain';

export interface Kernels {
  readonly path: 'relaxed' | 'plain';
  readonly module: WebAssembly.Module;
  /** Why the faster path is not taken; empty where it is. */
  readonly note: string;
}

const tried = new Map<SimdChoice, Promise<Kernels>>();

/** The kernels that this runtime compiles and computes rightly. Rejects where it has none (or not the ones asked for). */
export function chooseKernels(choice: SimdChoice): Promise<Kernels> {
  let kernels = tried.get(choice);
  if (!kernels) tried.set(choice, (kernels = tryKernels(choice)));
  return kernels;
}

async function tryKernels(choice: SimdChoice): Promise<Kernels> {
  const relaxed = choice === 'plain' ? 'not asked for' : await load(relaxedBytes, 'relaxed SIMD');
  if (typeof relaxed !== 'string') return { path: 'relaxed', module: relaxed, note: '' };
  if (choice === 'relaxed') throw new Error(relaxed);
  const plain = await load(plainBytes, 'SIMD with shared memory');
  if (typeof plain === 'string') throw new Error(plain);
  return { path: 'plain', module: plain, note: choice === 'auto' ? relaxed : '' };
}

/** The compiled kernels, or why they cannot be used, in one sentence. */
async function load(bytes: Uint8Array<ArrayBuffer>, what: string): Promise<WebAssembly.Module | string> {
  const runtime = `This JavaScript runtime (V8 ${process.versions.v8})`;
  if (!WebAssembly.validate(bytes)) return `${runtime} has no WebAssembly ${what}.`;
  const module = await WebAssembly.compile(bytes);
  return selfTest(module) ? module : `${runtime} computes wrongly with WebAssembly ${what}.`;
}

/** Threads for this machine as it is now, and why so many. */
export function chooseThreads(): { threads: number; reason: string } {
  return threadsFor(readProcessors());
}
