import type { GpuOps } from '../../../kernels/gpu/gpuOps.ts';
import { ATTENTION } from '../../../kernels/gpu/attention/variants.ts';
import type { KvDType } from '../../../kernels/ops.ts';
import { assertClose } from '../close.ts';
import { type Case, TOLERANCE, attend, wanted } from './table.ts';
import { type TestBackend, gpuBackend, openedFor } from '../engine/backends.ts';

/** A variant of each phase, so that all are forced in as few runs as can be; not the first, which run without being forced. */
export const FORCED_ATTENTION = ATTENTION.decode.slice(1).map(({ name, needs }, i) => ({
  decode: name,
  prefill: ATTENTION.prefill[i + 1]!.name,
  needs,
}));

/** Tests of attention with each variant forced, where a device has what it needs. Those that it has no room for are not forced. */
export function describeAttentionVariants(
  cases: readonly (readonly [Case, KvDType])[],
  { baselineOnly = false }: { readonly baselineOnly?: boolean } = {},
): void {
  for (const forced of FORCED_ATTENTION) {
    const backend: TestBackend = gpuBackend({
      baselineOnly,
      variants: { attention: { decode: forced.decode, prefill: forced.prefill } },
    });
    const limits = baselineOnly ? ' at baseline limits' : '';
    describe(`attention on webgpu${limits}, ${forced.decode}; ${forced.prefill}`, function () {
      this.timeout(120_000);
      const opened = openedFor(backend);
      before(function () {
        const { offered } = (opened.ops as GpuOps).variants;
        const missing = forced.needs.filter((need) => !offered.has(need));
        if (missing.length === 0) return;
        console.log(`      skipped: this adapter has no ${missing.join(', ')}`);
        this.skip();
      });
      for (const [shape, dtype] of cases) {
        it(`${JSON.stringify(shape)} ${dtype}`, async () => {
          assertClose(await attend(opened.ops, shape, dtype), await wanted(shape, dtype), TOLERANCE[dtype]);
        });
      }
    });
  }
}
