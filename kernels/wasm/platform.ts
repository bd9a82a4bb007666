import { readFileSync } from 'node:fs';
import os from 'node:os';
import plainBytes from 'wasm-kernels:plain';
import relaxedBytes from 'wasm-kernels:relaxed';
import { selfTest } from './selfTest.ts';

export type SimdChoice = 'auto' | 'relaxed' | 'plain';

export interface Kernels {
  readonly path: 'relaxed' | 'plain';
  readonly module: WebAssembly.Module;
  /** Why the faster path is not taken; empty where it is. */
  readonly note: string;
}

/** More threads than this find no more memory bandwidth on the machines that have no GPU. */
const MOST_THREADS = 8;

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
  return (await selfTest(module)) ? module : `${runtime} computes wrongly with WebAssembly ${what}.`;
}

/** Cores this process may use, counting a core with two hardware threads once: memory and vector units are per core. */
export function chooseThreads(): { threads: number; reason: string } {
  const available = os.availableParallelism();
  const twoPerCore = hasTwoThreadsPerCore();
  const cores = twoPerCore ? Math.max(1, Math.floor(available / 2)) : available;
  const threads = Math.min(MOST_THREADS, cores);
  const reason = twoPerCore ? `${available} hardware threads, two per core` : `${available} processors available`;
  return { threads, reason: cores > MOST_THREADS ? `${reason}, more than ${MOST_THREADS} do not help` : reason };
}

/** Known on Linux only; elsewhere every processor counts. */
function hasTwoThreadsPerCore(): boolean {
  if (process.platform !== 'linux') return false;
  try {
    return readFileSync('/sys/devices/system/cpu/smt/active', 'utf8').trim() === '1';
  } catch {
    return false; // Containers may hide it.
  }
}
