import { STORED, type StoredType, storedValues } from './storedTypes.ts';

/**
 * Stored bytes -> f32 values, and the largest magnitude among them, which is not finite where one of them is not. `bytes`
 * starts at a multiple of four in its ArrayBuffer.
 */
export function decodeRows(
  bytes: Uint8Array,
  type: StoredType,
): { values: Float32Array<ArrayBuffer>; largest: number } {
  const values = new Float32Array(storedValues(bytes.length, type));
  STORED[type].decode(bytes, values);
  return { values, largest: largestMagnitude(values) };
}

/** NaN or Infinity where a value is not finite. */
export function largestMagnitude(values: Float32Array): number {
  // Magnitudes of f32 are in the order of their bits, with infinity and NaN above all; integers compare faster.
  const bits = new Uint32Array(values.buffer, values.byteOffset, values.length);
  let largest = 0;
  for (let i = 0; i < bits.length; i++) {
    const magnitude = bits[i]! & 0x7fffffff;
    if (magnitude > largest) largest = magnitude;
  }
  return new Float32Array(Uint32Array.of(largest).buffer)[0]!;
}
