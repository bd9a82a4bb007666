/**
 * A number format of checkpoints. Values are stored in blocks; a row of a matrix is a whole number of them.
 *
 * To add one: a file here, its entry in storedTypes.ts and in wasm/opcodes.ts, a branch in the packer of the WASM backend
 * (wasm/assembly/matmul/packRows.ts; for blocks unpackStored.ts) and a row in test/kernels/stored.test.ts (for blocks in
 * quantizedTypes.test.ts and its fixture). The reference and the packing threads of the GPU backend decode with `decode`.
 */
export interface StoredFormat {
  readonly blockValues: number;
  readonly blockBytes: number;
  /** Decodes the blocks of `values`. `bytes` starts at a multiple of the size of its largest number (4 at most). */
  decode(bytes: Uint8Array, values: Float32Array): void;
  /** Absent where values are stored as floating-point numbers. */
  readonly quantized?: QuantizedBlocks;
}

/** Whole numbers (codes) that share a scale, and in some formats a minimum, per group. */
export interface QuantizedBlocks {
  /** Values of a group. */
  readonly group: 16 | 32;
  /** The codes that occur, both ends included. */
  readonly lowest: number;
  readonly highest: number;
  readonly hasMinimum: boolean;
  /** The codes that occur, where they are not all from lowest to highest. */
  readonly levels?: Int8Array | undefined;
  /** Unpacks all blocks of `bytes`. */
  unpack(bytes: Uint8Array, into: UnpackedBlocks): void;
}

/** value = f32(scale * code) + minimum, each rounded to f32, as the formats' publishers compute it. */
export interface UnpackedBlocks {
  /** One per value. */
  readonly codes: Int8Array;
  /** One per group. */
  readonly scales: Float32Array;
  /** One per group; left as they are where the format has none. */
  readonly minima: Float32Array;
}
