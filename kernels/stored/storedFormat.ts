/**
 * A number format of checkpoints. Values are stored in blocks; a row of a matrix is a whole number of them.
 *
 * To add one: a file here, its entry in storedTypes.ts, a branch in the packer of the WASM backend
 * (wasm/assembly/matmul/packRows.ts) and a row in test/kernels/stored.test.ts. The reference and the packing threads of
 * the GPU backend decode with `decode`.
 */
export interface StoredFormat {
  readonly blockValues: number;
  readonly blockBytes: number;
  /** Decodes the blocks of `values`. `bytes` starts at a multiple of the size of its largest number (4 at most). */
  decode(bytes: Uint8Array, values: Float32Array): void;
}
