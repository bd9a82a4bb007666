import type { WeightDType } from '../../ops.ts';
import type { Need } from '../device/adapter.ts';
import type { Kernel } from '../device/kernel.ts';

/** The two products: of up to 8 rows (decode) and of more (prefill). */
export type Product = 'matvec' | 'matmul';

/**
 * What the values of x are rounded to. f16: products and sums of a group too; int8: in groups of 32, the largest to 127.
 * In any of them, groups are added up in f32. f16 factors: x and w, but neither products nor sums.
 */
export type Arithmetic = 'f32' | 'f16' | 'int8' | 'f16 factors';

/** A way to compute x @ weight^T. All variants of a product take the bindings and parameters of matmul/linear.wgsl. */
export interface Variant {
  /** As reports show it. Names a variant among those of its product. */
  readonly name: string;
  readonly arithmetic: Arithmetic;
  readonly needs: readonly Need[];
  /** Shared memory of a workgroup, in the format and for the number of rows that need most. */
  readonly workgroupBytes: number;
  /** Whether it knows a format. */
  takes(dtype: WeightDType): boolean;
  kernel(dtype: WeightDType, rows: number): Kernel;
  /** Outputs and rows that a workgroup computes, of products with so many rows. */
  tile(rows: number): { readonly outs: number; readonly rows: number };
}
