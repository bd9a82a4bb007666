import type { QuantizedBlocks, StoredFormat, UnpackedBlocks } from './storedFormat.ts';

/** A block's place: its first byte, its first value, its first group. */
export interface Place {
  readonly byte: number;
  readonly value: number;
  readonly group: number;
}

/** A format of quantised blocks, as llama.cpp's ggml-quants.c defines it. */
export interface BlockDefinition extends Omit<QuantizedBlocks, 'unpack'> {
  readonly blockValues: number;
  readonly blockBytes: number;
  unpackBlock(bytes: Uint8Array, at: Place, into: UnpackedBlocks): void;
}

/** Makes a stored format of the definition of its blocks. */
export function quantizedFormat(definition: BlockDefinition): StoredFormat & { readonly quantized: QuantizedBlocks } {
  const { blockValues, blockBytes, group, lowest, highest, hasMinimum, levels } = definition;
  const unpack = (bytes: Uint8Array, into: UnpackedBlocks): void => {
    for (let block = 0; block * blockBytes < bytes.length; block++) {
      const at = { byte: block * blockBytes, value: block * blockValues, group: (block * blockValues) / group };
      definition.unpackBlock(bytes, at, into);
    }
  };
  return {
    blockValues,
    blockBytes,
    quantized: { group, lowest, highest, hasMinimum, levels, unpack },
    decode(bytes, values) {
      const unpacked = emptyBlocks(values.length, group);
      unpack(bytes, unpacked);
      dequantize(unpacked, { group, hasMinimum }, values);
    },
  };
}

/** Room for `values` unpacked values. */
export function emptyBlocks(values: number, group: number): UnpackedBlocks {
  const groups = values / group;
  return { codes: new Int8Array(values), scales: new Float32Array(groups), minima: new Float32Array(groups) };
}

/** values = f32(scale * code) + minimum. Without minima nothing is added, which keeps -0. */
export function dequantize(
  { codes, scales, minima }: UnpackedBlocks,
  { group, hasMinimum }: { readonly group: number; readonly hasMinimum: boolean },
  values: Float32Array,
): void {
  for (let i = 0; i < values.length; i++) {
    const at = Math.floor(i / group);
    const product = scales[at]! * codes[i]!;
    values[i] = hasMinimum ? Math.fround(product) + minima[at]! : product;
  }
}
