import { check } from '../../check.ts';
import type { Tensor } from '../../ops.ts';

/** A stretch of a bank: what stays, or scratch of a step. */
export interface Storage {
  readonly bytes: number;
  /** Known for scratch only when its step is placed. */
  address: number;
  /** Index of its bank. For scratch known with the first operation that names it. */
  bank?: number | undefined;
  /** The layer that it belongs to; undefined if there is none. */
  readonly layer?: number | undefined;
  /** The program (program.ts) whose scratch memory it is; undefined for permanent storage. */
  readonly program?: object;
  /** For scratch memory: values that the host writes there before the step runs. */
  initial?: Int32Array | Float32Array | undefined;
  /** True if it contains addresses in its bank, so that operations reading it must run there. */
  readonly pinned?: boolean;
  /** For scratch memory, while its step is placed: its number among the scratch (layout.ts); -1 before. */
  order?: number;
}

/** The Tensor that WasmOps returns. */
export interface WasmTensor extends Tensor {
  readonly storage: Storage;
  /** Bytes from the storage's start. */
  readonly offset: number;
}

export function asWasm(tensor: Tensor): WasmTensor {
  check('storage' in tensor, () => `a tensor (${tensor.shape}) of another backend`);
  return tensor as WasmTensor;
}
