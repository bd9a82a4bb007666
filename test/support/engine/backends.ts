import { type GpuOptions, createGpuOps, gpuReport } from '../../../kernels/gpu/gpuOps.ts';
import type { Ops } from '../../../kernels/ops.ts';
import { createWasmOps } from '../../../kernels/wasm/wasmOps.ts';

/** A backend as the kernel and model tests see it. */
export interface TestBackend {
  readonly name: string;
  /** A reason where it cannot run here; the test is then skipped with that reason. */
  create(): Promise<Ops | { skip: string }>;
  /** True where x is rounded to 8 bits per group of 32 before products with q4 and q8 weights. */
  readonly quantizesActivations: boolean;
}

export const backends: readonly TestBackend[] = [
  {
    name: 'wasm, relaxed SIMD',
    create: () => createWasmOps({ simd: 'pairs', threads: 2 }),
    quantizesActivations: true,
  },
  { name: 'wasm, plain SIMD', create: () => createWasmOps({ simd: 'plain', threads: 3 }), quantizesActivations: true },
  { name: 'wasm, several memories', create: createSpreadOps, quantizesActivations: true },
  gpuBackend({}),
];

/** No more than every WebGPU device has: bindings of 128 MiB, 16 KiB for a workgroup, no f16, no subgroups. */
export const baselineGpu: TestBackend = { ...gpuBackend({ baselineOnly: true }), name: 'webgpu at baseline limits' };

export function gpuBackend(options: GpuOptions): TestBackend {
  return { name: 'webgpu', create: () => createTestGpuOps(options), quantizesActivations: false };
}

async function createTestGpuOps(options: GpuOptions): Promise<Ops | { skip: string }> {
  const { usable, reason } = await gpuReport({ allowSoftware: true });
  return usable ? createGpuOps({ allowSoftware: true, ...options }) : { skip: reason };
}

/** Layers 0 and 1 and what belongs to no layer each have a memory of their own. */
async function createSpreadOps(): Promise<Ops> {
  const ops = await createWasmOps({ simd: 'dot', threads: 2, bankBytes: 1 << 26, bankWeightBytes: 1 });
  for (const layer of [0, 1]) ops.upload(new Float32Array(1), [1], layer);
  return ops;
}

/** Inside a describe: opens the backend before its tests, or skips them with the reason, and disposes it afterwards. */
export function openedFor(backend: TestBackend): { readonly ops: Ops } {
  const opened = {} as { ops: Ops };
  before(async function () {
    const made = await backend.create();
    if ('skip' in made) {
      console.log(`    skipped: ${made.skip}`);
      return this.skip();
    }
    opened.ops = made;
  });
  after(() => opened.ops?.dispose());
  return opened;
}
