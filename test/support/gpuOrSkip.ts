import { type GpuOps, createGpuOps, gpuReport } from '../../kernels/gpu/gpuOps.ts';

/** Skips the tests of a `before` hook with the reason where there is no GPU, software included. */
export async function needGpu(context: Mocha.Context): Promise<void> {
  const { usable, reason } = await gpuReport({ allowSoftware: true });
  if (usable) return;
  console.log(`    skipped: ${reason}`);
  context.skip();
}

/** The GPU backend for the tests of a `before` hook, which are skipped likewise where there is none. */
export async function gpuOrSkip(
  context: Mocha.Context,
  options: Parameters<typeof createGpuOps>[0] = {},
): Promise<GpuOps> {
  await needGpu(context);
  return createGpuOps({ allowSoftware: true, ...options });
}
