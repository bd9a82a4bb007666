/** The exports of the compiled kernels (assembly/program.ts). Addresses are byte offsets into the shared memory. */
export interface KernelExports {
  /** Runs `count` operations from the descriptors at `program`, in lockstep with the other threads. */
  run(program: number, count: number, scratch: number, threads: number): void;
  /** The barrier: returns when all threads have called it. */
  meet(threads: number): void;
  /** assembly/matmul/encodeRows.ts. */
  encodeRows(from: number, stored: number, values: number, dtype: number, to: number, room: number): number;
  /** assembly/pictures/ */
  scaleRow(from: number, taps: number, pixels: number, to: number): void;
  mixRows(from: number, bytes: number, weights: number, count: number, to: number): void;
  bicubicRow(from: number, taps: number, pixels: number, to: number): void;
  bicubicMix(rows: number, taps: number, values: number, to: number): void;
  bytePatches(from: number, rowBytes: number, normalised: number, to: number): void;
  floatPatches(from: number, normal: number, to: number): void;
}

export function instantiate(module: WebAssembly.Module, memory: WebAssembly.Memory): KernelExports {
  return new WebAssembly.Instance(module, { env: { memory } }).exports as unknown as KernelExports;
}
