import type { StoredDType } from '../../kernels/ops.ts';

/** Where weights come from: a safetensors folder, or random numbers of the same shapes. */
export interface Checkpoint {
  readonly tensors: ReadonlyMap<string, CheckpointTensor>;
  /** Names in the order in which reading is cheapest. */
  readonly order: readonly string[];
  /** Fills `into` with the bytes of a tensor, as stored, that begin at its byte `from`. Rejects with BadModel. */
  read(name: string, from: number, into: Uint8Array): Promise<void>;
  close(): Promise<void>;
}

export interface CheckpointTensor {
  readonly shape: readonly number[];
  readonly dtype: StoredDType;
  readonly bytes: number;
}
