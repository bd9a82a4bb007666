import os from 'node:os';
import { MOST_BANKS } from './banks.ts';
import { ADDRESS_SPACE, freeMemory, gigabytes } from './heap.ts';
import { SIMD_NAMES, chooseKernels, chooseThreads } from './platform.ts';

/** The WASM backend's part of the output of `airgap doctor`. `reason`: why it cannot run; empty if it can. */
export interface WasmReport {
  readonly usable: boolean;
  readonly reason: string;
  readonly details: string[];
}

export async function wasmReport(): Promise<WasmReport> {
  const { threads, reason } = chooseThreads();
  const details = [
    `CPU: ${os.cpus()[0]?.model.trim() ?? process.arch}`,
    `threads: ${threads} (${reason})`,
    `memory: ${gigabytes(freeMemory())} free, ${MOST_BANKS} WebAssembly memories of ${gigabytes(ADDRESS_SPACE)} at most`,
  ];
  try {
    const { path, note } = await chooseKernels('auto');
    details.unshift(`SIMD: ${SIMD_NAMES[path]}, self-test passed${note && `; ${note}`}`);
    return { usable: true, reason: '', details };
  } catch (error) {
    return { usable: false, reason: (error as Error).message, details };
  }
}
