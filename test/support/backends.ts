import type { Ops } from '../../kernels/ops.ts';

/** A backend as the kernel and model tests see it. */
export interface TestBackend {
  readonly name: string;
  /** Rejects or returns a reason where it cannot run here; the test is then skipped with that reason. */
  create(): Promise<Ops | { skip: string }>;
  /** True where x is rounded to 8 bits per group of 32 before products with q4 and q8 weights. */
  readonly quantizesActivations: boolean;
}

export const backends: readonly TestBackend[] = [];
