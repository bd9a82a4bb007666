import type { Tensor, WeightDType } from '../../ops.ts';
import { check } from '../../check.ts';
import type { HeldBuffer } from './memory.ts';

/** Memory that a kernel reads or writes. Scratch of a step gets its buffer when the step is planned. */
export class Storage {
  constructor(
    readonly bytes: number,
    public buffer?: HeldBuffer,
  ) {}
}

/** f32 values, row by row: an activation of a step, or an uploaded tensor. */
export interface GpuTensor extends Tensor {
  readonly dtype: 'f32';
  readonly storage: Storage;
  /** What it was computed from in this step, where a later operation may compute it again as a part of its own. */
  readonly made?: Made | undefined;
}

/** An RMS norm of `x`, or a product of few rows. Holds as long as `x` is what it was after `since` operations. */
export type Made = { readonly x: GpuTensor; readonly since: number } & (
  | { readonly by: 'rmsNorm'; readonly norm: Norm }
  | { readonly by: 'linear'; readonly weight: GpuWeight; readonly bias: GpuTensor | undefined }
);

export interface Norm {
  readonly weight: GpuTensor;
  readonly eps: number;
}

/** Some rows of a weight in the layout of weight.wgsl. A weight too large for one binding has several parts. */
export interface WeightPart {
  readonly firstRow: number;
  readonly rows: number;
  readonly blocks: Storage;
  /** The same storage as `blocks` where the format has no scales. */
  readonly scales: Storage;
}

export interface GpuWeight extends Tensor {
  readonly shape: readonly [number, number];
  readonly dtype: WeightDType;
  readonly parts: readonly WeightPart[];
}

export function values(shape: readonly number[]): number {
  return shape.reduce((a, b) => a * b, 1);
}

/** `x` as an activation or uploaded tensor; `op` is named where it is something else. */
export function activation(x: Tensor, op: string): GpuTensor {
  check('storage' in x, () => `${op}: expected an f32 tensor of this backend, got ${x.dtype} (${x.shape})`);
  return x as GpuTensor;
}

export function weightOf(x: Tensor, op: string): GpuWeight {
  check('parts' in x, () => `${op}: expected a weight of this backend, got (${x.shape})`);
  return x as GpuWeight;
}
