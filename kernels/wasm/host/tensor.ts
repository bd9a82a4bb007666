import { check } from '../../check.ts';
import type { Tensor } from '../../ops.ts';

/** A stretch of a bank: what stays, or scratch of a step. */
export interface Storage {
  readonly bytes: number;
  /** Known for scratch only when its step is placed. */
  address: number;
  /** Index of its bank. For scratch known with the first operation that names it. */
  bank?: number;
  /** The layer for which it is held; undefined where it belongs to none. */
  readonly layer?: number | undefined;
  /** The program (program.ts) whose scratch it is; undefined for what stays. */
  readonly program?: object;
  /** For scratch: what the host writes there before the step runs. */
  readonly initial?: Int32Array | Float32Array | undefined;
  /** True where it holds addresses of its bank: whoever reads it runs there. */
  readonly pinned?: boolean;
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
