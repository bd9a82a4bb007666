import { check } from '../check.ts';
import type { Tensor, WeightDType } from '../ops.ts';
import type { Program } from './program.ts';

/** A stretch of the heap. */
export interface Storage {
  readonly bytes: number;
  /** Known for scratch only when its step is placed. */
  address: number;
  /** The step whose scratch it is; undefined for what stays. */
  readonly program: Program | undefined;
  /** For scratch: what the host writes there before the step runs. */
  readonly initial: Int32Array | Float32Array | undefined;
}

/** What WasmOps hands out as Tensor. */
export interface WasmTensor extends Tensor {
  readonly storage: Storage;
  /** Bytes from the storage's start. */
  readonly offset: number;
}

export function asWasm(tensor: Tensor): WasmTensor {
  check('storage' in tensor, () => `a tensor (${tensor.shape}) of another backend`);
  return tensor as WasmTensor;
}

export function heldTensor(shape: readonly number[], dtype: WeightDType, address: number, bytes: number): WasmTensor {
  return { shape, dtype, storage: { bytes, address, program: undefined, initial: undefined }, offset: 0 };
}
