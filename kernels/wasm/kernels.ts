/** What the compiled kernels export (assembly/program.ts). Addresses are byte offsets into the shared memory. */
export interface KernelExports {
  /** Runs the program in the control block; each thread calls it once per step. */
  run(thread: number, threads: number): void;
  packRow(values: number, blocks: number, panel: number, row: number, q4: 0 | 1): void;
}

export function instantiate(module: WebAssembly.Module, memory: WebAssembly.Memory): KernelExports {
  return new WebAssembly.Instance(module, { env: { memory } }).exports as unknown as KernelExports;
}
