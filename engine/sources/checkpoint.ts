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
  /**
   * Head size where the rows of each head are stored in the order 0, h/2, 1, h/2 + 1, ..., as llama.cpp stores q and k of
   * the architecture llama. Absent where they lie in the order of Hugging Face's files.
   */
  readonly interleavedHead?: number | undefined;
}
