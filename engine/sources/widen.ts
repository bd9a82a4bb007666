import type { StoredDType } from '../../kernels/ops.ts';
import { f16ToF32 } from '../../kernels/quantize.ts';

export function bytesPerValue(dtype: StoredDType): number {
  return dtype === 'F32' ? 4 : 2;
}

/**
 * Little-endian bytes -> f32 values, and the largest magnitude among them: not finite where one of them is not. `bytes`
 * must start at a multiple of four in its ArrayBuffer.
 */
export function widen(bytes: Uint8Array, dtype: StoredDType): { values: Float32Array; largest: number } {
  if (dtype === 'F32') {
    const values = new Float32Array(bytes.buffer, bytes.byteOffset, bytes.length / 4);
    return { values, largest: largestOf(new Uint32Array(bytes.buffer, bytes.byteOffset, bytes.length / 4)) };
  }
  const halves = new Uint16Array(bytes.buffer, bytes.byteOffset, bytes.length / 2);
  const bits = new Uint32Array(halves.length);
  if (dtype === 'BF16') {
    for (let i = 0; i < halves.length; i++) bits[i] = halves[i]! << 16;
  } else {
    const table = f16Table();
    for (let i = 0; i < halves.length; i++) bits[i] = table[halves[i]!]!;
  }
  return { values: new Float32Array(bits.buffer), largest: largestOf(bits) };
}

/** Magnitudes of f32 are in the order of their bits, with infinity and NaN above all: integers compare faster. */
function largestOf(bits: Uint32Array): number {
  let largest = 0;
  for (let i = 0; i < bits.length; i++) {
    const magnitude = bits[i]! & 0x7fffffff;
    if (magnitude > largest) largest = magnitude;
  }
  return new Float32Array(Uint32Array.of(largest).buffer)[0]!;
}

let f16Bits: Uint32Array | undefined;

/** f32 bits of all 65,536 f16 values, made at first use. */
function f16Table(): Uint32Array {
  if (!f16Bits) {
    const values = Float32Array.from({ length: 65536 }, (_, bits) => f16ToF32(bits));
    f16Bits = new Uint32Array(values.buffer);
  }
  return f16Bits;
}
