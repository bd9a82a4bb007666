/** Where weights come from: a safetensors folder, or random numbers of the same shapes. */
export interface Checkpoint {
  readonly tensors: ReadonlyMap<string, { readonly shape: readonly number[]; readonly bytes: number }>;
  /** Names in the order in which reading is cheapest. */
  readonly order: readonly string[];
  /**
   * Streams one tensor as f32 in whole rows (the last axis), in order. `rows` is valid only during the call.
   * Rejects with BadModel for values that are not finite, with Cancelled when `signal` fires.
   */
  read(name: string, onRows: OnRows, signal?: AbortSignal): Promise<void>;
  close(): Promise<void>;
}

/** `largest`: the largest magnitude among these values. */
export type OnRows = (rows: Float32Array, largest: number) => void;
