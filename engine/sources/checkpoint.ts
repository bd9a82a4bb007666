import type { StoredType } from '../../kernels/stored/storedTypes.ts';

/** The weights of a model as they are stored, open for reading. */
export interface Checkpoint {
  readonly tensors: ReadonlyMap<string, CheckpointTensor>;
  /** Tensor names in the order in which reading them is cheapest. */
  readonly order: readonly string[];
  /** Fills `into` with the stored bytes of a tensor, starting at its byte `from`. Rejects with BadModel. */
  read(name: string, from: number, into: Uint8Array): Promise<void>;
  close(): Promise<void>;
}

export interface CheckpointTensor {
  readonly shape: readonly number[];
  readonly dtype: StoredType;
  /** Size of the stored tensor. */
  readonly bytes: number;
}
