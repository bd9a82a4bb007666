import dotBytes from 'wasm-kernels:dot';
import pairsBytes from 'wasm-kernels:pairs';
import plainBytes from 'wasm-kernels:plain';
import { fasterKernels } from './fasterKernels.ts';
import { readProcessors, threadsFor } from './processors.ts';
import { selfTest } from './selfTest.ts';

/** How products are summed: two ways with relaxed SIMD, one without it (kernels/build/innerLoops/formats.ts). */
export type SimdPath = 'dot' | 'pairs' | 'plain';
export type SimdChoice = 'auto' | SimdPath;

export interface Kernels {
  readonly path: SimdPath;
  readonly module: WebAssembly.Module;
  /** Why a faster path is not taken; empty where it is. */
  readonly note: string;
}

const BYTES = { dot: dotBytes, pairs: pairsBytes, plain: plainBytes };
/** A path in words. */
export const SIMD_NAMES: Readonly<Record<SimdPath, string>> = {
  dot: 'relaxed SIMD with dot products',
  pairs: 'relaxed SIMD with sums of pairs',
  plain: 'plain SIMD',
};

const tried = new Map<SimdChoice, Promise<Kernels>>();

/** The kernels that this runtime compiles and computes rightly. Rejects where it has none (or not the ones asked for). */
export function chooseKernels(choice: SimdChoice): Promise<Kernels> {
  let kernels = tried.get(choice);
  if (!kernels) tried.set(choice, (kernels = choice === 'auto' ? bestKernels() : only(choice)));
  return kernels;
}

async function bestKernels(): Promise<Kernels> {
  const [dot, pairs] = await Promise.all([load('dot'), load('pairs')]);
  if (typeof dot !== 'string' && typeof pairs !== 'string') {
    const path = await fasterKernels({ dot, pairs });
    return { path, module: path === 'dot' ? dot : pairs, note: '' };
  }
  if (typeof pairs !== 'string') return { path: 'pairs', module: pairs, note: dot as string };
  if (typeof dot !== 'string') return { path: 'dot', module: dot, note: pairs };
  return { ...(await only('plain')), note: pairs };
}

async function only(path: SimdPath): Promise<Kernels> {
  const module = await load(path);
  if (typeof module === 'string') throw new Error(module);
  return { path, module, note: '' };
}

/** The compiled kernels, or why they cannot be used, in one sentence. */
async function load(path: SimdPath): Promise<WebAssembly.Module | string> {
  const runtime = `This JavaScript runtime (V8 ${process.versions.v8})`;
  const what = path === 'plain' ? 'SIMD with shared memory' : 'relaxed SIMD';
  if (!WebAssembly.validate(BYTES[path])) return `${runtime} has no WebAssembly ${what}.`;
  const module = await WebAssembly.compile(BYTES[path]);
  return selfTest(module) ? module : `${runtime} computes wrongly with WebAssembly ${SIMD_NAMES[path]}.`;
}

/** Threads for this machine as it is now, and why so many. */
export function chooseThreads(): { threads: number; reason: string } {
  return threadsFor(readProcessors());
}
