import { type GpuOps, createGpuOps, gpuReport } from '../../kernels/gpu/gpuOps.ts';

/** The GPU backend for the tests of a `before` hook, software included; where there is none, they are skipped with the reason. */
export async function gpuOrSkip(
  context: Mocha.Context,
  options: Parameters<typeof createGpuOps>[0] = {},
): Promise<GpuOps> {
  const { usable, reason } = await gpuReport({ allowSoftware: true });
  if (!usable) {
    console.log(`    skipped: ${reason}`);
    return context.skip();
  }
  return createGpuOps({ allowSoftware: true, matrices: true, ...options });
}
